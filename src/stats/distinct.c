/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/distinct.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define RANK_MAX (64 - DISTINCT_BITS + 1)

/* A full table of a liar ends the search too. */
static void add_exact(struct distinct *distinct, uint64_t hash)
{
	uint64_t *slot;

	for (uint32_t i = 0; i < DISTINCT_SLOTS; i++) {
		slot = &distinct->exact[((hash >> 48) + i) % DISTINCT_SLOTS];
		if (*slot == hash)
			return;
		if (!*slot)
			break;
	}
	if (distinct->exact_count < DISTINCT_EXACT_MAX)
		*slot = hash;
	distinct->exact_count++;
}

static bool is_exact(const struct distinct *distinct)
{
	return distinct->exact_count <= DISTINCT_EXACT_MAX;
}

void distinct_learn(struct distinct *distinct, uint64_t hash)
{
	uint8_t *seen = &distinct->registers[hash % DISTINCT_REGISTERS];
	uint8_t rank = distinct_rank(hash);

	if (rank > *seen)
		*seen = rank;
	if (is_exact(distinct))
		add_exact(distinct, hash);
}

void distinct_repair(struct distinct *distinct)
{
	uint64_t count = 0;

	if (!is_exact(distinct))
		return;
	for (uint32_t i = 0; i < DISTINCT_SLOTS; i++)
		count += distinct->exact[i] != 0;
	distinct->exact_count = count;
}

static void merge_registers(uint8_t *restrict into, const uint8_t *restrict from)
{
	for (uint32_t i = 0; i < DISTINCT_REGISTERS; i++)
		into[i] = into[i] > from[i] ? into[i] : from[i]; /* stored always: 16 at a time */
}

void distinct_merge(struct distinct *into, const struct distinct *from)
{
	uint64_t count = __atomic_load_n(&from->exact_count, __ATOMIC_ACQUIRE);

	merge_registers(into->registers, from->registers);
	if (count > DISTINCT_EXACT_MAX)
		into->exact_count = DISTINCT_EXACT_MAX + 1;
	for (uint32_t i = 0; count && i < DISTINCT_SLOTS && is_exact(into); i++) {
		uint64_t hash = __atomic_load_n(&from->exact[i], __ATOMIC_RELAXED);

		if (hash)
			add_exact(into, hash);
	}
}

/* Ertl 2017, algorithms 5 (sigma) and 6 (tau). */
static double sigma(double x)
{
	double power = 1, sum = x, before;

	if (x == 1)
		return INFINITY;
	do {
		before = sum;
		x *= x;
		sum += x * power;
		power += power;
	} while (sum != before);
	return sum;
}

static double tau(double x)
{
	double power = 1, sum = 1 - x, before;

	if (x == 0 || x == 1)
		return 0;
	do {
		before = sum;
		x = sqrt(x);
		power *= 0.5;
		sum -= (1 - x) * (1 - x) * power;
	} while (sum != before);
	return sum / 3;
}

/* How many registers have each rank. In four counts, since most have one of a few ranks, and a
 * count that was just stored is slow to load. */
static void count_ranks(const struct distinct *distinct, double ranks[RANK_MAX + 1])
{
	uint32_t counts[4][UINT8_MAX + 1] = {0};

	for (uint32_t i = 0; i < DISTINCT_REGISTERS; i += 4) {
		counts[0][distinct->registers[i]]++;
		counts[1][distinct->registers[i + 1]]++;
		counts[2][distinct->registers[i + 2]]++;
		counts[3][distinct->registers[i + 3]]++;
	}
	memset(ranks, 0, (RANK_MAX + 1) * sizeof(*ranks));
	for (uint32_t rank = 0; rank <= UINT8_MAX; rank++)
		ranks[rank < RANK_MAX ? rank : RANK_MAX] +=
			counts[0][rank] + counts[1][rank] + counts[2][rank] + counts[3][rank];
}

static double estimate(const struct distinct *distinct)
{
	const double registers = DISTINCT_REGISTERS;
	double ranks[RANK_MAX + 1], sum;

	count_ranks(distinct, ranks);
	sum = registers * tau(1 - ranks[RANK_MAX] / registers);
	for (uint32_t rank = RANK_MAX - 1; rank >= 1; rank--)
		sum = 0.5 * (sum + ranks[rank]);
	sum += registers * sigma(ranks[0] / registers);
	return registers * registers / (2 * M_LN2) / sum;
}

uint64_t distinct_count(const struct distinct *distinct)
{
	double count;

	if (is_exact(distinct))
		return distinct->exact_count;
	count = estimate(distinct);
	return count < 1e18 ? (uint64_t)(count + 0.5) : UINT64_MAX;
}
