/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/rules.h"
#include "config/setting.h"
#include "rules/rule.h"

static struct config config;
static char error[CONFIG_ERROR_MAX];

static bool read_bytes(const char *text, size_t length)
{
	config = config_default;
	error[0] = '\0';
	return rules_read(&config, "f", (struct slice){(const uint8_t *)text, length}, error);
}

static void assert_read(const char *text, const char *rules)
{
	if (!read_bytes(text, strlen(text)))
		fail_msg("%s: %s", text, error);
	assert_string_equal(config.rules, rules);
}

static void assert_refused(const char *text, const char *line)
{
	assert_false(read_bytes(text, strlen(text)));
	assert_string_equal(error, line);
}

static void test_a_file_has_a_rule_a_line(void **state)
{
	(void)state;
	assert_read("log a\nblock b", "log a\nblock b");
	assert_read("log a\r\nblock b\r\n", "log a\nblock b");
	assert_read("# block a\n\n \t\nlog #a\n#", "log #a");
	assert_read("resolve . using 192.0.2.1 ", "resolve . using 192.0.2.1 ");
	assert_read("log \xff", "log \xff");
}

static void test_rules_of_a_file_go_behind_those_of_the_configuration(void **state)
{
	static const char text[] = "log b\nlog c\n";

	(void)state;
	config = config_default;
	strcpy(config.rules, "log a");
	assert_true(rules_read(&config, "f", (struct slice){(const uint8_t *)text, strlen(text)},
			       error));
	assert_string_equal(config.rules, "log a\nlog b\nlog c");
}

static void test_mistakes_in_a_file_have_their_line(void **state)
{
	(void)state;
	assert_refused("# one\n\nlog a\nlogg b\n",
		       "f:4: \"logg\" is no verb: a rule begins with log, block, redirect, "
		       "rewrite, resolve or allow: logg b");
	assert_refused("log (\x1b[m",
		       "f:1: (\\x1b[m: missing terminating ] for character class at 4: "
		       "log (\\x1b[m");
	assert_refused(" # log a", "f:1: a blank stands before the rule:  # log a");
	assert_refused("", "f has no rules");
	assert_refused("# none\n", "f has no rules");
	assert_false(read_bytes("log a\0b", 7));
	assert_string_equal(error, "f:1: a rule has at most 4095 octets, and no NUL");
}

static void assert_warned(const char *text, const char *line)
{
	assert_true(read_bytes(text, strlen(text)));
	assert_string_equal(error, line);
}

static void test_rules_that_do_nothing_are_warned_of(void **state)
{
	(void)state;
	assert_warned("block a$\nresolve ^(.*) using 192.0.2.1\n", "");
	assert_warned(
		"# a b\nblock name is in ads",
		"f:2: no name has a blank: \"name is in ads\" is the pattern; conditions begin "
		"with \"if\": block name is in ads");
	assert_warned(
		"block foo with\nallow foo with nxdomain\nlog a$|b$",
		"f:1: no name has a blank: \"foo with\" is the pattern; conditions begin with "
		"\"if\": block foo with, and 2 more such");
	assert_warned("log x\n\nlog a$|b$\n",
		      "f:3: only a last \"$\" is also before the final dot of a name: write "
		      "\"\\.?$\" for others: log a$|b$");
}

static void test_comment_behind_a_rule_is_told(void **state)
{
	(void)state;
	assert_warned(
		"block ads # many",
		"f:1: no name has a blank: \"ads # many\" is the pattern; conditions begin with "
		"\"if\" (comments need a line of their own): block ads # many");
	assert_false(read_bytes("resolve . using ::1 # me", 24));
	assert_non_null(strstr(error, " (comments need a line of their own): resolve . using"));
	assert_false(read_bytes("block a with b#c", 16));
	assert_null(strstr(error, "comments"));
}

static void test_mark_of_utf8_is_skipped(void **state)
{
	(void)state;
	assert_read("\xef\xbb\xbflog a\nlog b", "log a\nlog b");
	assert_read("\xef\xbb\xbf# none\nlog b", "log b");
	assert_refused("log a\n\xef\xbb\xbflog b",
		       "f:2: \"\\xef\\xbb\\xbflog\" is no verb: a rule begins with log, block, "
		       "redirect, rewrite, resolve or allow: \\xef\\xbb\\xbflog b");
	assert_refused("\xef\xbb\xbf", "f has no rules");
}

static void test_rules_of_a_file_are_bounded(void **state)
{
	static char text[2 * CONFIG_RULES_MAX];
	size_t length = 0;

	(void)state;
	memset(text, 'x', RULE_TEXT_MAX);
	assert_false(read_bytes(text, RULE_TEXT_MAX));
	assert_string_equal(error, "f:1: a rule has at most 4095 octets, and no NUL");
	while (length < CONFIG_RULES_MAX)
		length += (size_t)sprintf(text + length, "log %063d\n", 0);
	assert_false(read_bytes(text, length));
	assert_string_equal(error, "f:3856: longer than 262142 characters in all");
}

