/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>

/*
 * A histogram of times: 32 buckets for each doubling from 512 ns to 69 s, so that a bucket is at
 * most 3.2 % wide; and the six classes of the spec. All zero is empty.
 */
#define LATENCY_LOW_BITS  9  /* log2 of the first bound, in ns */
#define LATENCY_HIGH_BITS 36 /* and of the last */
#define LATENCY_SUB_BITS  5  /* log2 of the buckets for each doubling */
#define LATENCY_OCTAVES	  (LATENCY_HIGH_BITS - LATENCY_LOW_BITS)
#define LATENCY_BUCKETS \
	(1 + (LATENCY_OCTAVES << LATENCY_SUB_BITS) + 1) /* up to the first; beyond the last */
#define LATENCY_CLASSES 6 /* up to 1, 10, 50, 100, 1000 ms, and slower (spec 6) */

struct latency {
	uint64_t sum_ns;
	uint64_t classes[LATENCY_CLASSES];
	uint64_t buckets[LATENCY_BUCKETS];
};

/* Negative times (of a clock that was set) count as 0. */
void latency_add(struct latency *latency, int64_t ns);
uint64_t latency_count(const struct latency *latency);

/* Of those up to 2^bits ns, LATENCY_LOW_BITS <= bits <= LATENCY_HIGH_BITS. */
uint64_t latency_count_to(const struct latency *latency, uint32_t bits);

/* In seconds; 0 when it is empty. */
double latency_quantile(const struct latency *latency, double quantile);
