/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "loop/loop.h"

static struct loop *loop;
static struct loop_event *event;
static int calls;

static void count_and_stop(void *argument)
{
	calls += *(const int *)argument;
	loop_stop(loop);
}

static void free_itself(void *argument)
{
	(void)argument;
	loop_event_free(event);
	loop_stop(loop);
}

static int set_up(void **state)
{
	(void)state;
	calls = 0;
	loop = loop_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void test_timer_fires_once(void **state)
{
	static int one = 1;
	int64_t start = clock_monotonic_ns();

	(void)state;
	event = loop_add_timer(loop, count_and_stop, &one);
	loop_timer_set(event, 20 * NANOSECONDS_PER_MILLISECOND);
	loop_run(loop);
	assert_int_equal(calls, 1);
	assert_true(clock_monotonic_ns() - start >= 19 * NANOSECONDS_PER_MILLISECOND);
	loop_poll(loop);
	assert_int_equal(calls, 1);
}

static void test_reader_is_called_while_there_is_something(void **state)
{
	static int one = 1;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	loop_add_reader(loop, fds[0], count_and_stop, &one);
	loop_poll(loop);
	assert_int_equal(calls, 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_run(loop);
	loop_run(loop);
	assert_int_equal(calls, 2);
	close(fds[0]);
	close(fds[1]);
}

static void test_signal_is_handled_in_the_loop(void **state)
{
	static int one = 1;

	(void)state;
	loop_add_signal(loop, SIGUSR1, count_and_stop, &one);
	raise(SIGUSR1);
	assert_int_equal(calls, 0);
	loop_run(loop);
	assert_int_equal(calls, 1);
}

static void test_event_may_free_itself(void **state)
{
	(void)state;
	event = loop_add_timer(loop, free_itself, NULL);
	loop_timer_set(event, 0);
	loop_run(loop);
	loop_poll(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_timer_fires_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reader_is_called_while_there_is_something,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_signal_is_handled_in_the_loop, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_event_may_free_itself, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
