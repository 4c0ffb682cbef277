/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "stats/summary.h"

/*
 * All streams that are counted: the captured one, which is the workers' shards together, and one
 * for each identity of another server. Summaries are made when somebody asks, at most once a second
 * for each stream.
 */
struct streams;

uint32_t streams_count(const struct streams *streams);
const char *streams_name(const struct streams *streams, uint32_t index); /* borrowed */

/* The index of a stream, or -ENOENT. */
int streams_find(const struct streams *streams, const char *name);

#define STREAMS_ALL UINT32_MAX

/* Of one stream, or of STREAMS_ALL: borrowed until the next turn of the loop. */
const struct summary *streams_summary(struct streams *streams, uint32_t index);

struct streams_rates {
	double queries, responses; /* per second */
};
struct streams_rates streams_rates(const struct streams *streams, uint32_t index,
				   uint32_t window_s);

/* A counter with the rates among them: qps, rps, pps (of 1 s), qps/60, qps/300 and so on. False
 * when no counter can have the name. */
bool streams_counter(struct streams *streams, uint32_t index, const char *name, uint64_t *value);

/* Everything begins anew. */
void streams_reset(struct streams *streams);
