/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/random.h"
#include "dns/message.h"
#include "dns/question.h"
#include "tests/lib/dns_build.h"

#define TYPE_OPT    41
#define TYPE_TXT    16
#define OPT_BADVERS "\0\0\51\4\320\1\0\0\0\0\0" /* extended rcode 1, no options */
#define OPT_PLAIN   "\0\0\51\4\320\0\0\0\0\0\0"

static struct dns_build build;
static struct dns_question question;

/* Parses a copy of exactly that size, so that a sanitizer sees every read too far. */
static bool parse_bytes(struct slice message)
{
	uint8_t *copy = malloc(message.length ? message.length : 1);
	bool is_parsed;

	memcpy(copy, message.data, message.length);
	memset(&question, 0xa5, sizeof(question));
	is_parsed = dns_question_parse((struct slice){copy, message.length}, &question);
	free(copy);
	return is_parsed;
}

static bool parse(void)
{
	return parse_bytes(dns_build_message(&build));
}

static void add_opt(const char *bytes)
{
	uint16_t count = (uint16_t)(build.bytes[10] << 8 | build.bytes[11]);

	dns_build_bytes(&build, bytes, sizeof(OPT_PLAIN) - 1);
	dns_build_count(&build, DNS_ADDITIONAL, count + 1);
}

static void start_response(void)
{
	dns_build_start(&build, 0x1234, DNS_BUILD_ANSWERED | 3);
	dns_build_question(&build, "www.Example.org", DNS_TYPE_AAAA);
}

static void test_question_of_a_query_is_read(void **state)
{
	(void)state;
	dns_build_start(&build, 0xabcd, 0x0100);
	dns_build_question(&build, "wWw.example.org", DNS_TYPE_A);
	assert_true(parse());
	assert_int_equal(question.id, 0xabcd);
	assert_int_equal(question.flags, 0x0100);
	assert_int_equal(question.rcode, 0);
	assert_int_equal(question.type, DNS_TYPE_A);
	assert_int_equal(question.class, 1);
	assert_int_equal(question.name_length, 17);
	assert_memory_equal(question.name, "\3wWw\7example\3org", 17);
}

static void test_message_without_a_question_has_none(void **state)
{
	(void)state;
	dns_build_start(&build, 1, 0x8005);
	assert_true(parse());
	assert_int_equal(question.rcode, 5);
	assert_int_equal(question.name_length, 0);
	assert_int_equal(question.type, 0);
	assert_int_equal(question.class, 0);
	add_opt(OPT_BADVERS); /* as DNS cookies have it (RFC 7873 5.4) */
	assert_true(parse());
	assert_int_equal(question.rcode, 21);
}

static void test_first_of_many_questions_is_read(void **state)
{
	(void)state;
	dns_build_start(&build, 1, 0);
	dns_build_question(&build, "a.example", DNS_TYPE_A);
	dns_build_question(&build, "b.example", DNS_TYPE_AAAA);
	add_opt(OPT_BADVERS);
	assert_true(parse());
	assert_memory_equal(question.name, "\1a\7example", 11);
	assert_int_equal(question.type, DNS_TYPE_A);
	assert_int_equal(question.rcode, 16);
}

static void test_header_is_right_when_the_question_is_not(void **state)
{
	struct slice whole;

	(void)state;
	start_response();
	whole = dns_build_message(&build);
	for (size_t length = 0; length < whole.length; length++) {
		assert_false(parse_bytes((struct slice){whole.data, length}));
		assert_int_equal(question.id, length < DNS_HEADER_SIZE ? 0 : 0x1234);
		assert_int_equal(question.flags, length < DNS_HEADER_SIZE ? 0 : 0x8183);
		assert_int_equal(question.rcode, length < DNS_HEADER_SIZE ? 0 : 3);
		assert_int_equal(question.name_length, 0);
		assert_int_equal(question.type, 0);
	}
	build.bytes[DNS_HEADER_SIZE] = 0xc0;
	assert_false(parse());
	build.bytes[DNS_HEADER_SIZE] = 0x41;
	assert_false(parse());
}

