/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/document.h"

static char events[4096];
static char problem[SETTING_ERROR_MAX];

/* Writes what a text has: values with their places, of lists and mappings the brackets. False where
 * it is wrong. */
static bool read_text(const char *text)
{
	static const char *const marks[] = {
		[DOCUMENT_LIST] = "[",	      [DOCUMENT_LIST_END] = "]", [DOCUMENT_MAPPING] = "{",
		[DOCUMENT_MAPPING_END] = "}", [DOCUMENT_END] = ".",
	};
	struct document document;
	size_t length = 0;
	bool is_good;

	assert_true(document_open(&document, (struct slice){(const uint8_t *)text, strlen(text)}));
	do {
		is_good = document_next(&document, problem);
		if (is_good && document.event == DOCUMENT_VALUE)
			length += (size_t)sprintf(events + length, "%s%s@%zu:%zu ", document.value,
						  document.is_null ? "(null)" : "",
						  document.place.line, document.place.column);
		else if (is_good)
			length += (size_t)sprintf(events + length, "%s ", marks[document.event]);
	} while (is_good && document.event != DOCUMENT_END);
	document_close(&document);
	return is_good;
}

static void assert_read(const char *text, const char *expected)
{
	if (!read_text(text))
		fail_msg("%s: %s", text, problem);
	assert_string_equal(events, expected);
}

static void test_yaml_and_json_have_the_same_events(void **state)
{
	static const char expected[] = "{ a@1:2 [ 1@1:8 { } [ ] ] b@1:20 null(null)@1:25 } . ";

	(void)state;
	assert_read("{\"a\": [1, {}, []], \"b\": null}", expected);
	assert_read("--- \na: [1, {}, []]\nb: null",
		    "{ a@2:1 [ 1@2:5 { } [ ] ] b@3:1 null(null)@3:4 } . ");
}

static void test_values_stand_where_they_begin(void **state)
{
	(void)state;
	assert_read("\n\t{\n\t\"\xc3\xbc\xf0\x9f\x90\x9f\":\"\xc3\xbc\",\r\n\"x\" : -1.5e3 }\n",
		    "{ \xc3\xbc\xf0\x9f\x90\x9f@3:2 \xc3\xbc@3:7 x@4:1 -1.5e3@4:7 } . ");
	assert_read("\xef\xbb\xbf{\"a\":true}", "{ a@1:2 true@1:6 } . ");
}

static void test_strings_of_json_are_unescaped(void **state)
{
	(void)state;
	assert_read("{\"a\\\"]\": \"\\\\\", \"{\": \"\\t\\/\\ud83d\\udc1f\", \"\": \"null\"}",
		    "{ a\"]@1:2 \\@1:10 {@1:16 \t/\xf0\x9f\x90\x9f@1:21 @1:41 null@1:45 } . ");
}

static void test_a_value_with_nul_is_longer_than_its_text(void **state)
{
	static const char *const texts[] = {"{\"a\":\"b\\u0000c\"}", "a: \"b\\0c\""};
	struct document document;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(document_open(
			&document, (struct slice){(const uint8_t *)texts[i], strlen(texts[i])}));
		for (int j = 0; j < 3; j++)
			assert_true(document_next(&document, problem));
		assert_int_equal(document.length, 3);
		assert_memory_equal(document.value, "b\0c", 4);
		document_close(&document);
	}
}

static void test_what_is_neither_is_refused(void **state)
{
	static const char *const texts[] = {
		"{",
		"{\"a\"}",
		"{\"a\":1,}",
		"{'a':1}",
		"{\"a\":01}",
		"{\"a\":\"",
		"{\"a\":\"\\\"",
		"{\"a\":\"\t\"}",
		"{//\n}",
		"{\"a\":\"\\x\"}",
		"{}{}",
		"{\"a\":nil}",
		"a: [",
		"a: 1\nb",
		"a: 1\n---\nb: 1",
		"a: *b",
		"{\"a\":1e999}",
		"{\"a\\u0000\":1}",
		"a: \xff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (read_text(texts[i]))
			fail_msg("%s: %s", texts[i], events);
}

static void test_nothing_is_a_document(void **state)
{
	(void)state;
	assert_read("", ". ");
	assert_read("\n\n# none", ". ");
	assert_read("---\n", "(null)@2:1 . ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml_and_json_have_the_same_events),
		cmocka_unit_test(test_values_stand_where_they_begin),
		cmocka_unit_test(test_strings_of_json_are_unescaped),
		cmocka_unit_test(test_a_value_with_nul_is_longer_than_its_text),
		cmocka_unit_test(test_what_is_neither_is_refused),
		cmocka_unit_test(test_nothing_is_a_document),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
