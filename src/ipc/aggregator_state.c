/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/aggregator_state.h"

#include <stddef.h>
#include <string.h>

#include "ipc/commit.h"

#define AGGREGATOR_VERSION 1
#define READ_ATTEMPTS	   100

static uint64_t layout(void)
{
	return (uint64_t)AGGREGATOR_VERSION << 48 | sizeof(struct aggregator_words) << 24 |
	       sizeof(struct aggregator_state);
}

bool aggregator_state_attach(struct aggregator_state *state, struct aggregator_words *words)
{
	if (state->layout == layout() && state->active < 2) {
		*words = state->words[state->active];
		return true;
	}
	state->layout = 0;
	COMMIT_BARRIER();
	memset((char *)state + sizeof(state->layout), 0, sizeof(*state) - sizeof(state->layout));
	COMMIT_BARRIER();
	state->layout = layout();
	*words = (struct aggregator_words){0};
	return false;
}

void aggregator_state_commit(struct aggregator_state *state, const struct aggregator_words *words)
{
	uint32_t next = !state->active;

	__atomic_store_n(&state->sequence, state->sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	state->words[next] = *words;
	__atomic_store_n(&state->active, next, __ATOMIC_RELEASE);
}

/* Each commit begins with another sequence number, and only the next but one overwrites words that
 * are valid: a copy during which no commit began is whole. */
bool aggregator_state_read(const struct aggregator_state *state, struct aggregator_words *words)
{
	for (int i = 0; i < READ_ATTEMPTS; i++) {
		uint64_t before = __atomic_load_n(&state->sequence, __ATOMIC_ACQUIRE);
		uint32_t active = __atomic_load_n(&state->active, __ATOMIC_ACQUIRE);

		if (state->layout != layout() || active > 1)
			return false;
		*words = state->words[active];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&state->sequence, __ATOMIC_RELAXED) == before)
			return true;
	}
	return false;
}
