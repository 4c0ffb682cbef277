/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "ipc/ledger_json.h"

static char text[65536];
static struct json json;

static void test_a_line_is_an_object(void **state)
{
	const struct ledger_line line = {
		.stage = "ring",
		.unit = "packets",
		.whole = {"in", 3},
		.parts = {{"read", 4}, {"waiting", UINT64_MAX}},
		.part_count = 2,
	};

	(void)state;
	json_init(&json, text, sizeof(text));
	ledger_json_add_line(&json, NULL, &line);
	assert_true(json_finish(&json));
	assert_string_equal(text, "{\"stage\":\"ring\",\"unit\":\"packets\","
				  "\"whole\":{\"name\":\"in\",\"value\":3},"
				  "\"parts\":[{\"name\":\"read\",\"value\":4},"
				  "{\"name\":\"waiting\",\"value\":-1}],\"missing\":0}");
}

static void test_lines_tell_whether_they_add_up(void **state)
{
	struct ledger ledger = {0};

	(void)state;
	json_init(&json, text, sizeof(text));
	assert_true(ledger_json_add(&json, NULL, &ledger, true));
	assert_true(json_finish(&json));
	assert_non_null(strstr(text, "{\"stage\":\"ring\""));
	ledger.watch.kernel_packets = 1;
	json_init(&json, text, sizeof(text));
	assert_false(ledger_json_add(&json, NULL, &ledger, true));
	json_init(&json, text, sizeof(text));
	assert_true(ledger_json_add(&json, NULL, &ledger, false));
	assert_true(json_finish(&json));
	assert_null(strstr(text, "{\"stage\":\"ring\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_is_an_object),
		cmocka_unit_test(test_lines_tell_whether_they_add_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
