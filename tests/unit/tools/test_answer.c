/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/dns_build.h"
#include "tools/bench/answer.h"

static const struct slice question = {(const uint8_t *)"\3www\7Example\3com\0\0\1\0\1", 21};
static struct dns_build build;

static void start(uint16_t flags)
{
	dns_build_start(&build, 7, flags);
	dns_build_question(&build, "www.Example.com", 1);
}

static void assert_result(enum answer_result result, uint8_t rcode)
{
	struct answer answer = answer_check(dns_build_message(&build), question);

	assert_int_equal(answer.result, result);
	assert_int_equal(answer.rcode, rcode);
}

static void test_answer_with_a_record_counts(void **state)
{
	(void)state;
	start(DNS_BUILD_ANSWERED);
	dns_build_address(&build, "www.Example.com", "192.0.2.1");
	assert_result(ANSWER_RECORDS, 0);
}

static void test_answer_with_an_error_and_a_record_counts(void **state)
{
	(void)state;
	start(DNS_BUILD_ANSWERED | 3);
	dns_build_alias(&build, "www.Example.com", DNS_TYPE_CNAME, "nowhere.example");
	assert_result(ANSWER_RECORDS, 3);
}

static void test_answer_without_records_is_empty(void **state)
{
	(void)state;
	start(DNS_BUILD_ANSWERED);
	assert_result(ANSWER_EMPTY, 0);
	start(DNS_BUILD_ANSWERED | 3);
	assert_result(ANSWER_EMPTY, 3);
	dns_build_section(&build, DNS_AUTHORITY);
	dns_build_address(&build, "ns.example.com", "192.0.2.1");
	assert_result(ANSWER_EMPTY, 3);
}

static void test_answer_may_change_the_case_of_letters(void **state)
{
	(void)state;
	dns_build_start(&build, 7, DNS_BUILD_ANSWERED);
	dns_build_question(&build, "WWW.eXAMPLE.Com", 1);
	assert_result(ANSWER_EMPTY, 0);
}

static void test_answer_to_another_question_is_foreign(void **state)
{
	static const char *const names[] = {"ww.Example.com",	 "www.Example.con",
					    "www.Example.com.x", "www.Example",
					    "www\\.Example.com", "\\247ww.Example.com"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		dns_build_start(&build, 7, DNS_BUILD_ANSWERED);
		dns_build_question(&build, names[i], 1);
		assert_result(ANSWER_FOREIGN, 0);
	}
	dns_build_start(&build, 7, DNS_BUILD_ANSWERED);
	dns_build_question(&build, "www.Example.com", 28);
	assert_result(ANSWER_FOREIGN, 0);
	start(DNS_BUILD_ANSWERED);
	build.bytes[build.length - 1] = 3; /* class CH */
	assert_result(ANSWER_FOREIGN, 0);
}

static void test_query_is_no_answer(void **state)
{
	(void)state;
	start(0x0100);
	assert_result(ANSWER_FOREIGN, 0);
	start(0xa800); /* QR, opcode UPDATE */
	assert_result(ANSWER_FOREIGN, 0);
}

static void test_error_needs_no_question(void **state)
{
	(void)state;
	dns_build_start(&build, 7, 0x8001);
	assert_result(ANSWER_EMPTY, 1);
	dns_build_start(&build, 7, 0x8000);
	assert_result(ANSWER_FOREIGN, 0);
}

static void test_answer_with_two_questions_is_foreign(void **state)
{
	(void)state;
	start(DNS_BUILD_ANSWERED);
	dns_build_count(&build, DNS_QUESTION, 2);
	assert_result(ANSWER_FOREIGN, 0);
}

static void test_record_that_has_no_room_is_not_believed(void **state)
{
	(void)state;
	start(DNS_BUILD_ANSWERED);
	dns_build_count(&build, DNS_ANSWER, 1);
	assert_result(ANSWER_EMPTY, 0);
	for (int i = 0; i < ANSWER_RECORD_LEAST; i++) {
		assert_result(ANSWER_EMPTY, 0);
		dns_build_bytes(&build, "", 1);
	}
	assert_result(ANSWER_RECORDS, 0);
}

static void test_cut_message_is_foreign(void **state)
{
	struct slice message;

	(void)state;
	start(DNS_BUILD_ANSWERED);
	message = dns_build_message(&build);
	for (size_t length = 0; length < message.length; length++)
		assert_int_equal(
			answer_check((struct slice){message.data, length}, question).result,
			ANSWER_FOREIGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_with_a_record_counts),
		cmocka_unit_test(test_answer_with_an_error_and_a_record_counts),
		cmocka_unit_test(test_answer_without_records_is_empty),
		cmocka_unit_test(test_answer_may_change_the_case_of_letters),
		cmocka_unit_test(test_answer_to_another_question_is_foreign),
		cmocka_unit_test(test_query_is_no_answer),
		cmocka_unit_test(test_error_needs_no_question),
		cmocka_unit_test(test_answer_with_two_questions_is_foreign),
		cmocka_unit_test(test_record_that_has_no_room_is_not_believed),
		cmocka_unit_test(test_cut_message_is_foreign),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
