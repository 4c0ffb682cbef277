/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "aggregator/outputs/syslog.h"

/* 2026-03-07 05:04:03.000210 UTC */
#define WALL_NS INT64_C(1772859843000210000)

static struct config_output config;
static char header[SYSLOG_HEADER_MAX];

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "XYZ-2", 1); /* two hours before UTC */
	tzset();
	config = (struct config_output){.facility = 16, .severity = 6, .app_name = "dnsflow"};
	return 0;
}

static const char *header_of(enum output_syslog kind, const char *host_name)
{
	size_t length;

	config.syslog = kind;
	length = syslog_format_header(&config, host_name, 77, WALL_NS, header);
	assert_int_equal(length, strlen(header));
	return header;
}

static void test_rfc5424_has_time_in_utc(void **state)
{
	(void)state;
	assert_string_equal(header_of(OUTPUT_RFC5424, "ns1.example"),
			    "<134>1 2026-03-07T05:04:03.000210Z ns1.example dnsflow 77 - - ");
}

static void test_rfc3164_has_local_time(void **state)
{
	(void)state;
	assert_string_equal(header_of(OUTPUT_RFC3164, "ns1"), "<134>Mar  7 07:04:03 ns1 dnsflow: ");
	config.transport = OUTPUT_OVER_UNIX;
	assert_string_equal(header_of(OUTPUT_RFC3164, "ns1"), "<134>Mar  7 07:04:03 dnsflow: ");
}

static void test_raw_has_nothing(void **state)
{
	(void)state;
	assert_string_equal(header_of(OUTPUT_RAW, "ns1"), "");
}

static void test_words_are_printable_and_bounded(void **state)
{
	char host_name[400];

	(void)state;
	strcpy(config.app_name, "a b\n\xc3\xa9");
	assert_string_equal(header_of(OUTPUT_RFC3164, "h\t1"), "<134>Mar  7 07:04:03 h?1 a?b???: ");
	memset(config.app_name, 'a', 48);
	memset(host_name, 'h', sizeof(host_name) - 1);
	host_name[sizeof(host_name) - 1] = '\0';
	assert_true(strlen(header_of(OUTPUT_RFC5424, host_name)) < SYSLOG_HEADER_MAX - 1);
	*config.app_name = '\0';
	assert_string_equal(header_of(OUTPUT_RFC5424, ""),
			    "<134>1 2026-03-07T05:04:03.000210Z - - 77 - - ");
}

static void test_newlines_are_escaped(void **state)
{
	char text[] = "a: 1\nb: 2\n", out[2 * sizeof(text)];
	struct iovec record = {text, strlen(text)};

	(void)state;
	assert_int_equal(syslog_escape(&record, out), 12);
	assert_memory_equal(out, "a: 1\\nb: 2\\n", 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rfc5424_has_time_in_utc, set_up),
		cmocka_unit_test_setup(test_rfc3164_has_local_time, set_up),
		cmocka_unit_test_setup(test_raw_has_nothing, set_up),
		cmocka_unit_test_setup(test_words_are_printable_and_bounded, set_up),
		cmocka_unit_test_setup(test_newlines_are_escaped, set_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
