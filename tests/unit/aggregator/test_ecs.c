/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "aggregator/outputs/ecs.h"
#include "tests/lib/dns_build.h"

#define OPT 41

/* 198.51.100.0/22 with a bit behind the prefix, and a cookie around it. */
static const uint8_t options[] = {0, 10, 0, 2,	 1,  2,	  0, 8,	 0, 7, 0,
				  1, 22, 0, 198, 51, 101, 0, 10, 0, 1, 9};
static const uint8_t rest[] = {0, 10, 0, 2, 1, 2, 0, 10, 0, 1, 9};

static struct dns_build build;
static uint8_t out[DNS_BUILD_MAX];

static void start(void)
{
	dns_build_start(&build, 1, DNS_BUILD_ANSWERED);
	dns_build_question(&build, "www.example.com", 1);
	dns_build_address(&build, "www.example.com", "192.0.2.1");
	dns_build_section(&build, DNS_ADDITIONAL);
}

static void add_opt(const void *data, size_t length)
{
	dns_build_record(&build, ".", OPT, data, (uint16_t)length);
}

static void test_subnet_is_found(void **state)
{
	static const uint8_t six[] = {0, 8, 0, 6, 0, 2, 16, 0, 0x20, 1};
	struct address expected;
	struct ecs ecs;

	(void)state;
	start();
	add_opt(options, sizeof(options));
	assert_true(ecs_find(dns_build_message(&build), &ecs));
	address_parse("198.51.100.0", &expected);
	assert_true(address_equal(&ecs.address, &expected));
	assert_int_equal(ecs.prefix_length, 22);
	start();
	add_opt(six, sizeof(six));
	assert_true(ecs_find(dns_build_message(&build), &ecs));
	address_parse("2001::", &expected);
	assert_true(address_equal(&ecs.address, &expected));
}

static void test_subnet_that_is_none_is_not_found(void **state)
{
	static const struct {
		uint8_t bytes[16], length;
	} wrong[] = {
		{{0, 8, 0, 3, 0, 1, 0}, 7},			/* too short */
		{{0, 8, 0, 9, 0, 1, 33, 0, 1, 2, 3, 4, 5}, 13}, /* prefix too long */
		{{0, 8, 0, 5, 0, 1, 24, 0, 1}, 9},		/* less address than prefix */
		{{0, 8, 0, 6, 0, 1, 8, 0, 1, 2}, 10},		/* more */
		{{0, 8, 0, 4, 0, 3, 0, 0}, 8},			/* another family */
		{{0, 8, 0, 99, 0, 1, 8, 0, 1}, 9},		/* beyond the record */
		{{0, 8, 0}, 3},
	};
	struct ecs ecs;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		start();
		add_opt(wrong[i].bytes, wrong[i].length);
		assert_false(ecs_find(dns_build_message(&build), &ecs));
	}
	start();
	assert_false(ecs_find(dns_build_message(&build), &ecs));
	assert_false(ecs_find((struct slice){build.bytes, 11}, &ecs));
	assert_false(ecs_find((struct slice){NULL, 0}, &ecs));
}

/* The message without the option is the one that is built without it. */
static void test_subnet_is_cut_out_of_the_last_record(void **state)
{
	struct dns_build whole;
	int length;

	(void)state;
	start();
	add_opt(options, sizeof(options));
	whole = build;
	start();
	add_opt(rest, sizeof(rest));
	length = ecs_remove(dns_build_message(&whole), out);
	assert_int_equal(length, build.length);
	assert_memory_equal(out, build.bytes, build.length);
}

static void test_subnet_before_other_records_becomes_padding(void **state)
{
	struct slice message;
	struct ecs ecs;
	int length;

	(void)state;
	start();
	add_opt(options, sizeof(options));
	dns_build_address(&build, "ns.example.net", "192.0.2.2");
	dns_build_address(&build, "ns.example.net", "192.0.2.3");
	message = dns_build_message(&build);
	length = ecs_remove(message, out);
	assert_int_equal(length, message.length);
	assert_false(ecs_find((struct slice){out, message.length}, &ecs));
	assert_null(memmem(out, message.length, "\xc6\x33", 2));
}

static void test_message_without_subnet_stays_as_it_is(void **state)
{
	int length;

	(void)state;
	start();
	add_opt(rest, sizeof(rest));
	dns_build_bytes(&build, "garbage", 7);
	length = ecs_remove(dns_build_message(&build), out);
	assert_int_equal(length, build.length);
	assert_memory_equal(out, build.bytes, build.length);
}

static void test_message_that_cannot_be_walked_is_refused(void **state)
{
	struct slice message;

	(void)state;
	start();
	add_opt(options, sizeof(options));
	message = dns_build_message(&build);
	for (size_t length = 0; length < message.length; length++)
		assert_int_equal(ecs_remove((struct slice){message.data, length}, out), -EBADMSG);
	start();
	add_opt(options, 9);
	assert_int_equal(ecs_remove(dns_build_message(&build), out), -EBADMSG);
}

static void test_pointer_to_a_question_that_is_not_there_is_refused(void **state)
{
	(void)state;
	dns_build_start(&build, 1, DNS_BUILD_ANSWERED);
	dns_build_count(&build, DNS_ANSWER, 1);
	dns_build_bytes(&build, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00", 12);
	assert_int_equal(ecs_remove(dns_build_message(&build), out), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subnet_is_found),
		cmocka_unit_test(test_subnet_that_is_none_is_not_found),
		cmocka_unit_test(test_subnet_is_cut_out_of_the_last_record),
		cmocka_unit_test(test_subnet_before_other_records_becomes_padding),
		cmocka_unit_test(test_message_without_subnet_stays_as_it_is),
		cmocka_unit_test(test_message_that_cannot_be_walked_is_refused),
		cmocka_unit_test(test_pointer_to_a_question_that_is_not_there_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
