/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "rules/upstream.h"

static struct upstream_group group;
static char error[UPSTREAM_ERROR_MAX];

/* The group as text: its policy's number, then its servers. */
static void assert_group(const char *text, const char *expected)
{
	char found[1024], server[UPSTREAM_TEXT_MAX];
	int length;

	if (!upstream_parse(text, &group, error))
		fail_msg("%s: %s", text, error);
	length = snprintf(found, sizeof(found), "%u", (unsigned)group.policy);
	for (uint32_t i = 0; i < group.count; i++)
		length += snprintf(found + length, sizeof(found) - (size_t)length, " %s",
				   upstream_format(&group.servers[i], server));
	assert_string_equal(found, expected);
}

static void assert_wrong(const char *text, const char *expected)
{
	memset(error, 'x', sizeof(error));
	assert_false(upstream_parse(text, &group, error));
	if (!strstr(error, expected))
		fail_msg("%s: %s", text, error);
}

static void test_servers_of_sentry_are_asked_in_parallel(void **state)
{
	(void)state;
	assert_group("8.8.4.4, 8.8.8.8", "0 8.8.4.4:53 8.8.8.8:53");
	assert_group("8.8.4.4,8.8.8.8", "0 8.8.4.4:53 8.8.8.8:53");
	assert_group("2001:db8::1", "0 [2001:db8::1]:53");
}

static void test_blanks_and_a_last_comma_do_not_matter(void **state)
{
	(void)state;
	assert_group("10.10.1.2 ", "0 10.10.1.2:53");
	assert_group("10.10.1.2 ,", "0 10.10.1.2:53");
	assert_group("\t 10.10.1.2 , 10.10.1.3\t, ", "0 10.10.1.2:53 10.10.1.3:53");
}

static void test_ports_and_transports_are_taken(void **state)
{
	(void)state;
	assert_group("127.0.0.1:5353", "0 127.0.0.1:5353");
	assert_group("[2001:db8::1]:5353, [::1], ::2", "0 [2001:db8::1]:5353 [::1]:53 [::2]:53");
	assert_group("tcp://192.0.2.1, udp://192.0.2.1:65535",
		     "0 tcp://192.0.2.1:53 192.0.2.1:65535");
	assert_group("tcp://[fdff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
		     "0 tcp://[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void test_policy_is_a_word_before_the_servers(void **state)
{
	(void)state;
	assert_group("parallel 192.0.2.1", "0 192.0.2.1:53");
	assert_group("ordered 192.0.2.1, 192.0.2.2", "1 192.0.2.1:53 192.0.2.2:53");
	assert_group("  round-robin\t192.0.2.1", "2 192.0.2.1:53");
	assert_group("least-outstanding 192.0.2.1", "3 192.0.2.1:53");
	assert_wrong("ordered", "no server");
	assert_wrong("ordered192.0.2.1", "ordered192.0.2.1 is no server");
	assert_wrong("Ordered 192.0.2.1", "Ordered 192.0.2.1 is no server");
	assert_wrong("192.0.2.1 ordered", "192.0.2.1 ordered is no server");
}

static void test_server_that_is_there_twice_is_asked_once(void **state)
{
	(void)state;
	assert_group("::1, 0:0::1, [::1]:53, udp://::1, tcp://::1", "0 [::1]:53 tcp://[::1]:53");
}

static void test_what_is_no_server_is_told(void **state)
{
	static const char *const wrong[] = {
		"localhost",
		"192.0.2.1:",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1:+53",
		"192.0.2.1:5 3",
		"[192.0.2.1]:53",
		"[::1",
		"[::1]53",
		"[::1]:",
		"[]",
		"::1]",
		"tcp://",
		"tcp://tcp://::1",
		"http://192.0.2.1",
		"192.0.2.1/24",
		"fe80::1%lo",
		"192.0.2.1 ::1",
		":53",
		"192.0.2.1;192.0.2.2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_wrong(wrong[i], "is no server: write an address");
	assert_wrong("", "no server");
	assert_wrong("0.0.0.0", "0.0.0.0 is the address of no server");
	assert_wrong("192.0.2.1, tcp://[::]:53", "tcp://[::]:53 is the address of no server");
	assert_wrong("255.255.255.255", "is the address of no server");
	assert_wrong("224.0.0.251:5353", "is the address of no server");
	assert_wrong("239.255.255.255", "is the address of no server");
	assert_wrong("ff02::fb", "is the address of no server");
	assert_wrong(" , ", "before a comma");
	assert_wrong("192.0.2.1,,192.0.2.2", "before a comma");
	assert_wrong(",192.0.2.1", "before a comma");
}

static void test_tls_is_understood_and_refused(void **state)
{
	(void)state;
	assert_wrong("192.0.2.1, tls://192.0.2.2#dns.example",
		     "tls://192.0.2.2#dns.example: upstream servers over TLS are not there yet");
}

static void test_group_has_its_limit(void **state)
{
	(void)state;
	assert_group("::1,::2,::3,::4,::5,::6,::7,::8,::1,",
		     "0 [::1]:53 [::2]:53 [::3]:53 [::4]:53 [::5]:53 [::6]:53 [::7]:53 [::8]:53");
	assert_wrong("::1,::2,::3,::4,::5,::6,::7,::8,::9", "more than 8 servers");
}

static void test_long_texts_fit_into_the_error(void **state)
{
	char text[1000];

	(void)state;
	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_wrong(text, "is no server");
	assert_true(strlen(error) < sizeof(error));
	memcpy(text, "tls://", 6);
	assert_wrong(text, "not there yet");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers_of_sentry_are_asked_in_parallel),
		cmocka_unit_test(test_blanks_and_a_last_comma_do_not_matter),
		cmocka_unit_test(test_ports_and_transports_are_taken),
		cmocka_unit_test(test_policy_is_a_word_before_the_servers),
		cmocka_unit_test(test_server_that_is_there_twice_is_asked_once),
		cmocka_unit_test(test_what_is_no_server_is_told),
		cmocka_unit_test(test_tls_is_understood_and_refused),
		cmocka_unit_test(test_group_has_its_limit),
		cmocka_unit_test(test_long_texts_fit_into_the_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
