/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Messages per second over the last 1, 60 and 300 seconds, from totals that are told once a second.
 * In memory that outlives its process. */
#define RATES_SECONDS 301

struct rates {
	int64_t told_ns; /* monotonic, of the newest */
	uint32_t at;	 /* index of the newest */
	uint32_t count;	 /* of those that are told */
	struct {
		uint64_t queries, responses;
	} totals[RATES_SECONDS];
};

/* Tells the totals of now. Seconds that were missed count as if nothing had happened in them;
 * totals below those before (a reset) begin anew. */
void rates_tell(struct rates *rates, int64_t now_ns, uint64_t queries, uint64_t responses);

/* Per second over a window of 1 to 300 seconds, or as much of it as was told. */
double rates_queries(const struct rates *rates, uint32_t window_s);
double rates_responses(const struct rates *rates, uint32_t window_s);

/* What "qps", "rps/60" or "pps/300" asks for: which messages, and over which window. */
struct rates_name {
	bool has_queries, has_responses;
	uint32_t window_s;
};

/* False when text is the name of no rate. */
bool rates_parse(const char *text, struct rates_name *name);
