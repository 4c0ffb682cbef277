/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "dns/event.h"

static void test_kinds_and_protocols_have_the_names_of_dnstap(void **state)
{
	(void)state;
	assert_string_equal(event_kind_name(1), "AUTH_QUERY");
	assert_string_equal(event_kind_name(6), "CLIENT_RESPONSE");
	assert_string_equal(event_kind_name(14), "UPDATE_RESPONSE");
	assert_string_equal(event_protocol_name(1), "UDP");
	assert_string_equal(event_protocol_name(6), "DNSCryptTCP");
	assert_string_equal(event_protocol_name(7), "DOQ");
}

static void test_queries_and_responses_are_told_apart_by_kind(void **state)
{
	struct event event = {0};

	(void)state;
	for (event.kind = 1; event.kind < EVENT_KIND_END; event.kind++) {
		const char *tail = strrchr(event_kind_name(event.kind), '_');

		assert_string_equal(tail, event_is_query(&event) ? "_QUERY" : "_RESPONSE");
	}
}

static void test_every_number_has_a_name(void **state)
{
	(void)state;
	for (unsigned number = 0; number <= UINT8_MAX; number++) {
		uint8_t byte = (uint8_t)number;
		bool is_kind = number && number < EVENT_KIND_END;
		bool is_protocol = number && number < EVENT_PROTOCOL_END;
		bool is_verdict = number && number < EVENT_VERDICT_END;

		assert_int_equal(strcmp(event_kind_name(byte), "-") != 0, is_kind);
		assert_int_equal(strcmp(event_protocol_name(byte), "-") != 0, is_protocol);
		assert_int_equal(strcmp(event_verdict_name(byte), "-") != 0, is_verdict);
	}
}

static void test_family_is_that_of_whom_is_known(void **state)
{
	struct event event = {0};

	(void)state;
	assert_string_equal(event_family_name(&event), "INET");
	event.query_address.version = 6;
	assert_string_equal(event_family_name(&event), "INET6");
	event.response_address.version = 4;
	assert_string_equal(event_family_name(&event), "INET");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_and_protocols_have_the_names_of_dnstap),
		cmocka_unit_test(test_queries_and_responses_are_told_apart_by_kind),
		cmocka_unit_test(test_every_number_has_a_name),
		cmocka_unit_test(test_family_is_that_of_whom_is_known),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