static void test_longest_question_is_read(void **state)
{
	uint8_t bytes[DNS_HEADER_SIZE + DNS_NAME_MAX + 4] = {[5] = 1};

	(void)state;
	for (size_t at = DNS_HEADER_SIZE; at + 6 < sizeof(bytes); at += 2)
		bytes[at] = 1;
	bytes[sizeof(bytes) - 1] = 1;
	assert_true(parse_bytes((struct slice){bytes, sizeof(bytes)}));
	assert_int_equal(question.name_length, DNS_NAME_MAX);
}

static void test_response_code_has_its_upper_bits_of_edns(void **state)
{
	(void)state;
	start_response();
	dns_build_address(&build, "www.example.org", "192.0.2.1");
	dns_build_alias(&build, "example.org", 2, "ns.example.org");
	dns_build_section(&build, DNS_AUTHORITY);
	dns_build_alias(&build, "example.org", 2, "ns.example.org");
	dns_build_section(&build, DNS_ADDITIONAL);
	dns_build_address(&build, "ns.example.org", "192.0.2.53");
	assert_true(parse());
	assert_int_equal(question.rcode, 3);
	add_opt(OPT_BADVERS);
	dns_build_address(&build, "ns.example.org", "2001:db8::1");
	assert_true(parse());
	assert_int_equal(question.rcode, 0x13);
}

static void test_opt_record_with_options_counts(void **state)
{
	(void)state;
	start_response();
	dns_build_bytes(&build, "\0\0\51\4\320\377\0\0\0\0\6\0\3\0\2id", 17);
	dns_build_count(&build, DNS_ADDITIONAL, 1);
	assert_true(parse());
	assert_int_equal(question.rcode, 0xff3);
}

static void test_first_of_two_opt_records_counts(void **state)
{
	(void)state;
	start_response();
	add_opt(OPT_BADVERS);
	add_opt(OPT_PLAIN);
	assert_true(parse());
	assert_int_equal(question.rcode, 0x13);
	start_response();
	add_opt(OPT_PLAIN);
	add_opt(OPT_BADVERS);
	assert_true(parse());
	assert_int_equal(question.rcode, 3);
}

static void test_opt_record_elsewhere_does_not_count(void **state)
{
	(void)state;
	start_response();
	dns_build_bytes(&build, OPT_BADVERS, sizeof(OPT_BADVERS) - 1);
	dns_build_count(&build, DNS_ANSWER, 1);
	assert_true(parse());
	assert_int_equal(question.rcode, 3);
	dns_build_count(&build, DNS_ANSWER, 0);
	dns_build_count(&build, DNS_AUTHORITY, 1);
	assert_true(parse());
	assert_int_equal(question.rcode, 3);
}

static void test_opt_record_of_another_owner_does_not_count(void **state)
{
	(void)state;
	start_response();
	dns_build_section(&build, DNS_ADDITIONAL);
	dns_build_bytes(&build, "\1a", 2);
	add_opt(OPT_BADVERS);
	assert_true(parse());
	assert_int_equal(question.rcode, 3);
}

static void test_what_looks_like_an_opt_record_at_the_end_does_not_count(void **state)
{
	(void)state;
	start_response();
	dns_build_section(&build, DNS_ADDITIONAL);
	dns_build_record(&build, "www.example.org", TYPE_TXT, OPT_BADVERS, 11);
	assert_true(parse());
	assert_int_equal(question.rcode, 3);
	start_response();
	dns_build_bytes(&build, OPT_BADVERS, 11); /* counted in no section */
	assert_true(parse());
	assert_int_equal(question.rcode, 3);
}

static void test_records_that_cannot_be_walked_leave_the_header(void **state)
{
	struct slice whole;

	(void)state;
	start_response();
	dns_build_address(&build, "www.example.org", "192.0.2.1");
	dns_build_section(&build, DNS_ADDITIONAL);
	add_opt(OPT_BADVERS);
	whole = dns_build_message(&build);
	for (size_t length = whole.length - 27; length <= whole.length; length++) {
		assert_true(parse_bytes((struct slice){whole.data, length}));
		assert_int_equal(question.rcode, length == whole.length ? 0x13 : 3);
		assert_int_equal(question.type, DNS_TYPE_AAAA);
	}
	build.bytes[whole.length - 27] = 0xff; /* the owner: a pointer past the end */
	assert_true(parse());
	assert_int_equal(question.rcode, 3);
}

