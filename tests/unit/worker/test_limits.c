/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker/proxy/limits.h"

static const int64_t start_ns = 5 * NANOSECONDS_PER_SECOND;

static struct address address(const char *text)
{
	struct address result;

	assert_true(address_parse(text, &result));
	return result;
}

static uint32_t take_many(struct limits *limits, const char *text, uint32_t count, int64_t now_ns)
{
	struct address client = address(text);
	uint32_t taken = 0;

	while (count--)
		taken += limits_admit(limits, &client, now_ns);
	return taken;
}

static void test_limits_give_the_burst_at_once(void **state)
{
	struct limits *limits = limits_new(10, 20);

	(void)state;
	assert_int_equal(take_many(limits, "192.0.2.1", 100, start_ns), 20);
	limits_free(limits);
}

static void test_limits_give_the_rate_for_ever(void **state)
{
	struct limits *limits = limits_new(10, 20);
	uint32_t taken = 0;

	(void)state;
	for (int64_t ms = 0; ms < 10000; ms++)
		taken += take_many(limits, "192.0.2.1", 1, start_ns + ms * 1000000);
	assert_in_range(taken, 119, 120);
	limits_free(limits);
}

static void test_limits_count_a_network_together(void **state)
{
	struct limits *limits = limits_new(10, 20);

	(void)state;
	assert_int_equal(take_many(limits, "192.0.2.1", 15, start_ns), 15);
	assert_int_equal(take_many(limits, "192.0.2.200", 15, start_ns), 5);
	assert_int_equal(take_many(limits, "192.0.3.1", 15, start_ns), 15);
	assert_int_equal(take_many(limits, "2001:db8:0:ff::1", 15, start_ns), 15);
	assert_int_equal(take_many(limits, "2001:db8:0:1::1", 15, start_ns), 5);
	assert_int_equal(take_many(limits, "2001:db8:0:100::1", 15, start_ns), 15);
	limits_free(limits);
}

static void test_limits_forget_who_was_quiet_longest(void **state)
{
	struct limits *limits = limits_new(1, 1);
	struct address client = {.version = 4};
	uint32_t limited = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000000; i++) {
		client.bytes[0] = (uint8_t)(i >> 16);
		client.bytes[1] = (uint8_t)(i >> 8);
		client.bytes[2] = (uint8_t)i;
		assert_true(limits_admit(limits, &client, start_ns + i));
	}
	/* The last ones are still known. */
	for (uint32_t i = 1000000 - 10000; i < 1000000; i++) {
		client.bytes[0] = (uint8_t)(i >> 16);
		client.bytes[1] = (uint8_t)(i >> 8);
		client.bytes[2] = (uint8_t)i;
		limited += !limits_admit(limits, &client, start_ns + 1000000);
	}
	assert_true(limited > 9500);
	limits_free(limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits_give_the_burst_at_once),
		cmocka_unit_test(test_limits_give_the_rate_for_ever),
		cmocka_unit_test(test_limits_count_a_network_together),
		cmocka_unit_test(test_limits_forget_who_was_quiet_longest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
