/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "rules/literals.h"

/* expected: the literals with blanks between them. */
static void assert_literals(const char *pattern, const char *expected)
{
	char found[LITERALS_MAX * (LITERAL_MAX + 1) + 1] = "";
	struct literals literals;

	memset(&literals, 0xff, sizeof(literals));
	literals_find(pattern, &literals);
	for (uint32_t i = 0; i < literals.count; i++)
		sprintf(found + strlen(found), "%s%.*s", i ? " " : "", literals.literal[i].length,
			literals.literal[i].text);
	if (strcmp(found, expected) != 0)
		fail_msg("%s: \"%s\"", pattern, found);
}

static void test_patterns_of_sentry_have_a_literal(void **state)
{
	(void)state;
	assert_literals("^(.*)youtube.com", "youtube");
	assert_literals("^(.*).xxx", "xxx");
	assert_literals("^www.google.com", "google");
	assert_literals("^(.*)facebook\\.com", "facebook.com");
	assert_literals("^(.*)porn|foo|bar(.*).(.*)", "porn foo bar");
	assert_literals("^(.*)", "");
}

static void test_best_literal_is_the_longest_that_is_not_common(void **state)
{
	(void)state;
	assert_literals("abc.defgh.ijk", "defgh");
	assert_literals("abc.def", "abc");
	assert_literals("^www.x1.com", "x1");
	assert_literals("x.\\.com\\.$", ".com.");
	assert_literals("ab.com", "ab");
	assert_literals("ab.comic", "comic");
	assert_literals("Example\\.ORG", "example.org");
	assert_literals("a", "");
	assert_literals("a.b.c", "");
}

static void test_long_literals_are_cut(void **state)
{
	(void)state;
	assert_literals("abcdefghijklmnop", "abcdefghijklmnop");
	assert_literals("abcdefghijklmnopqrst", "abcdefghijklmnop");
	assert_literals("abcdefghijklmnopq?", "abcdefghijklmnop");
	assert_literals("abcdefghijklmnop?", "abcdefghijklmno");
}

static void test_what_may_be_left_out_is_no_part(void **state)
{
	(void)state;
	assert_literals("abc?", "ab");
	assert_literals("abcd*ef", "abc");
	assert_literals("abc*?de", "ab");
	assert_literals("abc+defg", "defg");
	assert_literals("abcd+e", "abcd");
	assert_literals("abc++?", "");
	assert_literals("ab{2}cd", "cd");
	assert_literals("abc{0,1}", "ab");
	assert_literals("abc{2,}?d", "ab");
	assert_literals("abc{,2}", "");
	assert_literals("abc{x}", "");
	assert_literals("abc{", "");
	assert_literals("(abcd)?ef", "ef");
	assert_literals("(abcd){0}ef", "ef");
	assert_literals("(?:abcd)+ef", "abcd");
	assert_literals(".*ab.?cd.+", "ab");
}

static void test_each_alternative_needs_one(void **state)
{
	(void)state;
	assert_literals("(abc|de|fgh)\\.x", "abc de fgh");
	assert_literals("(abc|d)ef", "ef");
	assert_literals("(abc|)", "");
	assert_literals("abc|d", "");
	assert_literals("abc|", "");
	assert_literals("|abc", "");
	assert_literals("((ab|cd)|(ef.*|gh))\\.xyz", ".xyz");
	assert_literals("((ab|cd)|(ef.*|gh))\\.x", "ab cd ef gh");
	assert_literals("(com|net).(ab|cd).x", "ab cd");
	assert_literals("(long|literals)|a(or|others)b", "long literals or others");
	assert_literals("(ab|cd)efg(hij|klm)", "efg");
	assert_literals("ab(cd|efghi|jk)lm", "ab");
	assert_literals("(abcd|efgh)ij|(kl|mn)", "abcd efgh kl mn");
}

static void test_classes_and_places_part_literals(void **state)
{
	(void)state;
	assert_literals("ab[sv]cde", "cde");
	assert_literals("ab[^a-z0-9]*cde", "cde");
	assert_literals("^ad[0-9]+\\.doubleclick", ".doubleclick");
	assert_literals("ab\\dcde\\w+", "cde");
	assert_literals("\\bads\\b", "ads");
	assert_literals("\\Aads\\z", "ads");
	assert_literals("ab$cde^f", "cde");
	assert_literals("a\\.\\-b\\\\", "a.-b\\");
}

static void test_what_is_not_understood_is_always_tried(void **state)
{
	static const char *const patterns[] = {
		"abc[[:alpha:]]", "abc[]a]",	  "abc[^]a]",  "abc[\\d]",  "abc[a",
		"(?i)abc",	  "(?x)a b c",	  "(?=abc)",   "(?!abc)d",  "(?<=abc)def",
		"(?<n>abc)",	  "(?P<n>abc)",	  "(?>abc)",   "(?#a)bcd",  "(?|abc|def)",
		"(*NO_JIT)abc",	  "abc(*ACCEPT)", "\\Qabc\\E", "(abc)\\1",  "abc\\K",
		"abc\\x41",	  "abc\\R",	  "abc\\",     "abc\\\xc3", "abc\xc3",
		"abc(?R)?",	  "abc)",	  "(abc",      "*abc",	    "abc**",
		"^*abc",	  "abc]",	  "abc}",      "abc\\\n",   "(?C)abc",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		assert_literals(patterns[i], "");
}

static void test_bounds_of_depth_and_number_are_kept(void **state)
{
	char text[2000] = "";

	(void)state;
	for (unsigned i = 0; i < LITERALS_MAX; i++)
		sprintf(text + strlen(text), "%sab", i ? "|" : "");
	struct literals literals;
	literals_find(text, &literals);
	assert_int_equal(literals.count, LITERALS_MAX);
	strcat(text, "|ab");
	assert_literals(text, "");
	assert_literals("((((((((((((((((ab))))))))))))))))", "ab");
	assert_literals("(((((((((((((((((ab)))))))))))))))))", "");
	memset(text, '(', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_literals(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns_of_sentry_have_a_literal),
		cmocka_unit_test(test_best_literal_is_the_longest_that_is_not_common),
		cmocka_unit_test(test_long_literals_are_cut),
		cmocka_unit_test(test_what_may_be_left_out_is_no_part),
		cmocka_unit_test(test_each_alternative_needs_one),
		cmocka_unit_test(test_classes_and_places_part_literals),
		cmocka_unit_test(test_what_is_not_understood_is_always_tried),
		cmocka_unit_test(test_bounds_of_depth_and_number_are_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
