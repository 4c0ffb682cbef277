/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "dns/name.h"
#include "rules/template.h"

static struct slice text_slice(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* What it makes of three groups, with a root dot; "no name" when it is none. */
static const char *expanded(const char *template, const char *one, const char *two,
			    const char *three)
{
	const struct slice groups[] = {text_slice(one), text_slice(two), text_slice(three)};
	static char text[DNS_NAME_TEXT_MAX + 1];
	uint8_t wire[DNS_NAME_MAX], length;

	if (!template_expand(template, groups, wire, &length))
		return "no name";
	assert_int_equal(name_wire_length((struct slice){wire, length}), length);
	strcpy(text + name_format(wire, text), ".");
	return text;
}

static void assert_wrong(const char *template, unsigned group_count, const char *expected)
{
	char error[TEMPLATE_ERROR_MAX];

	assert_false(template_check(template, group_count, error));
	if (!strstr(error, expected))
		fail_msg("%s: %s", template, error);
}

static void assert_good(const char *template, unsigned group_count)
{
	char error[TEMPLATE_ERROR_MAX];

	if (!template_check(template, group_count, error))
		fail_msg("%s: %s", template, error);
}

static void test_name_without_groups_is_that_name(void **state)
{
	(void)state;
	assert_good("google.com", 0);
	assert_good("google.com.", 0);
	assert_good(".", 0);
	assert_good("a\\.b\\044.example", 0);
	assert_string_equal(expanded("google.com", "", "", ""), "google.com.");
	assert_string_equal(expanded("Google.COM.", "", "", ""), "google.com.");
	assert_string_equal(expanded(".", "", "", ""), ".");
	assert_string_equal(expanded("a\\.b\\044.example", "", "", ""), "a\\.b\\044.example.");
}

static void test_groups_stand_where_they_are_written(void **state)
{
	(void)state;
	assert_good("$1.example.$2$3", 3);
	assert_string_equal(expanded("$1.example.$2$3", "www", "or", "g"), "www.example.org.");
	assert_string_equal(expanded("$3-$1-$1", "a", "b", "c"), "c-a-a.");
	assert_string_equal(expanded("$10.example", "www", "", ""), "www0.example.");
	assert_string_equal(expanded("$1.Example", "WWW\\046X", "", ""), "www\\.x.example.");
}

static void test_dollars_can_be_written(void **state)
{
	(void)state;
	assert_good("$$1.example", 0);
	assert_good("\\$1.example", 0);
	assert_string_equal(expanded("$$1.x", "www", "", ""), "\\0361.x.");
	assert_string_equal(expanded("\\$1.x", "www", "", ""), "\\0361.x.");
	assert_string_equal(expanded("$$$1.x", "www", "", ""), "\\036www.x.");
	assert_string_equal(expanded("\\\\$1.x", "www", "", ""), "\\\\www.x.");
}

static void test_dot_before_which_nothing_stands_is_left_out(void **state)
{
	(void)state;
	assert_string_equal(expanded("$1.example", "www.example.org.", "", ""),
			    "www.example.org.example.");
	assert_string_equal(expanded("$1.example", "", "", ""), "example.");
	assert_string_equal(expanded("a.$1.example", "", "", ""), "a.example.");
	assert_string_equal(expanded("a.$1", ".org.", "", ""), "a.org.");
	assert_string_equal(expanded("$1", ".", "", ""), ".");
	assert_string_equal(expanded("$1", "", "", ""), ".");
	assert_string_equal(expanded("a\\.$1.b", "", "", ""), "a\\..b.");
}

static void test_what_is_no_name_is_none(void **state)
{
	char label[65], name[300];

	(void)state;
	memset(label, 'a', 64);
	label[64] = '\0';
	assert_string_equal(expanded("$1.x", label, "", ""), "no name");
	assert_string_equal(expanded("b$1.x", label + 1, "", ""), "no name");
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 2 ? '.' : 'a';
	name[sizeof(name) - 1] = '\0';
	assert_string_equal(expanded("$1", name, "", ""), "no name");
	assert_string_equal(expanded("$1$1$1$1$1$1$1$1$1$1$1$1", name, "", ""), "no name");
	assert_string_equal(expanded("$1", "a\\", "", ""), "no name");
	assert_string_equal(expanded("$1.x", "a\\25", "", ""), "no name");
}

static void test_wrong_templates_are_told(void **state)
{
	char text[1200];

	(void)state;
	assert_wrong("$1.example", 0, "$1: the pattern has 0 groups");
	assert_wrong("$1.$3.example", 1, "$3: the pattern has 1 group");
	assert_wrong("$0.example", 9, "$0.example: behind $ stands the number of a group");
	assert_wrong("example.$", 9, "behind $");
	assert_wrong("$x", 9, "behind $");
	assert_wrong("", 0, "\"\" is no name");
	assert_wrong("a..b", 0, "\"a..b\" is no name");
	assert_wrong(".$1", 1, "is no name");
	assert_wrong("$1..x", 1, "is no name");
	assert_wrong("a b", 0, "is no name");
	assert_wrong("\\1.example", 1, "is no name");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_wrong(text, 0, "is no name");
}

static void test_last_group_is_known(void **state)
{
	(void)state;
	assert_int_equal(template_last_group("example"), 0);
	assert_int_equal(template_last_group("$$3.\\$4"), 0);
	assert_int_equal(template_last_group("$2.$9.$1"), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_without_groups_is_that_name),
		cmocka_unit_test(test_groups_stand_where_they_are_written),
		cmocka_unit_test(test_dollars_can_be_written),
		cmocka_unit_test(test_dot_before_which_nothing_stands_is_left_out),
		cmocka_unit_test(test_what_is_no_name_is_none),
		cmocka_unit_test(test_wrong_templates_are_told),
		cmocka_unit_test(test_last_group_is_known),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
