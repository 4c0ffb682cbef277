/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "config/config.h"
#include "config/origins.h"

static struct slice slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

static void assert_place(const char *text, const char *value, const char *expected)
{
	const struct origins origins = {.config_name = "f", .config = slice_of(text)};
	char where[ORIGIN_MAX];

	origins_find(&origins, "rules", value, where);
	assert_string_equal(where, expected);
}

static void test_elements_have_their_place(void **state)
{
	(void)state;
	assert_place("rules:\n  - log a\n  - log b\n", "log b", "f:3:5: ");
	assert_place("rules: log a", "log a", "f:1:8: ");
	assert_place("{\"rules\": [\"log a\",\n\"log b \"]}", "log b", "f:2:1: ");
	assert_place("proxy: {allow: [a, b]}\nlists: [log a]\nrules: [log a]", "log a", "f:3:9: ");
	assert_place("port: 53\noutputs:\n- {type: stdout}\nrules: ['log a']\n", "log a  ",
		     "f:4:9: ");
}

static void test_what_is_of_the_command_line_has_none(void **state)
{
	char where[ORIGIN_MAX] = "x";

	(void)state;
	assert_place("rules: [log a]", "log b", "");
	assert_place("x: {rules: [log a]}\nrules: [[log a], {log a: 1}]", "log a", "");
	assert_place("rules: [b]\nlog a: 1\nlists: rules\nport: log a", "log a", "");
	assert_place("", "log a", "");
	assert_place("# nothing", "log a", "");
	assert_place("rules: [log a", "log b", "");
	origins_find(NULL, "rules", "log a", where);
	assert_string_equal(where, "");
	origins_find(&(struct origins){.config_name = NULL}, "rules", "log a", where);
	assert_string_equal(where, "");
}

static void test_rules_of_a_file_have_their_line(void **state)
{
	const struct origins origins = {.config_name = "f",
					.rules_name = "r\n",
					.config = slice_of("rules: [log a]"),
					.rules = slice_of("# log b\n\nlog b \r\nlog a\n")};
	char where[ORIGIN_MAX];

	(void)state;
	origins_find(&origins, "rules", "log b", where);
	assert_string_equal(where, "r?:3: ");
	origins_find(&origins, "rules", "log a", where);
	assert_string_equal(where, "f:1:9: ");
	origins_find(&origins, "lists", "log b", where);
	assert_string_equal(where, "");
}

static void test_long_names_leave_room_for_the_problem(void **state)
{
	char name[CONFIG_TEXT_MAX], error[CONFIG_ERROR_MAX], value[] = "log a";
	const struct origins origins = {.config_name = name, .config = slice_of("rules: log a")};

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_false(origins_refuse(&origins, "rules", value, "is wrong", error));
	assert_string_equal(error + 160, ":1:8: rules: is wrong");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elements_have_their_place),
		cmocka_unit_test(test_what_is_of_the_command_line_has_none),
		cmocka_unit_test(test_rules_of_a_file_have_their_line),
		cmocka_unit_test(test_long_names_leave_room_for_the_problem),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
