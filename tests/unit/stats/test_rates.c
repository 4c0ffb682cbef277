/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "stats/rates.h"

#define START_NS INT64_C(5000000000000)

static void assert_rates(const struct rates *rates, uint32_t window_s, double queries,
			 double responses)
{
	assert_true(rates_queries(rates, window_s) == queries);
	assert_true(rates_responses(rates, window_s) == responses);
}

static int64_t second(int64_t number)
{
	return START_NS + number * NANOSECONDS_PER_SECOND;
}

static void test_rates_are_differences_over_what_was_told(void **state)
{
	struct rates rates = {0};

	(void)state;
	assert_rates(&rates, 60, 0, 0);
	rates_tell(&rates, second(0), 1000, 0);
	assert_rates(&rates, 60, 0, 0);
	rates_tell(&rates, second(1), 1010, 5);
	assert_rates(&rates, 1, 10, 5);
	rates_tell(&rates, second(2), 1050, 5);
	assert_rates(&rates, 1, 40, 0);
	assert_rates(&rates, 300, 25, 2.5);
}

static void test_rates_forget_what_is_older_than_300_seconds(void **state)
{
	struct rates rates = {0};
	uint64_t total = 0;

	(void)state;
	for (int64_t i = 0; i < 1000; i++) {
		total += i < 690 ? 1000 : 7;
		rates_tell(&rates, second(i), total, total);
	}
	assert_rates(&rates, 1, 7, 7);
	assert_rates(&rates, 300, 7, 7);
	assert_rates(&rates, 1000, 7, 7);
}

static void test_rates_take_missed_seconds_for_quiet_ones(void **state)
{
	struct rates rates = {0};

	(void)state;
	rates_tell(&rates, second(0), 0, 0);
	rates_tell(&rates, second(1), 10, 10);
	rates_tell(&rates, second(5), 50, 10);
	assert_rates(&rates, 1, 40, 0);
	assert_rates(&rates, 2, 20, 0);
	assert_rates(&rates, 5, 10, 2);
	rates_tell(&rates, second(2000), 50, 10);
	assert_rates(&rates, 300, 0, 0);
}

static void test_rates_of_a_late_timer_are_right_in_the_mean(void **state)
{
	struct rates rates = {0};

	(void)state;
	for (int64_t i = 0; i < 1000; i++)
		rates_tell(&rates, START_NS + i * 1400000000, (uint64_t)i * 1400, 0);
	assert_true(rates_queries(&rates, 300) > 985 && rates_queries(&rates, 300) < 1015);
}

static void test_rates_begin_anew_after_a_reset(void **state)
{
	struct rates rates = {0};

	(void)state;
	rates_tell(&rates, second(0), 0, 0);
	rates_tell(&rates, second(1), 1000, 1000);
	rates_tell(&rates, second(2), 10, 1000);
	assert_rates(&rates, 60, 0, 0);
	rates_tell(&rates, second(3), 30, 1001);
	assert_rates(&rates, 60, 20, 1);
	rates_tell(&rates, second(-1000), 30, 1001); /* another boot */
	assert_rates(&rates, 60, 0, 0);
}

static void test_rates_survive_any_memory(void **state)
{
	struct rates rates;

	(void)state;
	memset(&rates, 0xff, sizeof(rates));
	rates_queries(&rates, 300);
	memset(&rates, 0x7f, sizeof(rates));
	rates_responses(&rates, UINT32_MAX);
	rates_tell(&rates, second(0), 1, 1);
	rates_tell(&rates, second(1), 3, 1);
	assert_rates(&rates, 60, 2, 0);
}

static void test_rates_have_names(void **state)
{
	static const char *const wrong[] = {"",	      "q",   "qp",    "qpsx", "qps/",
					    "qps/10", "xps", "query", "\0ps"};
	struct rates_name name;

	(void)state;
	assert_true(rates_parse("qps", &name));
	assert_true(name.has_queries && !name.has_responses && name.window_s == 1);
	assert_true(rates_parse("rps/60", &name));
	assert_true(!name.has_queries && name.has_responses && name.window_s == 60);
	assert_true(rates_parse("pps/300", &name));
	assert_true(name.has_queries && name.has_responses && name.window_s == 300);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(rates_parse(wrong[i], &name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_are_differences_over_what_was_told),
		cmocka_unit_test(test_rates_forget_what_is_older_than_300_seconds),
		cmocka_unit_test(test_rates_take_missed_seconds_for_quiet_ones),
		cmocka_unit_test(test_rates_of_a_late_timer_are_right_in_the_mean),
		cmocka_unit_test(test_rates_begin_anew_after_a_reset),
		cmocka_unit_test(test_rates_survive_any_memory),
		cmocka_unit_test(test_rates_have_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
