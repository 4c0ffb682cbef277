/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/state.h"

#include "ipc/commit.h"

static bool is_intent_valid(const struct commit_intent *intent)
{
	if (intent->count > COMMIT_WRITES_MAX)
		return false;
	for (uint32_t i = 0; i < intent->count; i++)
		if (intent->writes[i].word >= STATE_WORDS)
			return false;
	return true;
}

bool state_attach(struct state_head *head)
{
	struct commit_intent *intent = &head->intent;

	if (!head->magic) {
		head->words[STATE_SEQUENCE] = 1; /* spec 5.1 */
		head->words[STATE_SENT] = 1;
		COMMIT_BARRIER();
		head->magic = STATE_MAGIC;
	}
	if (head->magic != STATE_MAGIC || !is_intent_valid(intent))
		return false;
	if (intent->mark)
		for (uint32_t i = 0; i < intent->count; i++)
			head->words[intent->writes[i].word] = intent->writes[i].value;
	COMMIT_BARRIER();
	intent->mark = 0;
	intent->count = 0;
	head->words[STATE_PROXY_TURN] = 0;
	return true;
}
