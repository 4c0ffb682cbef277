/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "tools/bench/name_line.h"

static struct name_line line;

static enum name_line_result parse(const char *text)
{
	return name_line_parse((struct slice){(const uint8_t *)text, strlen(text)}, &line);
}

static void assert_name(const char *text, const char *name, uint16_t type)
{
	char found[DNS_NAME_TEXT_MAX];

	assert_int_equal(parse(text), NAME_LINE_NAME);
	name_format(line.wire, found);
	assert_string_equal(found, name);
	assert_int_equal(line.type, type);
}

static void test_line_is_a_name(void **state)
{
	(void)state;
	assert_name("www.example.com", "www.example.com", 0);
	assert_name("www.example.com.\n", "www.example.com", 0);
	assert_name("  Example.COM\t \r\n", "Example.COM", 0);
	assert_name("a\\.b.example", "a\\.b.example", 0);
	assert_name(".", "", 0);
}

static void test_line_is_a_row_of_rank_and_name(void **state)
{
	(void)state;
	assert_name("1,google.com\r\n", "google.com", 0);
	assert_name("1000000,www.example.com", "www.example.com", 0);
}

static void test_line_has_a_type_behind_its_name(void **state)
{
	(void)state;
	assert_name("example.com AAAA\n", "example.com", 28);
	assert_name("example.com\tmx", "example.com", 15);
	assert_name("7,example.com TYPE65280", "example.com", 65280);
}

static void test_line_of_a_comment_is_empty(void **state)
{
	(void)state;
	assert_int_equal(parse(""), NAME_LINE_EMPTY);
	assert_int_equal(parse("\n"), NAME_LINE_EMPTY);
	assert_int_equal(parse(" \t\r\n"), NAME_LINE_EMPTY);
	assert_int_equal(parse("# example.com"), NAME_LINE_EMPTY);
	assert_int_equal(parse("   #example.com\n"), NAME_LINE_EMPTY);
}

static void test_comment_stands_behind_a_blank(void **state)
{
	(void)state;
	assert_name("example.com # one of ours", "example.com", 0);
	assert_name("example.com A #", "example.com", 1);
	assert_int_equal(parse("a#b.com"), NAME_LINE_NAME);
}

static void test_what_is_no_name_is_refused(void **state)
{
	static const char *const texts[] = {
		"a..b",
		".example",
		"1,",
		"example.com NONSENSE",
		"two names.com",
		"a.com A B",
		"\\300.com",
		"caf\xc3\xa9.com",
		"example.com\x01",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(parse(texts[i]), NAME_LINE_BAD);
}

static void test_zero_octets_do_not_end_a_line(void **state)
{
	(void)state;
	assert_int_equal(name_line_parse((struct slice){(const uint8_t *)"a.com\0.org", 10}, &line),
			 NAME_LINE_BAD);
}

static void test_long_lines_are_refused(void **state)
{
	static char text[70000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	assert_int_equal(parse(text), NAME_LINE_BAD);
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		text[i + 1] = '.';
	assert_int_equal(parse(text), NAME_LINE_BAD);
	memset(text, '1', sizeof(text) - 1);
	assert_int_equal(parse(text), NAME_LINE_BAD);
}

static void test_longest_name_is_taken_escaped(void **state)
{
	char text[DNS_NAME_TEXT_MAX + 16] = "123,", *at = text + 4;

	(void)state;
	for (int label = 0; label < 127; label++)
		at = stpcpy(at, label ? ".\\001" : "\\001");
	assert_int_equal(parse(text), NAME_LINE_NAME);
	assert_int_equal(line.length, DNS_NAME_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_is_a_name),
		cmocka_unit_test(test_line_is_a_row_of_rank_and_name),
		cmocka_unit_test(test_line_has_a_type_behind_its_name),
		cmocka_unit_test(test_line_of_a_comment_is_empty),
		cmocka_unit_test(test_comment_stands_behind_a_blank),
		cmocka_unit_test(test_what_is_no_name_is_refused),
		cmocka_unit_test(test_zero_octets_do_not_end_a_line),
		cmocka_unit_test(test_long_lines_are_refused),
		cmocka_unit_test(test_longest_name_is_taken_escaped),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
