/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "aggregator/outputs/put.h"
#include "base/random.h"

static char text[128];

static void assert_put(const char *end, const char *expected)
{
	assert_int_equal(end - text, strlen(expected));
	assert_memory_equal(text, expected, strlen(expected));
}

static void test_numbers_are_as_printf_has_them(void **state)
{
	struct random random = {{1, 2, 3, 4}};
	char expected[32];

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t value = i < 1000 ? i : random_next(&random) >> random_below(&random, 64);

		snprintf(expected, sizeof(expected), "%" PRIu64, value);
		assert_put(put_decimal(text, value), expected);
		snprintf(expected, sizeof(expected), "%" PRId64, (int64_t)value);
		assert_put(put_signed(text, (int64_t)value), expected);
	}
	assert_put(put_decimal(text, UINT64_MAX), "18446744073709551615");
	assert_put(put_signed(text, INT64_MIN), "-9223372036854775808");
	assert_put(put_padded(text, 42, 6), "000042");
}

static void test_fractions_have_no_needless_zeros(void **state)
{
	(void)state;
	assert_put(put_fraction(text, 48, 3), "0.048");
	assert_put(put_fraction(text, 0, 3), "0.0");
	assert_put(put_fraction(text, 3000, 3), "3.0");
	assert_put(put_fraction(text, 1250, 3), "1.25");
	assert_put(put_fraction(text, 1600282313547352, 6), "1600282313.547352");
	assert_put(put_fraction(text, -1500000, 6), "-1.5");
	assert_put(put_fraction(text, -1, 6), "-0.000001");
	assert_put(put_fraction(text, INT64_MIN, 6), "-9223372036854.775808");
}

static void assert_address(const struct address *address)
{
	char expected[ADDRESS_TEXT_MAX];

	assert_put(put_address(text, address), address_format(address, expected));
}

static void test_addresses_are_as_inet_ntop_has_them(void **state)
{
	struct random random = {{1, 2, 3, 4}};
	struct address address;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t zeros = random_next(&random), small = random_next(&random);

		address = (struct address){.version = i & 1 ? 4 : 6};
		for (int byte = 0; byte < (i & 1 ? 4 : 16); byte++)
			address.bytes[byte] = (uint8_t)random_next(&random);
		for (int word = 0; word < 8 && !(i & 1); word++) {
			if (zeros >> word & 1)
				address.bytes[2 * word] = address.bytes[2 * word + 1] = 0;
			if (small >> word & 1)
				address.bytes[2 * word] = 0;
		}
		assert_address(&address);
	}
	address = (struct address){.version = 0};
	assert_ptr_equal(put_address(text, &address), text);
}

static void test_addresses_that_are_written_in_their_own_way(void **state)
{
	static const char *const texts[] = {
		"::",
		"::1",
		"::2:1",
		"::ffff:192.0.2.1",
		"::192.0.2.1",
		"1::",
		"1:2:3:4:5:6:7:8",
		"1:0:3::",
		"1:0:0:4::8",
		"0:2:3:4:5:6:7:8",
		"2001:db8::",
		"::ffff:0:1",
		"1:2:3:4:5:6:7:0",
		"0.0.0.0",
		"255.255.255.255",
		"::1:ffff:192.0.2.1",
	};
	struct address address;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(address_parse(texts[i], &address));
		assert_address(&address);
	}
}

static void test_dates_are_as_gmtime_has_them(void **state)
{
	struct random random = {{1, 2, 3, 4}};
	char expected[32];
	struct tm tm;
	time_t second;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		second = (int64_t)random_next(&random) / 1000000000;
		if (i < 2000)
			second = (i - 1000) * INT64_C(86400) - (i & 1);
		gmtime_r(&second, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm);
		assert_put(put_date(text, second), expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_as_printf_has_them),
		cmocka_unit_test(test_fractions_have_no_needless_zeros),
		cmocka_unit_test(test_addresses_are_as_inet_ntop_has_them),
		cmocka_unit_test(test_addresses_that_are_written_in_their_own_way),
		cmocka_unit_test(test_dates_are_as_gmtime_has_them),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
