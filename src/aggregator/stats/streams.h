/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "ipc/aggregator_state.h"
#include "ipc/state.h"
#include "stats/summary.h"

/*
 * All streams that are counted: the captured one, which is the workers' shards together, and one
 * for each identity of another server. Summaries are made when somebody asks, at most once a second
 * for each stream.
 */
struct streams;

/* What they are made of: all borrowed. */
struct streams_parts {
	const struct config *config;
	struct hash_key key;
	const struct suffixes *suffixes;
	struct aggregator_state *state;
	const char *captured;			/* name of the captured stream */
	const void *shards[CONFIG_WORKERS_MAX]; /* of the workers, NULL where there is none */
	const struct state_watch *watches[CONFIG_WORKERS_MAX];
	uint8_t *memory;	       /* for other servers' streams; NULL: none */
	void (*reset)(void *argument); /* asks for new epochs of the workers' shards */
	void *argument;
};

struct streams *streams_new(const struct streams_parts *parts);
void streams_free(struct streams *streams);

/* Counts an event of another server, in the stream of its identity. streams_settle: when there is
 * nothing else to do. */
void streams_count_event(struct streams *streams, const struct event *event);
void streams_settle(struct streams *streams);

/* Once a second: the rates. */
void streams_tick(struct streams *streams, int64_t now_ns);

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

/* The next summaries are made when they are asked for, however young those before are. */
void streams_renew(struct streams *streams);

/* Everything begins anew. */
void streams_reset(struct streams *streams);
