/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>

/*
 * How many different hashes have come: exactly up to 4096, then by HyperLogLog (Flajolet et al.
 * 2007) within about 0.6 %, with the estimator of Ertl (2017), which needs no corrections. Two can
 * be merged. All zero is empty.
 */
#define DISTINCT_BITS	   15
#define DISTINCT_REGISTERS (1u << DISTINCT_BITS)
#define DISTINCT_EXACT_MAX 4096u
#define DISTINCT_SLOTS	   (2 * DISTINCT_EXACT_MAX)

struct distinct {
	uint8_t registers[DISTINCT_REGISTERS];
	uint64_t exact[DISTINCT_SLOTS]; /* open addressing; 0: free */
	uint64_t exact_count;		/* DISTINCT_EXACT_MAX + 1: there were more */
	uint64_t reserved[7];
};

/* The rank of a hash. The bit above the hash's makes that of all zeros the highest. */
static inline uint8_t distinct_rank(uint64_t hash)
{
	uint64_t rest = hash >> DISTINCT_BITS | UINT64_C(1) << (64 - DISTINCT_BITS);

	return (uint8_t)(__builtin_ctzll(rest) + 1);
}

/* A hash (not 0) that may be new. */
void distinct_learn(struct distinct *distinct, uint64_t hash);

/* hash is not 0. Of many, few change anything: one look tells. */
static inline void distinct_add(struct distinct *distinct, uint64_t hash)
{
	if (distinct_rank(hash) > distinct->registers[hash % DISTINCT_REGISTERS] ||
	    distinct->exact_count <= DISTINCT_EXACT_MAX)
		distinct_learn(distinct, hash);
}

/* The writer, of what a predecessor left: after a kill the count may be wrong by one. */
void distinct_repair(struct distinct *distinct);

/* from may be written meanwhile, or hold anything. */
void distinct_merge(struct distinct *into, const struct distinct *from);

uint64_t distinct_count(const struct distinct *distinct);
