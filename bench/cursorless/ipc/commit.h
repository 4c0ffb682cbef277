/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "ipc/state.h"

/*
 * Stands in for src/ipc/commit.h in a build with CURSOR=0, so that bench/cursor can tell what
 * recovery costs: words are written at once, without intent and mark. A worker that is killed
 * leaves its last step half done; for nothing but that bench.
 */

#define COMMIT_BARRIER() __asm__ __volatile__("" ::: "memory")

static inline void commit_set(struct state_head *head, enum state_word word, uint64_t value)
{
	__atomic_store_n(&head->words[word], value, __ATOMIC_RELAXED);
}

static inline void commit_add(struct state_head *head, enum counter counter, uint64_t more)
{
	commit_set(head, (enum state_word)(STATE_COUNTERS + (int)counter),
		   state_counter(head, counter) + more);
}

static inline void commit_add_some(struct state_head *head, enum counter counter, uint64_t more)
{
	if (more)
		commit_add(head, counter, more);
}

static inline void commit_apply(struct state_head *head)
{
	(void)head;
}

static inline uint64_t commit_next_step(const struct state_head *head, enum state_word step)
{
	return head->words[step] + 1;
}
