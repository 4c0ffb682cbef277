/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <assert.h>
#include "ipc/state.h"

/*
 * One step of a worker, so that SIGKILL at any instruction leaves it either done or not begun. A
 * caller first writes data where no committed length reaches, then names the new values of words
 * with commit_set and commit_add (each word at most once a step), then calls commit_apply. SIGKILL
 * keeps program order, so compiler barriers suffice.
 */

#define COMMIT_WRITES_USUAL 7 /* of a message that is recorded */

#define COMMIT_BARRIER() __asm__ __volatile__("" ::: "memory")

static inline void commit_set(struct state_head *head, enum state_word word, uint64_t value)
{
	struct commit_intent *intent = &head->intent;
	uint32_t at = intent->count;

	assert(at < COMMIT_WRITES_MAX);
	intent->writes[at].word = word;
	intent->writes[at].value = value;
	intent->count = at + 1;
}

static inline void commit_add(struct state_head *head, enum counter counter, uint64_t more)
{
	commit_set(head, (enum state_word)(STATE_COUNTERS + (int)counter),
		   state_counter(head, counter) + more);
}

/* For slow paths, where most of the counts are zero. */
static inline void commit_add_some(struct state_head *head, enum counter counter, uint64_t more)
{
	if (more)
		commit_add(head, counter, more);
}

static inline __attribute__((always_inline)) void commit_store(struct state_head *head,
							       uint32_t count)
{
	const struct commit_intent *intent = &head->intent;

	for (uint32_t i = 0; i < count; i++)
		__atomic_store_n(&head->words[intent->writes[i].word], intent->writes[i].value,
				 __ATOMIC_RELAXED);
}

static inline void commit_apply(struct state_head *head)
{
	struct commit_intent *intent = &head->intent;

	COMMIT_BARRIER();
	*(volatile uint32_t *)&intent->mark = 1;
	COMMIT_BARRIER();
	if (intent->count == COMMIT_WRITES_USUAL)
		commit_store(head, COMMIT_WRITES_USUAL); /* unrolled: 3 % of a replay */
	else
		commit_store(head, intent->count);
	COMMIT_BARRIER();
	*(volatile uint32_t *)&intent->mark = 0;
	COMMIT_BARRIER(); /* else stores of the next step could come before it */
	intent->count = 0;
}

/*
 * What a table of reassembly tags its changes with until a commit sets its step word to that (other
 * commits may come in between).
 */
static inline uint64_t commit_next_step(const struct state_head *head, enum state_word step)
{
	return head->words[step] + 1;
}