static void assert_list(const char *text, const char *name, enum list_format format,
			const char *file)
{
	struct rules_list list;

	if (!rules_list_parse(text, &list, error))
		fail_msg("%s: %s", text, error);
	assert_string_equal(list.name, name);
	assert_int_equal(list.format, format);
	assert_string_equal(list.file, file);
}

static void assert_no_list(const char *text, const char *problem)
{
	assert_false(rules_list_check(text, error));
	if (!strstr(error, problem))
		fail_msg("%s: \"%s\" does not contain \"%s\"", text, error, problem);
}

static void test_a_list_has_a_name_perhaps_a_format_and_a_file(void **state)
{
	(void)state;
	assert_list("ads=/etc/ads", "ads", LIST_AUTO, "/etc/ads");
	assert_list("A-b_c.9=hosts:x=y", "A-b_c.9", LIST_HOSTS, "x=y");
	assert_list("a=auto:rpz:x", "a", LIST_AUTO, "rpz:x");
	assert_list("a=./b:c", "a", LIST_AUTO, "./b:c");
	assert_list("a=rpz:/b:c", "a", LIST_RPZ, "/b:c");
	assert_no_list("ads", "is not NAME=[FORMAT:]FILE");
	assert_no_list("=f", "is not NAME=[FORMAT:]FILE");
	assert_no_list("a b=f", "is not NAME=[FORMAT:]FILE");
	assert_no_list("\xc3\xbc=f", "is not NAME=[FORMAT:]FILE");
	assert_no_list("0123456789012345678901234567890123456789012345678901234567890123=f",
		       "is not NAME=[FORMAT:]FILE");
	assert_no_list("a=", "has no file");
	assert_no_list("a=hosts:", "has no file");
	assert_no_list("a=host:f", "has another format than");
	assert_no_list("a=:f", "has another format than");
}

static void assert_incomplete(const char *lists, const char *rules, const char *line)
{
	config = config_default;
	strcpy(config.lists, lists);
	strcpy(config.rules, rules);
	assert_false(rules_complete(&config, NULL, error));
	assert_string_equal(error, line);
}

static void test_lists_of_rules_are_there(void **state)
{
	(void)state;
	config = config_default;
	strcpy(config.lists, "a=f\nb=f");
	strcpy(config.rules, "log x if name is in b\nlog y");
	assert_true(rules_complete(&config, NULL, error));
	assert_incomplete("a=f", "log x if name is in a\nblock y if type is A and name is in b",
			  "rules: there is no list b: block y if type is A and name is in b");
	assert_incomplete("", "log x if name is in a",
			  "rules: there is no list a: log x if name is in a");
	assert_incomplete("a=f\nb=g\na=h", "log x", "lists: a is there twice");
	assert_incomplete("a=f\nb", "log x",
			  "lists: b is not NAME=[FORMAT:]FILE; a name has letters, digits, '-', "
			  "'_' and '.'");
}

static void test_there_are_at_most_so_many_lists(void **state)
{
	char *end = config.lists;

	(void)state;
	config = config_default;
	for (int i = 0; i < LISTS_MAX; i++)
		end += sprintf(end, "%sl%d=f", i ? "\n" : "", i);
	assert_true(rules_complete(&config, NULL, error));
	strcpy(end, "\nmore=f");
	assert_false(rules_complete(&config, NULL, error));
	assert_string_equal(error, "lists: more is one too many: there are at most 64");
}

static void test_rules_lose_blanks_at_their_ends(void **state)
{
	(void)state;
	config = config_default;
	strcpy(config.rules, "log a \nblock b\t \r\n \nallow c d");
	assert_true(rules_complete(&config, NULL, error));
	assert_string_equal(config.rules, "log a\nblock b\n\nallow c d");
	assert_true(rules_complete(&config, NULL, error));
	assert_string_equal(config.rules, "log a\nblock b\n\nallow c d");
	strcpy(config.rules, "log a ");
	assert_true(rules_complete(&config, NULL, error));
	assert_string_equal(config.rules, "log a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_has_a_rule_a_line),
		cmocka_unit_test(test_rules_of_a_file_go_behind_those_of_the_configuration),
		cmocka_unit_test(test_mistakes_in_a_file_have_their_line),
		cmocka_unit_test(test_rules_that_do_nothing_are_warned_of),
		cmocka_unit_test(test_comment_behind_a_rule_is_told),
		cmocka_unit_test(test_mark_of_utf8_is_skipped),
		cmocka_unit_test(test_rules_of_a_file_are_bounded),
		cmocka_unit_test(test_a_list_has_a_name_perhaps_a_format_and_a_file),
		cmocka_unit_test(test_lists_of_rules_are_there),
		cmocka_unit_test(test_there_are_at_most_so_many_lists),
		cmocka_unit_test(test_rules_lose_blanks_at_their_ends),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
