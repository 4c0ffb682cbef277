/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"
#include "rules/names.h"

static struct names names;
static char error[NAMES_ERROR_MAX];

/* Parses a copy of exactly that size, so that a sanitizer sees every read too far. */
static size_t parse_bytes(const void *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	size_t line;

	names_fini(&names);
	memset(error, 'x', sizeof(error));
	memcpy(copy, bytes, length);
	line = names_parse(&names, (struct slice){copy, length}, error);
	free(copy);
	return line;
}

static size_t parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void assert_names(const void *wire, size_t length)
{
	assert_int_equal(names.length, length);
	assert_memory_equal(names.bytes, wire, length);
}

static int teardown(void **state)
{
	(void)state;
	names_fini(&names);
	return 0;
}

static void test_lines_of_all_shapes_are_read(void **state)
{
	(void)state;
	assert_int_equal(parse("# a list\r\n\r\n  Example.org  # why\r\n\tb.example.\n\n.\na\\.b"),
			 0);
	assert_names("\7Example\3org\0\1b\7example\0\0\3a.b", 12 + 1 + 11 + 1 + 5);
}

static void test_text_without_names_has_none(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(names.length, 0);
	assert_int_equal(parse("\n\r\n #\n"), 0);
	assert_int_equal(names.length, 0);
}

static void test_bad_line_is_told_with_its_number(void **state)
{
	(void)state;
	assert_int_equal(parse("a\n\n# b\nc..d\ne"), 4);
	assert_string_equal(error, "c..d is no name");
	assert_int_equal(parse(".example.org"), 1);
	assert_int_equal(parse("a b"), 1);
	assert_string_equal(error, "a\\032b is no name");
	assert_int_equal(parse("a\n\303\251.example"), 2);
	assert_string_equal(error, "\\195\\169.example is no name");
	assert_int_equal(parse_bytes("a\0b", 3), 1);
	assert_string_equal(error, "a\\000b is no name");
}

static void test_long_lines_are_no_names(void **state)
{
	char text[DNS_NAME_TEXT_MAX + 100];

	(void)state;
	for (size_t length = 64; length < sizeof(text); length++) {
		memset(text, 'a', length);
		assert_int_equal(parse_bytes(text, length), 1);
		assert_true(strlen(error) < sizeof(error));
		memset(text, 1, length);
		assert_int_equal(parse_bytes(text, length), 1);
		assert_non_null(strstr(error, " is no name"));
	}
}

static void test_longest_name_is_read_in_its_longest_form(void **state)
{
	char text[DNS_NAME_TEXT_MAX + 2];
	size_t at = 0;

	(void)state;
	for (unsigned i = 0; i < 253; i++)
		at += (size_t)sprintf(text + at, i % 64 == 63 ? "." : "\\001");
	text[at++] = '.';
	text[at] = '\0';
	assert_int_equal(parse(text), 0);
	assert_int_equal(names.length, DNS_NAME_MAX);
}

static void test_many_names_are_read(void **state)
{
	char *text = malloc(1000000), *end = text;

	(void)state;
	for (unsigned i = 0; i < 50000; i++)
		end += sprintf(end, "name%05u.org\n", i);
	assert_int_equal(parse_bytes(text, (size_t)(end - text)), 0);
	assert_int_equal(names.length, 50000 * 15);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_of_all_shapes_are_read),
		cmocka_unit_test(test_text_without_names_has_none),
		cmocka_unit_test(test_bad_line_is_told_with_its_number),
		cmocka_unit_test(test_long_lines_are_no_names),
		cmocka_unit_test(test_longest_name_is_read_in_its_longest_form),
		cmocka_unit_test(test_many_names_are_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, teardown);
}
