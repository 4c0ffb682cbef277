/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "stats/latency.h"

#define MS INT64_C(1000000)

static void assert_near(double value, double wanted)
{
	assert_true(value > wanted * 0.95 && value < wanted * 1.05);
}

static void test_latency_classes_are_those_of_the_spec(void **state)
{
	static const int64_t times[] = {0,	  -5,	     1 * MS,	1499999,  1500000,
					10 * MS,  11 * MS,   50 * MS,	51 * MS,  100 * MS,
					101 * MS, 1000 * MS, 1001 * MS, INT64_MAX};
	static const uint64_t wanted[LATENCY_CLASSES] = {4, 2, 2, 2, 2, 2};
	struct latency latency = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		latency_add(&latency, times[i]);
	assert_memory_equal(latency.classes, wanted, sizeof(wanted));
	assert_int_equal(latency_count(&latency), 14);
}

static void test_latency_quantiles_of_one_time_are_within_five_percent(void **state)
{
	(void)state;
	for (double ns = 1000; ns < 60e9; ns *= 1.037) {
		struct latency latency = {0};

		latency_add(&latency, (int64_t)ns);
		assert_near(latency_quantile(&latency, 0), ns / 1e9);
		assert_near(latency_quantile(&latency, 0.5), ns / 1e9);
		assert_near(latency_quantile(&latency, 1), ns / 1e9);
	}
}

static void test_latency_quantiles_of_many_times(void **state)
{
	struct latency latency = {0};

	(void)state;
	assert_true(latency_quantile(&latency, 0.5) == 0);
	for (int64_t i = 1; i <= 10000; i++)
		latency_add(&latency, i * 10000);
	assert_near(latency_quantile(&latency, 0.5), 0.05);
	assert_near(latency_quantile(&latency, 0.99), 0.099);
	latency_add(&latency, INT64_MAX);
	assert_true(latency_quantile(&latency, 1) > 60);
}

static void test_latency_bounds_belong_to_the_bucket_below(void **state)
{
	(void)state;
	for (uint32_t bits = LATENCY_LOW_BITS; bits <= LATENCY_HIGH_BITS; bits++) {
		struct latency latency = {0};

		latency_add(&latency, INT64_C(1) << bits);
		assert_int_equal(latency_count_to(&latency, bits), 1);
		latency_add(&latency, (INT64_C(1) << bits) + 1);
		assert_int_equal(latency_count_to(&latency, bits), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latency_classes_are_those_of_the_spec),
		cmocka_unit_test(test_latency_quantiles_of_one_time_are_within_five_percent),
		cmocka_unit_test(test_latency_quantiles_of_many_times),
		cmocka_unit_test(test_latency_bounds_belong_to_the_bucket_below),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