static void test_owner_before_any_name_points_nowhere(void **state)
{
	(void)state;
	dns_build_start(&build, 1, 0x8000);
	dns_build_bytes(&build, "\300\14\0\1\0\1\0\0\0\0\0\0", 12);
	dns_build_count(&build, DNS_ANSWER, 1);
	add_opt(OPT_BADVERS);
	assert_true(parse());
	assert_int_equal(question.rcode, 0);
}

/* Slower, and written another way: where the parser must agree. */
static uint16_t naive_rcode(struct slice message, size_t at, unsigned questions)
{
	struct name_budget budget = {100000};
	unsigned others = be16_load(message.data + 6) + be16_load(message.data + 8);
	unsigned all = others + be16_load(message.data + 10);
	uint16_t low = message.data[3] & 15;

	for (unsigned i = 1; i < questions; i++) {
		int taken = name_skip(message, at, &budget);

		if (taken <= 0 || at + (size_t)taken + 4 > message.length)
			return low;
		at += (size_t)taken + 4;
	}
	for (unsigned i = 0; i < all; i++) {
		int taken = at < message.length ? name_skip(message, at, &budget) : -1;
		size_t fixed = at + (size_t)taken;

		if (taken <= 0 || fixed + 10 > message.length ||
		    fixed + 10 + be16_load(message.data + fixed + 8) > message.length)
			return low;
		if (i >= others && !message.data[at] && be16_load(message.data + fixed) == TYPE_OPT)
			return (uint16_t)(message.data[fixed + 4] << 4 | low);
		at = fixed + 10 + be16_load(message.data + fixed + 8);
	}
	return low;
}

static void test_damaged_messages_are_read_as_by_a_naive_reader(void **state)
{
	struct random random = {{1, 2, 3, 4}};
	unsigned found = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		unsigned questions = (unsigned)random_below(&random, 3);
		struct slice message;
		size_t at;

		dns_build_start(&build, 1, 0x8000);
		for (unsigned k = 0; k < questions; k++)
			dns_build_question(&build, k ? "b.a" : "a", DNS_TYPE_A);
		if (random_below(&random, 2))
			dns_build_address(&build, "a", "192.0.2.1");
		dns_build_section(&build, DNS_ADDITIONAL);
		if (random_below(&random, 2))
			dns_build_alias(&build, "c.a", 5, "b.a");
		add_opt(OPT_BADVERS);
		message = dns_build_message(&build);
		for (uint64_t damage = random_below(&random, 3); damage; damage--)
			build.bytes[6 + random_below(&random, message.length - 6)] =
				(uint8_t)random_below(&random, 256);
		if (!parse())
			continue;
		at = questions ? DNS_HEADER_SIZE + question.name_length + 4u : DNS_HEADER_SIZE;
		assert_int_equal(question.rcode, naive_rcode(message, at, questions));
		found += question.rcode > 15;
	}
	assert_true(found > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question_of_a_query_is_read),
		cmocka_unit_test(test_message_without_a_question_has_none),
		cmocka_unit_test(test_first_of_many_questions_is_read),
		cmocka_unit_test(test_header_is_right_when_the_question_is_not),
		cmocka_unit_test(test_longest_question_is_read),
		cmocka_unit_test(test_response_code_has_its_upper_bits_of_edns),
		cmocka_unit_test(test_opt_record_with_options_counts),
		cmocka_unit_test(test_first_of_two_opt_records_counts),
		cmocka_unit_test(test_opt_record_elsewhere_does_not_count),
		cmocka_unit_test(test_opt_record_of_another_owner_does_not_count),
		cmocka_unit_test(test_what_looks_like_an_opt_record_at_the_end_does_not_count),
		cmocka_unit_test(test_records_that_cannot_be_walked_leave_the_header),
		cmocka_unit_test(test_owner_before_any_name_points_nowhere),
		cmocka_unit_test(test_damaged_messages_are_read_as_by_a_naive_reader),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
