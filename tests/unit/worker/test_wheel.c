/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "worker/proxy/wheel.h"

#define TICK_NS	  (4 * NANOSECONDS_PER_MILLISECOND)
#define ROUND_NS  (WHEEL_SLOTS * TICK_NS)
#define START_NS  (INT64_C(123456) * NANOSECONDS_PER_SECOND + 777)
#define MANY	  100000u
#define FIRED_MAX 64u

struct rig {
	struct wheel wheel;
	struct wheel_timer timers[FIRED_MAX];
	int64_t now_ns;
	uint32_t fired[FIRED_MAX]; /* numbers of timers, in order */
	uint32_t fired_count;
	void (*then)(struct rig *rig, uint32_t number);
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->now_ns = START_NS;
	wheel_init(&rig->wheel, TICK_NS, START_NS);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void on_timer(void *argument, struct wheel_timer *timer)
{
	struct rig *rig = argument;
	uint32_t number = (uint32_t)(timer - rig->timers);

	assert_false(wheel_is_set(timer));
	assert_true(rig->fired_count < FIRED_MAX);
	rig->fired[rig->fired_count++] = number;
	if (rig->then)
		rig->then(rig, number);
}

static void set(struct rig *rig, uint32_t number, int64_t delay_ns)
{
	wheel_set(&rig->wheel, &rig->timers[number], rig->now_ns + delay_ns);
}

static uint32_t turn(struct rig *rig, int64_t more_ns)
{
	uint32_t before = rig->fired_count;

	rig->now_ns += more_ns;
	wheel_turn(&rig->wheel, rig->now_ns, on_timer, rig);
	return rig->fired_count - before;
}

static void test_timers_come_in_order(void **state)
{
	struct rig *rig = *state;

	for (uint32_t i = 0; i < 50; i++)
		set(rig, i, TICK_NS * (1 + (i * 37) % 50));
	assert_int_equal(turn(rig, 100 * TICK_NS), 50);
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(rig->fired[i] * 37 % 50, i);
	assert_int_equal(rig->wheel.count, 0);
}

static void test_timers_of_one_tick_come_as_they_were_set(void **state)
{
	struct rig *rig = *state;

	for (uint32_t i = 0; i < 20; i++)
		set(rig, (i * 7) % 20, TICK_NS);
	assert_int_equal(turn(rig, 3 * TICK_NS), 20);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(rig->fired[i], (i * 7) % 20);
}

/* Each of 100,000, with turns at odd times. */
struct many {
	struct wheel wheel;
	struct wheel_timer timers[MANY];
	int64_t due_ns[MANY];
	int64_t now_ns, before_ns;
	uint32_t fired;
};

static void on_many(void *argument, struct wheel_timer *timer)
{
	struct many *many = argument;
	int64_t due_ns = many->due_ns[timer - many->timers];

	assert_true(many->now_ns >= due_ns);
	assert_true(many->now_ns < due_ns + TICK_NS + (many->now_ns - many->before_ns));
	many->fired++;
}

static void test_many_are_never_early_and_late_by_less_than_a_tick_and_a_turn(void **state)
{
	struct many *many = calloc(1, sizeof(*many));
	struct random random;

	(void)state;
	assert_int_equal(random_init(&random), 0);
	many->now_ns = START_NS;
	wheel_init(&many->wheel, TICK_NS, START_NS);
	for (uint32_t i = 0; i < MANY; i++) {
		many->due_ns[i] = START_NS + 1 + (int64_t)random_below(&random, 3 * ROUND_NS);
		wheel_set(&many->wheel, &many->timers[i], many->due_ns[i]);
	}
	assert_int_equal(many->wheel.count, MANY);
	while (many->now_ns < START_NS + 4 * ROUND_NS) {
		many->before_ns = many->now_ns;
		many->now_ns += (int64_t)random_below(&random, 10 * TICK_NS);
		wheel_turn(&many->wheel, many->now_ns, on_many, many);
	}
	assert_int_equal(many->fired, MANY);
	assert_int_equal(many->wheel.count, 0);
	free(many);
}

static void test_a_time_that_is_over_comes_with_the_next_tick(void **state)
{
	struct rig *rig = *state;

	set(rig, 0, -5 * NANOSECONDS_PER_SECOND);
	set(rig, 1, 0);
	wheel_set(&rig->wheel, &rig->timers[2], 0);
	assert_int_equal(turn(rig, TICK_NS), 3);
}

static void test_a_delay_may_be_rounds_long(void **state)
{
	struct rig *rig = *state;

	set(rig, 0, 5 * ROUND_NS);
	set(rig, 1, 5 * ROUND_NS + TICK_NS);
	set(rig, 2, INT64_MAX - rig->now_ns);
	for (int64_t i = 1; i < 5 * WHEEL_SLOTS; i++)
		assert_int_equal(turn(rig, TICK_NS), 0);
	assert_int_equal(turn(rig, TICK_NS) + turn(rig, TICK_NS), 1);
	assert_int_equal(turn(rig, TICK_NS), 1);
	assert_int_equal(rig->fired[0], 0);
	assert_true(wheel_is_set(&rig->timers[2]));
}

static void test_a_timer_is_set_anew_and_stopped(void **state)
{
	struct rig *rig = *state;

	set(rig, 0, 5 * TICK_NS);
	set(rig, 0, 50 * TICK_NS);
	set(rig, 1, 5 * TICK_NS);
	assert_int_equal(rig->wheel.count, 2);
	wheel_stop(&rig->wheel, &rig->timers[1]);
	wheel_stop(&rig->wheel, &rig->timers[1]);
	wheel_stop(&rig->wheel, &rig->timers[2]); /* never set */
	assert_false(wheel_is_set(&rig->timers[1]));
	assert_int_equal(rig->wheel.count, 1);
	assert_int_equal(turn(rig, 40 * TICK_NS), 0);
	set(rig, 0, TICK_NS);
	assert_int_equal(turn(rig, 3 * TICK_NS), 1);
	assert_int_equal(turn(rig, ROUND_NS), 0);
}

/* The first that comes stops the one behind it in its list, one of a later tick, and one that is
 * not set any more. */
static void stop_others(struct rig *rig, uint32_t number)
{
	if (number)
		return;
	for (uint32_t other = 0; other < 4; other++)
		wheel_stop(&rig->wheel, &rig->timers[other]);
}

static void test_a_timer_may_stop_others_of_the_same_turn(void **state)
{
	struct rig *rig = *state;

	rig->then = stop_others;
	for (uint32_t number = 0; number < 3; number++)
		set(rig, number, TICK_NS);
	set(rig, 3, 7 * TICK_NS);
	set(rig, 4, TICK_NS);
	assert_int_equal(turn(rig, 10 * TICK_NS), 2);
	assert_int_equal(rig->fired[1], 4);
	assert_int_equal(rig->wheel.count, 0);
}

static void set_others(struct rig *rig, uint32_t number)
{
	if (number)
		return;
	set(rig, 0, 0);
	set(rig, 1, -TICK_NS);
	set(rig, 2, ROUND_NS);
}

/* What is set in a turn does not come in it, whatever its time. */
static void test_a_timer_may_set_itself_and_others_of_the_same_turn(void **state)
{
	struct rig *rig = *state;

	rig->then = set_others;
	set(rig, 0, TICK_NS);
	set(rig, 1, TICK_NS);
	set(rig, 2, 2 * TICK_NS);
	set(rig, 3, 2 * TICK_NS);
	assert_int_equal(turn(rig, 5 * TICK_NS), 2);
	assert_int_equal(rig->fired[1], 3);
	rig->then = NULL;
	assert_int_equal(turn(rig, TICK_NS), 2);
	assert_int_equal(turn(rig, ROUND_NS), 1);
	assert_int_equal(rig->wheel.count, 0);
}

static void test_a_clock_that_jumps_by_hours_brings_all_that_is_due(void **state)
{
	struct rig *rig = *state;
	int64_t hours_ns = 1000 * 3600 * NANOSECONDS_PER_SECOND, start_ns;

	for (uint32_t i = 0; i < 20; i++)
		set(rig, i, i * ROUND_NS / 7);
	set(rig, 20, hours_ns + 3600 * NANOSECONDS_PER_SECOND);
	start_ns = clock_monotonic_ns();
	assert_int_equal(turn(rig, hours_ns), 20);
	/* 4,096 slots, not 900 million ticks */
	assert_true(clock_monotonic_ns() - start_ns < NANOSECONDS_PER_SECOND / 2);
	assert_true(wheel_is_set(&rig->timers[20]));
}

static void test_a_clock_that_stands_or_goes_back_brings_nothing(void **state)
{
	struct rig *rig = *state;

	set(rig, 0, 2 * TICK_NS);
	assert_int_equal(turn(rig, 0), 0);
	assert_int_equal(turn(rig, -100 * TICK_NS), 0);
	assert_int_equal(turn(rig, 101 * TICK_NS), 0);
	assert_int_equal(turn(rig, 2 * TICK_NS), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_timers_come_in_order),
		TEST(test_timers_of_one_tick_come_as_they_were_set),
		TEST(test_many_are_never_early_and_late_by_less_than_a_tick_and_a_turn),
		TEST(test_a_time_that_is_over_comes_with_the_next_tick),
		TEST(test_a_delay_may_be_rounds_long),
		TEST(test_a_timer_is_set_anew_and_stopped),
		TEST(test_a_timer_may_stop_others_of_the_same_turn),
		TEST(test_a_timer_may_set_itself_and_others_of_the_same_turn),
		TEST(test_a_clock_that_jumps_by_hours_brings_all_that_is_due),
		TEST(test_a_clock_that_stands_or_goes_back_brings_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
