/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "dns/name.h"
#include "record/set.h"

static struct dns_answer answer;

static struct address address(const char *text)
{
	struct address parsed;

	assert_true(address_parse(text, &parsed));
	return parsed;
}

static void answer_start(void)
{
	memset(&answer, 0xee, sizeof(answer));
	answer.names_length = 0;
	answer.names_count = answer.ip4s_count = answer.ip6s_count = 0;
}

static void answer_name(const char *text)
{
	uint8_t length;

	assert_true(name_parse(text, answer.names + answer.names_length, &length));
	answer.names_length += length;
	answer.names_count++;
}

static void answer_ip4(const char *text)
{
	struct address parsed = address(text);

	memcpy(answer.ip4s + 4 * answer.ip4s_count++, parsed.bytes, 4);
}

static void answer_ip6(const char *text)
{
	struct address parsed = address(text);

	memcpy(answer.ip6s + 16 * answer.ip6s_count++, parsed.bytes, 16);
}

static void test_header_has_its_8_bytes(void **state)
{
	uint8_t out[RECORD_HEADER_SIZE];

	(void)state;
	record_header_encode(out, 255, 0x8001, 0x01020304);
	assert_memory_equal(out, "\4\377\200\1\1\2\3\4", sizeof(out));
}

static void test_stats_datagram_is_that_of_the_spec(void **state)
{
	const struct record_stats stats = {100, 120, 3, 0, 2};
	uint8_t out[RECORD_STATS_SIZE];

	(void)state;
	record_stats_encode(out, 7, &stats);
	assert_memory_equal(out,
			    "\x04\x01\x00\x01\x00\x00\x00\x07\x00\x00\x00\x64\x00\x00\x00\x78"
			    "\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x02",
			    RECORD_STATS_SIZE);
}

/* Spec 5.5: the first set of the original's capture, 120 bytes. */
static void test_set_is_the_first_of_the_spec(void **state)
{
	static const char expected[] =
		"\x06\x03\x01\x00\x00\x4c\x00\x00"
		"\x26\x07\xf7\x90\xff\xf5\x00\x01\xae\xcd\xef\x9b\x29\x1f\x36\xf1"
		"\x26\x07\xf7\x90\xff\xf5\x00\x03\x00\x00\x00\x00\x00\x00\x01\x00"
		"\6assets\7nflxext\3com\0"
		"\4sha2\3san\4akam\7nflximg\3net\0"
		"\6e13252\4dscg\12akamaiedge\3net\0"
		"\0"
		"\x17\xca\xe8\x4e";
	struct address client = address("2607:f790:fff5:1:aecd:ef9b:291f:36f1");
	struct address resolver = address("2607:f790:fff5:3::100");
	uint8_t out[128 + RECORD_SET_SLACK];

	(void)state;
	answer_start();
	answer_name("assets.nflxext.com");
	answer_name("sha2.san.akam.nflximg.net");
	answer_name("e13252.dscg.akamaiedge.net");
	answer_ip4("23.202.232.78");
	assert_int_equal(record_estimate(&answer), 40 + 75 + 4);
	assert_int_equal(record_set_encode(out, &client, &resolver, &answer), 120);
	assert_int_equal(sizeof(expected) - 1, 120);
	assert_memory_equal(out, expected, 120);
}

static void test_set_has_ip4_addresses_in_16_bytes(void **state)
{
	struct address client = address("192.0.2.1"), resolver = address("198.51.100.53");
	uint8_t out[128 + RECORD_SET_SLACK];

	(void)state;
	answer_start();
	answer_name("ab");
	answer_ip4("1.2.3.4");
	answer_ip6("2001:db8::1");
	assert_int_equal(record_set_encode(out, &client, &resolver, &answer), 40 + 4 + 4 + 16);
	assert_memory_equal(out,
			    "\4\1\1\1\0\4\0\0"
			    "\300\0\2\1\0\0\0\0\0\0\0\0\0\0\0\0"
			    "\306\63\144\65\0\0\0\0\0\0\0\0\0\0\0\0"
			    "\2ab\0\1\2\3\4"
			    "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1",
			    64);
}

static void test_names_are_padded_to_4_with_zeros(void **state)
{
	static const char *const names[] = {"a", "ab", "abc", "abcd", "abcde", "abcdef"};
	struct address client = address("192.0.2.1");
	uint8_t out[80 + RECORD_SET_SLACK];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		uint32_t padded = ((uint32_t)strlen(names[i]) + 2 + 3) / 4 * 4;

		answer_start();
		answer_name(names[i]);
		answer_ip4("1.2.3.4");
		memset(out, 0xff, sizeof(out));
		assert_int_equal(record_set_encode(out, &client, &client, &answer), 44 + padded);
		assert_int_equal(out[4] << 8 | out[5], padded);
		for (uint32_t at = answer.names_length; at < padded; at++)
			assert_int_equal(out[40 + at], 0);
		assert_memory_equal(out + 40 + padded, "\1\2\3\4", 4);
	}
}

static void test_largest_set_is_encoded_whole(void **state)
{
	struct address client = address("2001:db8::1");
	uint8_t out[RECORD_PAYLOAD_MAX + RECORD_SET_SLACK];

	(void)state;
	answer_start();
	answer_name("abcdef.example"); /* 16 octets */
	answer_name("xyz");	       /* 5: 21 in all, 3 pad bytes */
	while (record_estimate(&answer) + 16 <= RECORD_ESTIMATE_MAX)
		answer_ip6("2001:db8::2");
	while (record_estimate(&answer) + 4 <= RECORD_ESTIMATE_MAX)
		answer_ip4("192.0.2.2");
	assert_int_equal(record_estimate(&answer), 1489);
	assert_int_equal(record_set_encode(out, &client, &client, &answer), 1492);
	assert_true(RECORD_HEADER_SIZE + 1492 <= RECORD_PAYLOAD_MAX);
}

static void test_estimate_counts_no_pad_bytes(void **state)
{
	(void)state;
	answer_start();
	answer_name("a");
	answer.ip4s_count = 255;
	answer.ip6s_count = 255;
	assert_int_equal(record_estimate(&answer), 40 + 3 + 4 * 255 + 16 * 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_has_its_8_bytes),
		cmocka_unit_test(test_stats_datagram_is_that_of_the_spec),
		cmocka_unit_test(test_set_is_the_first_of_the_spec),
		cmocka_unit_test(test_set_has_ip4_addresses_in_16_bytes),
		cmocka_unit_test(test_names_are_padded_to_4_with_zeros),
		cmocka_unit_test(test_largest_set_is_encoded_whole),
		cmocka_unit_test(test_estimate_counts_no_pad_bytes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
