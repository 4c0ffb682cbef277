/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "rules/prefixes.h"

#define MODEL_ROUNDS   2000
#define MODEL_PREFIXES 12
#define MODEL_ASKED    50

static struct prefixes *prefixes;
static char error[PREFIXES_ERROR_MAX];

static void build(const char *list)
{
	prefixes_free(prefixes);
	prefixes = prefixes_new(list, error);
	assert_non_null(prefixes);
}

static int teardown(void **state)
{
	(void)state;
	prefixes_free(prefixes);
	return 0;
}

static bool is_in(const char *text)
{
	struct address address;

	assert_true(address_parse(text, &address));
	return prefixes_match(prefixes, &address);
}

static void test_prefix_holds_its_addresses(void **state)
{
	(void)state;
	build("192.0.2.0/24\n2001:db8::/32\n");
	assert_true(is_in("192.0.2.0"));
	assert_true(is_in("192.0.2.255"));
	assert_false(is_in("192.0.1.255"));
	assert_false(is_in("192.0.3.0"));
	assert_true(is_in("2001:db8::"));
	assert_true(is_in("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
	assert_false(is_in("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"));
	assert_false(is_in("2001:db9::"));
}

static void test_versions_are_kept_apart(void **state)
{
	struct address unknown = {{0}, 0};

	(void)state;
	build("0.0.0.0/0");
	assert_true(is_in("0.0.0.0"));
	assert_true(is_in("255.255.255.255"));
	assert_false(is_in("::"));
	assert_false(is_in("::192.0.2.1"));
	assert_false(is_in("::ffff:192.0.2.1"));
	assert_false(prefixes_match(prefixes, &unknown));
	build("::/0");
	assert_true(is_in("::"));
	assert_true(is_in("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
	assert_false(is_in("0.0.0.0"));
	assert_false(prefixes_match(prefixes, &unknown));
}

static void test_address_is_itself(void **state)
{
	(void)state;
	build("192.0.2.1\n2001:db8::1\n198.51.100.7/32\n2001:db8::7/128");
	assert_true(is_in("192.0.2.1"));
	assert_false(is_in("192.0.2.2"));
	assert_true(is_in("198.51.100.7"));
	assert_false(is_in("198.51.100.6"));
	assert_true(is_in("2001:db8::1"));
	assert_false(is_in("2001:db8::2"));
	assert_true(is_in("2001:db8::7"));
	assert_false(is_in("2001:db8::8"));
}

static void test_bits_behind_the_prefix_do_not_matter(void **state)
{
	(void)state;
	build("10.1.2.3/8\n2001:db8::1/64");
	assert_true(is_in("10.0.0.0"));
	assert_true(is_in("10.255.255.255"));
	assert_false(is_in("11.0.0.0"));
	assert_true(is_in("2001:db8::"));
	assert_false(is_in("2001:db8:0:1::"));
}

static void test_neighbours_and_nested_prefixes_are_one(void **state)
{
	(void)state;
	build("10.0.1.0/24\n10.0.0.0/24\n10.0.0.128/25\n0.0.0.0/8\n255.255.255.255\n10.0.3.0/24");
	assert_true(is_in("10.0.0.5"));
	assert_true(is_in("10.0.0.200"));
	assert_true(is_in("10.0.1.255"));
	assert_false(is_in("10.0.2.0"));
	assert_true(is_in("10.0.3.0"));
	assert_true(is_in("0.255.255.255"));
	assert_false(is_in("1.0.0.0"));
	assert_true(is_in("255.255.255.255"));
	assert_false(is_in("255.255.255.254"));
}

static void test_empty_list_holds_nothing(void **state)
{
	(void)state;
	build("");
	assert_false(is_in("0.0.0.0"));
	assert_false(is_in("::"));
	build("\n\n10.0.0.0/8\n\n");
	assert_true(is_in("10.0.0.0"));
	assert_false(is_in("::"));
}

static void test_what_is_no_prefix_is_told(void **state)
{
	static const char *const texts[] = {"10.0.0.0/33",
					    "::/129",
					    "10.0.0/8",
					    "10.0.0.0/",
					    "10.0.0.0/-1",
					    "10.0.0.0/+8",
					    "10.0.0.0/ 8",
					    "10.0.0.0/8 ",
					    " 10.0.0.0/8",
					    "10.0.0.0/8/8",
					    "/8",
					    "host",
					    "10.0.0.0/0x8",
					    "fe80::1%eth0",
					    "10.0.0.0/4294967304",
					    "10.0.0.0/99999999999999999999",
					    "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128x",
					    "::255.255.255.255/128xxxxxxxxxxxxxxxxxxxxxxxxx"};
	char list[256], expected[256];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		snprintf(list, sizeof(list), "10.0.0.0/8\n%s\n::/0", texts[i]);
		assert_null(prefixes_new(list, error));
		snprintf(expected, sizeof(expected), "%s is no prefix", texts[i]);
		assert_string_equal(error, expected);
	}
	memset(list, '1', sizeof(list) - 1);
	list[sizeof(list) - 1] = '\0';
	assert_null(prefixes_new(list, error));
	assert_string_equal(error + strlen(error) - 13, " is no prefix");
}

/* Few bits differ, so that prefixes are often related. */
static struct address random_address(struct random *random)
{
	struct address address = {{0}, random_below(random, 2) ? 4 : 6};
	unsigned width = address.version == 4 ? 4 : 16;

	for (unsigned i = 0; i < width; i++)
		address.bytes[i] = (uint8_t)(random_below(random, 2) ? 0 : 0x81);
	return address;
}

static bool is_under(const struct address *address, const struct address *prefix, unsigned bits)
{
	if (address->version != prefix->version)
		return false;
	for (unsigned bit = 0; bit < bits; bit++)
		if ((address->bytes[bit / 8] ^ prefix->bytes[bit / 8]) & 0x80 >> bit % 8)
			return false;
	return true;
}

static void test_prefixes_are_as_naive_ones(void **state)
{
	struct random random = {{13, 14, 15, 16}};
	struct address prefix[MODEL_PREFIXES], asked;
	unsigned bits[MODEL_PREFIXES], matched = 0;
	char list[MODEL_PREFIXES * 64];

	(void)state;
	for (unsigned round = 0; round < MODEL_ROUNDS; round++) {
		unsigned count = (unsigned)random_below(&random, MODEL_PREFIXES);
		char *end = list, text[ADDRESS_TEXT_MAX];

		*end = '\0';
		for (unsigned i = 0; i < count; i++) {
			prefix[i] = random_address(&random);
			bits[i] = 1 + (unsigned)random_below(&random,
							     prefix[i].version == 4 ? 32 : 128);
			end += sprintf(end, "%s/%u\n", address_format(&prefix[i], text), bits[i]);
		}
		build(list);
		for (unsigned i = 0; i < MODEL_ASKED; i++) {
			bool expected = false;

			asked = random_address(&random);
			for (unsigned k = 0; k < count; k++)
				expected |= is_under(&asked, &prefix[k], bits[k]);
			assert_int_equal(prefixes_match(prefixes, &asked), expected);
			matched += expected;
		}
	}
	assert_true(matched > MODEL_ROUNDS * MODEL_ASKED / 20);
}

static void test_hundred_thousand_prefixes_are_found_fast(void **state)
{
	static char list[100000 * 20];
	struct random random = {{17, 18, 19, 20}};
	int64_t start;
	char *end = list;
	unsigned found = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		end += sprintf(end, "%u.%u.%u.0/25\n", i >> 16, i >> 8 & 255, i & 255);
	build(list);
	start = clock_monotonic_ns();
	for (unsigned i = 0; i < 1000000; i++) {
		struct address address = {{0}, 4};

		address.bytes[1] = (uint8_t)random_next(&random);
		address.bytes[3] = (uint8_t)random_next(&random);
		found += prefixes_match(prefixes, &address);
	}
	printf("# %lld ns each\n", (long long)(clock_monotonic_ns() - start) / 1000000);
	assert_true(found > 490000 && found < 510000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix_holds_its_addresses),
		cmocka_unit_test(test_versions_are_kept_apart),
		cmocka_unit_test(test_address_is_itself),
		cmocka_unit_test(test_bits_behind_the_prefix_do_not_matter),
		cmocka_unit_test(test_neighbours_and_nested_prefixes_are_one),
		cmocka_unit_test(test_empty_list_holds_nothing),
		cmocka_unit_test(test_what_is_no_prefix_is_told),
		cmocka_unit_test(test_prefixes_are_as_naive_ones),
		cmocka_unit_test(test_hundred_thousand_prefixes_are_found_fast),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, teardown);
}
