/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"

static char last[2048];
static int count;

static void keep(enum log_level level, const char *text)
{
	(void)level;
	snprintf(last, sizeof(last), "%s", text);
	count++;
}

static void test_log_escapes_control_bytes(void **state)
{
	(void)state;
	log_set_sink(keep);
	log_warn("%s", "a\x1b[31mb\nc");
	assert_string_equal(last, "a?[31mb?c");
	log_set_sink(NULL);
}

static void test_log_cuts_long_lines(void **state)
{
	char text[4000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_set_sink(keep);
	log_info("%s", text);
	assert_in_range(strlen(last), 900, 1024);
	log_set_sink(NULL);
}

static void test_log_leaves_out_what_is_below_its_level(void **state)
{
	(void)state;
	log_set_sink(keep);
	count = 0;
	log_debug("quiet");
	assert_int_equal(count, 0);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("loud");
	assert_int_equal(count, 1);
	log_set_level(LOG_LEVEL_INFO);
	log_set_sink(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_escapes_control_bytes),
		cmocka_unit_test(test_log_cuts_long_lines),
		cmocka_unit_test(test_log_leaves_out_what_is_below_its_level),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
