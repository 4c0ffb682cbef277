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

#define CROWD 800 /* descriptors: few, for a limit of 1024 */

/* One pipe that many ask, which are all ready, always. */
static struct crowd {
	int fds[CROWD], pipe[2], urgent_pipe[2];
	struct loop_event *urgent;
	uint32_t calls, calls_then, times;
	int64_t busy_ns;
} crowd;

static void be_busy(void *argument)
{
	int64_t until_ns = clock_monotonic_ns() + crowd.busy_ns;

	(void)argument;
	if (++crowd.calls == 10) {
		crowd.calls_then = crowd.calls;
		assert_int_equal(write(crowd.urgent_pipe[1], "x", 1), 1);
	}
	if (crowd.calls == 3 * CROWD)
		loop_stop(loop);
	while (clock_monotonic_ns() < until_ns)
		;
}

static void gather_crowd(int64_t busy_ns)
{
	crowd = (struct crowd){.busy_ns = busy_ns};
	assert_int_equal(pipe(crowd.pipe), 0);
	assert_int_equal(pipe(crowd.urgent_pipe), 0);
	assert_int_equal(write(crowd.pipe[1], "x", 1), 1);
	for (int i = 0; i < CROWD; i++) {
		crowd.fds[i] = dup(crowd.pipe[0]);
		assert_true(crowd.fds[i] >= 0);
		loop_add_reader(loop, crowd.fds[i], be_busy, NULL);
	}
}

static void dismiss_crowd(void)
{
	loop_free(loop);
	loop = NULL;
	for (int i = 0; i < CROWD; i++)
		close(crowd.fds[i]);
	for (int i = 0; i < 2; i++) {
		close(crowd.pipe[i]);
		close(crowd.urgent_pipe[i]);
	}
}

static void take_note(void *argument)
{
	(void)argument;
	crowd.calls_then = crowd.calls - crowd.calls_then;
	loop_event_free(crowd.urgent);
	loop_stop(loop);
}

static void test_an_urgent_reader_is_served_among_very_many(void **state)
{
	(void)state;
	gather_crowd(1000);
	crowd.urgent = loop_add_urgent_reader(loop, crowd.urgent_pipe[0], take_note, NULL);
	loop_run(loop);
	assert_in_range(crowd.calls_then, 1, LOOP_URGENT_CALLS);
	dismiss_crowd();
}

static void test_an_urgent_reader_is_served_among_slow_ones(void **state)
{
	(void)state;
	gather_crowd(LOOP_URGENT_NS / 5);
	crowd.urgent = loop_add_urgent_reader(loop, crowd.urgent_pipe[0], take_note, NULL);
	loop_run(loop);
	assert_in_range(crowd.calls_then, 0, 6);
	dismiss_crowd();
}

static void count(void *argument)
{
	(void)argument;
	crowd.times++;
}

static void test_an_urgent_reader_that_is_always_ready_leaves_turns_to_others(void **state)
{
	uint32_t share = 3 * CROWD / LOOP_URGENT_CALLS;

	(void)state;
	gather_crowd(0);
	loop_add_urgent_reader(loop, crowd.pipe[0], count, NULL);
	loop_run(loop);
	assert_int_equal(crowd.calls, 3 * CROWD);
	assert_in_range(crowd.times, share / 2, 2 * share);
	dismiss_crowd();
}

static void note_time(void *argument)
{
	*(int64_t *)argument = clock_monotonic_ns();
	loop_stop(loop);
}

/* A round of the crowd takes 200 ms. */
static void test_a_timer_is_served_among_very_many(void **state)
{
	int64_t served_ns = 0, begun_ns;

	(void)state;
	gather_crowd(250000);
	event = loop_add_timer(loop, note_time, &served_ns);
	begun_ns = clock_monotonic_ns();
	loop_timer_set(event, NANOSECONDS_PER_MILLISECOND);
	loop_run(loop);
	assert_true(served_ns - begun_ns < 100 * NANOSECONDS_PER_MILLISECOND);
	dismiss_crowd();
}

static void set_again(void *argument)
{
	(void)argument;
	crowd.times++;
	loop_timer_set(event, 0);
}

static void test_a_timer_of_no_delay_leaves_turns_to_readers(void **state)
{
	(void)state;
	gather_crowd(0);
	event = loop_add_timer(loop, set_again, NULL);
	loop_timer_set(event, 0);
	loop_run(loop);
	assert_int_equal(crowd.calls, 3 * CROWD);
	assert_true(crowd.times > 0);
	dismiss_crowd();
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_timer_fires_once),
		TEST(test_reader_is_called_while_there_is_something),
		TEST(test_an_urgent_reader_is_served_among_very_many),
		TEST(test_an_urgent_reader_is_served_among_slow_ones),
		TEST(test_an_urgent_reader_that_is_always_ready_leaves_turns_to_others),
		TEST(test_a_timer_is_served_among_very_many),
		TEST(test_a_timer_of_no_delay_leaves_turns_to_readers),
		TEST(test_signal_is_handled_in_the_loop),
		TEST(test_event_may_free_itself),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
