/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "stats/summary.h"

/* The best of many items, kept in the caller's memory: a heap, its worst on top. Higher counts are
 * better, and of equal ones the lesser text. */
struct ranking {
	struct summary_item *items; /* borrowed, as is the next: room for limit */
	struct ranking_place {
		uint64_t key, count;
		uint32_t item;
	} * heap;
	uint32_t limit, count;
};

/* Could an item of this count be among the best? */
static inline bool ranking_wants(const struct ranking *ranking, uint64_t count)
{
	if (ranking->count < ranking->limit)
		return count > 0;
	return ranking->limit && count >= ranking->heap[0].count;
}

/* Takes a copy, unless it is not wanted or its key is there. */
void ranking_offer(struct ranking *ranking, uint64_t key, const struct summary_item *item);

/* Sorts the items, the best first; returns how many. */
uint32_t ranking_finish(struct ranking *ranking);
