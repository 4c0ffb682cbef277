/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "ipc/commit.h"

#define KILLS 200

static void test_fresh_state_begins_at_sequence_one(void **state)
{
	static struct state_head head;

	(void)state;
	assert_true(state_attach(&head));
	assert_int_equal(state_get(&head, STATE_SEQUENCE), 1);
	assert_int_equal(state_get(&head, STATE_SENT), 1);
	assert_int_equal(state_counter(&head, COUNTER_PACKETS_READ), 0);
}

static void test_marked_intent_is_applied_again(void **state)
{
	static struct state_head head;

	(void)state;
	assert_true(state_attach(&head));
	commit_set(&head, STATE_PACKET, 7);
	commit_add(&head, COUNTER_PACKETS_READ, 3);
	assert_int_equal(state_get_last(&head, STATE_PACKET), 0);
	head.intent.mark = 1; /* killed before it was applied */
	assert_int_equal(state_get_last(&head, STATE_PACKET), 7);
	assert_int_equal(state_get_last(&head, STATE_SEQUENCE), 1);
	assert_true(state_attach(&head));
	assert_int_equal(state_get(&head, STATE_PACKET), 7);
	assert_int_equal(state_counter(&head, COUNTER_PACKETS_READ), 3);
	assert_true(state_attach(&head));
	assert_int_equal(state_counter(&head, COUNTER_PACKETS_READ), 3);
}

static void test_a_turn_of_the_proxy_ends_with_its_process(void **state)
{
	static struct state_head head;

	(void)state;
	assert_true(state_attach(&head));
	head.words[STATE_PROXY_TURN] = 1;
	assert_true(state_attach(&head));
	assert_int_equal(state_get(&head, STATE_PROXY_TURN), 0);
}

static void test_unmarked_intent_is_forgotten(void **state)
{
	static struct state_head head;

	(void)state;
	assert_true(state_attach(&head));
	commit_set(&head, STATE_PACKET, 7);
	assert_true(state_attach(&head));
	commit_set(&head, STATE_BLOCK, 1);
	commit_apply(&head);
	assert_int_equal(state_get(&head, STATE_PACKET), 0);
	assert_int_equal(state_get(&head, STATE_BLOCK), 1);
}

static void test_foreign_memory_is_refused(void **state)
{
	static struct state_head head;

	(void)state;
	head.magic = 42;
	assert_false(state_attach(&head));
	memset(&head, 0, sizeof(head));
	assert_true(state_attach(&head));
	head.intent.count = COMMIT_WRITES_MAX + 1;
	assert_false(state_attach(&head));
	head.intent.count = 1;
	head.intent.writes[0].word = STATE_WORDS;
	assert_false(state_attach(&head));
}

/* Every step moves four words together. */
static void work_for_ever(struct state_head *head)
{
	state_attach(head);
	for (;;) {
		uint64_t packet = state_get(head, STATE_PACKET) + 1;

		commit_set(head, STATE_PACKET, packet);
		commit_set(head, STATE_BLOCK, packet / 3);
		commit_add(head, COUNTER_PACKETS_READ, 1);
		commit_add(head, COUNTER_MESSAGES_IN, 2);
		commit_apply(head);
	}
}

static void test_killed_steps_are_done_or_not_begun(void **state)
{
	struct state_head *head = mmap(NULL, sizeof(*head), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct random random;
	uint64_t packet;

	(void)state;
	assert_true(head != MAP_FAILED);
	assert_int_equal(random_init(&random), 0);
	for (int i = 0; i < KILLS; i++) {
		struct timespec pause = {
			.tv_nsec = (long)random_below(&random, 2 * NANOSECONDS_PER_MILLISECOND)};
		pid_t child = fork();

		if (child == 0)
			work_for_ever(head);
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		assert_true(state_attach(head));
		packet = state_get(head, STATE_PACKET);
		assert_true(state_get(head, STATE_BLOCK) == packet / 3);
		assert_true(state_counter(head, COUNTER_PACKETS_READ) == packet);
		assert_true(state_counter(head, COUNTER_MESSAGES_IN) == 2 * packet);
	}
	assert_true(packet > 0);
	munmap(head, sizeof(*head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fresh_state_begins_at_sequence_one),
		cmocka_unit_test(test_marked_intent_is_applied_again),
		cmocka_unit_test(test_a_turn_of_the_proxy_ends_with_its_process),
		cmocka_unit_test(test_unmarked_intent_is_forgotten),
		cmocka_unit_test(test_foreign_memory_is_refused),
		cmocka_unit_test(test_killed_steps_are_done_or_not_begun),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
