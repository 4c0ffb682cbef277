/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"

static size_t decode(const char *text, uint32_t *character)
{
	return utf8_decode((const uint8_t *)text, strlen(text), character);
}

static void test_characters_of_each_length(void **state)
{
	uint32_t character;

	(void)state;
	assert_int_equal(decode("A", &character), 1);
	assert_int_equal(character, 'A');
	assert_int_equal(decode("\xc3\xbc", &character), 2);
	assert_int_equal(character, 0xfc);
	assert_int_equal(decode("\xe2\x82\xac", &character), 3);
	assert_int_equal(character, 0x20ac);
	assert_int_equal(decode("\xf4\x8f\xbf\xbf", &character), 4);
	assert_int_equal(character, 0x10ffff);
}

static void test_what_is_no_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",		"\xc3",		"\xc3\x41",	    "\xc0\x80", "\xc1\xbf",
		"\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xff",	"\xf4\x90\x80\x80",
		"\xf8\x88",	"\xe2\x82",
	};
	uint32_t character;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(decode(bad[i], &character), 0);
		assert_int_equal(utf8_plain_length((const uint8_t *)bad[i]), 0);
	}
}

static void test_plain_is_what_stands_for_itself(void **state)
{
	static const char *const not_plain[] = {
		"",
		"\n",
		"\"",
		"\\",
		"\x7f",
		"\xc2\x80",
		"\xc2\x9f",
		"\xe2\x80\xa8",
		"\xee\xbc\x80",
		"\xee\xbe\x80",
		"\xef\xbb\xbf",
		"\xef\xbf\xbe",
	};

	(void)state;
	assert_int_equal(utf8_plain_length((const uint8_t *)"a"), 1);
	assert_int_equal(utf8_plain_length((const uint8_t *)"\xc2\xa0"), 2);
	assert_int_equal(utf8_plain_length((const uint8_t *)"\xe2\x80\xa7"), 3);
	assert_int_equal(utf8_plain_length((const uint8_t *)"\xf0\x9f\x98\x80"), 4);
	for (size_t i = 0; i < sizeof(not_plain) / sizeof(not_plain[0]); i++)
		assert_int_equal(utf8_plain_length((const uint8_t *)not_plain[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_characters_of_each_length),
		cmocka_unit_test(test_what_is_no_utf8),
		cmocka_unit_test(test_plain_is_what_stands_for_itself),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
