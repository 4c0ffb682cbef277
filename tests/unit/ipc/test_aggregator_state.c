/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/aggregator_state.h"

static struct aggregator_state *new_state(void)
{
	return mmap(NULL, sizeof(struct aggregator_state), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void test_words_count_once_they_are_committed(void **unused)
{
	struct aggregator_state *state = new_state();
	static struct aggregator_words words, read;

	(void)unused;
	assert_false(aggregator_state_read(state, &read));
	assert_false(aggregator_state_attach(state, &words));
	words.outputs[3].read = 7;
	assert_true(aggregator_state_read(state, &read));
	assert_int_equal(read.outputs[3].read, 0);
	aggregator_state_commit(state, &words);
	words.outputs[3].read = 8;
	assert_true(aggregator_state_read(state, &read));
	assert_int_equal(read.outputs[3].read, 7);
	memset(&words, 0, sizeof(words));
	assert_true(aggregator_state_attach(state, &words));
	assert_int_equal(words.outputs[3].read, 7);
}

static void test_another_layout_begins_clean(void **unused)
{
	struct aggregator_state *state = new_state();
	static struct aggregator_words words;

	(void)unused;
	aggregator_state_attach(state, &words);
	words.sources[0].read = 9;
	aggregator_state_commit(state, &words);
	state->layout++;
	assert_false(aggregator_state_read(state, &words));
	assert_false(aggregator_state_attach(state, &words));
	assert_int_equal(words.sources[0].read, 0);
	assert_int_equal(state->words[0].sources[0].read, 0);
	assert_int_equal(state->words[1].sources[0].read, 0);
}

static void fill(struct aggregator_words *words, uint64_t value)
{
	uint64_t *all = (uint64_t *)words;

	for (size_t i = 0; i < sizeof(*words) / sizeof(*all); i++)
		all[i] = value;
}

static uint64_t same(const struct aggregator_words *words)
{
	const uint64_t *all = (const uint64_t *)words;

	for (size_t i = 1; i < sizeof(*words) / sizeof(*all); i++)
		assert_int_equal(all[i], all[0]);
	return all[0];
}

/* A writer whose words are all equal, killed anywhere, while another process reads them. */
static void test_a_kill_and_a_reader_see_one_commit(void **unused)
{
	struct aggregator_state *state = new_state();
	static struct aggregator_words words;
	uint64_t last = 0;

	(void)unused;
	for (int round = 0; round < 50; round++) {
		pid_t child = fork();

		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL); /* also of a test that fails */
			aggregator_state_attach(state, &words);
			for (uint64_t i = words.sources[0].position;; i++) {
				fill(&words, i);
				aggregator_state_commit(state, &words);
			}
		}
		for (int i = 0; i < 200; i++)
			if (aggregator_state_read(state, &words)) {
				assert_true(same(&words) >= last);
				last = same(&words);
			}
		usleep(1000);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		if (state->layout) {
			aggregator_state_attach(state, &words);
			assert_true(same(&words) >= last);
		}
	}
	assert_true(last > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_count_once_they_are_committed),
		cmocka_unit_test(test_another_layout_begins_clean),
		cmocka_unit_test(test_a_kill_and_a_reader_see_one_commit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
