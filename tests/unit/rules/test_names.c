/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
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

static void assert_entries(size_t count, const void *bytes, size_t length)
{
	assert_int_equal(names.count, count);
	assert_int_equal(names.length, length);
	assert_memory_equal(names.bytes, bytes, length);
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
	assert_entries(4, "\x22\7Example\3org\0\x22\1b\7example\0\x22\0\x22\3a.b",
		       4 + 12 + 1 + 11 + 1 + 5);
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
	assert_int_equal(names.length, 1 + DNS_NAME_MAX);
}

static void test_many_names_are_read(void **state)
{
	char *text = malloc(1000000), *end = text;

	(void)state;
	for (unsigned i = 0; i < 50000; i++)
		end += sprintf(end, "name%05u.org\n", i);
	assert_int_equal(parse_bytes(text, (size_t)(end - text)), 0);
	assert_int_equal(names.length, 50000 * 16);
	free(text);
}

static struct slice slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

static void test_name_of_a_host_has_letters_digits_hyphens_and_underscores(void **state)
{
	static const char *const none[] = {"",	  ".",	 "..",	   ".a",    "a..b", "a b",
					   "a/b", "*.a", "a*",	   "a\\.b", "a,b",  "\303\251",
					   "a..", "a:b", "<html>", "a#b",   "a@b"};

	(void)state;
	names_fini(&names);
	assert_int_equal(names_add_host(&names, slice_of("xn--Bcher-kva.A_b-.9."), 2), 0);
	assert_entries(1, "\2\15xn--Bcher-kva\4A_b-\0019", 1 + 14 + 5 + 2 + 1);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(names_add_host(&names, slice_of(none[i]), 2), -EINVAL);
	assert_int_equal(names.count, 1);
}

/* A first label of every length before others of 61 octets, in both forms. */
static void test_limits_of_labels_and_names_hold(void **state)
{
	char text[400], escaped[500];

	(void)state;
	for (int others = 0; others < 5; others++) {
		for (int first = 1; first < 70; first++) {
			bool is_name = first < 64 && 1 + first + 62 * others + 1 <= DNS_NAME_MAX;
			int end = sprintf(text, "%0*d", first, 0);

			for (int i = 0; i < others; i++)
				end += sprintf(text + end, ".%061d", 0);
			sprintf(escaped, "\\048%s", text + 1);
			for (int dotted = 0; dotted < 2; dotted++) {
				names_fini(&names);
				assert_int_equal(names_add_host(&names, slice_of(text), 1),
						 is_name ? 0 : -EINVAL);
				assert_int_equal(names_add(&names, slice_of(escaped), 1),
						 is_name ? 0 : -EINVAL);
				assert_int_equal(names.count, is_name ? 2 : 0);
				assert_int_equal(names.length,
						 is_name ? 2 * (1 + 1 + first + 62 * others + 1)
							 : 0);
				if (is_name)
					assert_memory_equal(names.bytes,
							    names.bytes + names.length / 2,
							    names.length / 2);
				strcat(text, ".");
				strcat(escaped, ".");
			}
		}
	}
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
		cmocka_unit_test(test_name_of_a_host_has_letters_digits_hyphens_and_underscores),
		cmocka_unit_test(test_limits_of_labels_and_names_hold),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, teardown);
}
