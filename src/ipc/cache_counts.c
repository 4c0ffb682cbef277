/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/cache_counts.h"

#define COUNTS (sizeof(struct cache_counts) / sizeof(uint64_t))

bool cache_counts_read(const void *memory, size_t size, struct cache_counts *counts)
{
	const struct cache_head *head = memory;
	const uint64_t *from = (const uint64_t *)&head->counts;
	uint64_t *to = (uint64_t *)counts, old;

	if (size < CACHE_HEAD_BYTES ||
	    __atomic_load_n(&head->layout, __ATOMIC_ACQUIRE) != CACHE_HEAD_LAYOUT ||
	    __atomic_load_n(&head->size, __ATOMIC_RELAXED) != size)
		return false;
	for (size_t i = 0; i < COUNTS; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	old = __atomic_load_n(&head->old, __ATOMIC_ACQUIRE); /* first: it stays behind young */
	counts->bytes = __atomic_load_n(&head->young, __ATOMIC_RELAXED) - old;
	return true;
}

void cache_counts_add(struct cache_counts *sum, const struct cache_counts *more)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)more;

	for (size_t i = 0; i < COUNTS; i++)
		to[i] += from[i];
}
