/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/latency.h"

#define NS_PER_MS      1000000
#define NS_PER_S       1e9
#define SUB_BUCKETS    (1u << LATENCY_SUB_BITS)
#define BEYOND_BUCKETS (LATENCY_BUCKETS - 1)

static const int64_t class_bounds_ms[LATENCY_CLASSES - 1] = {1, 10, 50, 100, 1000};

/* A bound belongs to the bucket below it, as Prometheus has it. */
static uint32_t bucket_of(uint64_t ns)
{
	uint64_t below = ns ? ns - 1 : 0;
	uint32_t octave;

	if (below < 1u << LATENCY_LOW_BITS)
		return 0;
	if (below >> LATENCY_HIGH_BITS)
		return BEYOND_BUCKETS;
	octave = 63 - (uint32_t)__builtin_clzll(below);
	return 1 + (octave - LATENCY_LOW_BITS) * SUB_BUCKETS +
	       (uint32_t)(below >> (octave - LATENCY_SUB_BITS)) % SUB_BUCKETS;
}

/* Where a bucket begins; the next begins where it ends. */
static double bucket_start(uint32_t bucket)
{
	uint32_t octave = (bucket - 1) / SUB_BUCKETS + LATENCY_LOW_BITS;
	uint64_t sub = (bucket - 1) % SUB_BUCKETS;

	return bucket ? (double)((SUB_BUCKETS + sub) << (octave - LATENCY_SUB_BITS)) : 0;
}

/* The spec rounds to milliseconds first. */
static uint32_t class_of(uint64_t ns)
{
	int64_t ms = (int64_t)((ns + NS_PER_MS / 2) / NS_PER_MS);
	uint32_t number = 0;

	for (uint32_t i = 0; i < LATENCY_CLASSES - 1; i++)
		number += ms > class_bounds_ms[i];
	return number;
}

void latency_add(struct latency *latency, int64_t ns)
{
	uint64_t time = ns > 0 ? (uint64_t)ns : 0;

	latency->sum_ns += time;
	latency->classes[class_of(time)]++;
	latency->buckets[bucket_of(time)]++;
}

uint64_t latency_count(const struct latency *latency)
{
	return latency_count_to(latency, LATENCY_HIGH_BITS) + latency->buckets[BEYOND_BUCKETS];
}

uint64_t latency_count_to(const struct latency *latency, uint32_t bits)
{
	uint32_t last = (bits - LATENCY_LOW_BITS) * SUB_BUCKETS;
	uint64_t count = 0;

	for (uint32_t i = 0; i <= last; i++)
		count += latency->buckets[i];
	return count;
}

double latency_quantile(const struct latency *latency, double quantile)
{
	double rank = quantile * (double)latency_count(latency), below = 0;

	for (uint32_t i = 0; i < BEYOND_BUCKETS; i++) {
		double count = (double)latency->buckets[i], start = bucket_start(i);

		if (count > 0 && below + count >= rank)
			return (start + (bucket_start(i + 1) - start) * (rank - below) / count) /
			       NS_PER_S;
		below += count;
	}
	return below < rank ? bucket_start(BEYOND_BUCKETS) / NS_PER_S : 0;
}
