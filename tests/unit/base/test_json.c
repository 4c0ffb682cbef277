/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"

static char text[256];
static struct json json;

static int begin(void **state)
{
	(void)state;
	json_init(&json, text, sizeof(text));
	return 0;
}

static void test_commas_stand_between_values_only(void **state)
{
	(void)state;
	json_open_object(&json, NULL);
	json_open_array(&json, "empty");
	json_close_array(&json);
	json_open_array(&json, "list");
	json_add_number(&json, NULL, 1);
	json_open_object(&json, NULL);
	json_add_bool(&json, "yes", true);
	json_add_null(&json, "none");
	json_close_object(&json);
	json_add_signed(&json, NULL, -2);
	json_close_array(&json);
	json_add_string(&json, "end", "");
	json_close_object(&json);
	assert_true(json_finish(&json));
	assert_string_equal(
		text, "{\"empty\":[],\"list\":[1,{\"yes\":true,\"none\":null},-2],\"end\":\"\"}");
	assert_int_equal(json.length, strlen(text));
}

static void test_numbers_are_exact_at_their_ends(void **state)
{
	(void)state;
	json_open_array(&json, NULL);
	json_add_number(&json, NULL, UINT64_MAX);
	json_add_signed(&json, NULL, INT64_MIN);
	json_close_array(&json);
	assert_true(json_finish(&json));
	assert_string_equal(text, "[18446744073709551615,-9223372036854775808]");
}

static void test_fractions_are_numbers_or_null(void **state)
{
	(void)state;
	json_open_array(&json, NULL);
	json_add_double(&json, NULL, 3.07466666666667);
	json_add_double(&json, NULL, 0);
	json_add_double(&json, NULL, -1e300);
	json_add_double(&json, NULL, 1 / 0.0);
	json_add_double(&json, NULL, 0 / 0.0);
	json_close_array(&json);
	assert_true(json_finish(&json));
	assert_string_equal(text, "[3.07466666667,0,-1e+300,null,null]");
}

static void test_what_is_not_plain_is_escaped(void **state)
{
	(void)state;
	json_add_string(&json, NULL, "a\"b\\c\n\x01\x7f<&>");
	assert_true(json_finish(&json));
	assert_string_equal(text, "\"a\\\"b\\\\c\\u000a\\u0001\\u007f\\u003c\\u0026\\u003e\"");
}

static void test_characters_stay_and_other_bytes_are_told_apart(void **state)
{
	(void)state;
	/* a-umlaut, euro, an emoji; then C1, a cut character, an overlong one, a surrogate. */
	json_add_string(
		&json, NULL,
		"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \xc2\x9b \xe2\x82 \xc0\xaf \xed\xa0\x80");
	assert_true(json_finish(&json));
	assert_string_equal(text, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \\uefc2\\uef9b "
				  "\\uefe2\\uef82 \\uefc0\\uefaf \\uefed\\uefa0\\uef80\"");
}

static void test_what_does_not_fit_is_told_at_the_end(void **state)
{
	char small[9];

	(void)state;
	json_init(&json, small, sizeof(small));
	json_add_string(&json, NULL, "123456");
	assert_true(json_finish(&json));
	assert_string_equal(small, "\"123456\"");
	json_init(&json, small, sizeof(small));
	json_add_string(&json, NULL, "1234567");
	json_add_number(&json, NULL, 1);
	assert_false(json_finish(&json));
	assert_string_equal(small, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_commas_stand_between_values_only, begin),
		cmocka_unit_test_setup(test_numbers_are_exact_at_their_ends, begin),
		cmocka_unit_test_setup(test_fractions_are_numbers_or_null, begin),
		cmocka_unit_test_setup(test_what_is_not_plain_is_escaped, begin),
		cmocka_unit_test_setup(test_characters_stay_and_other_bytes_are_told_apart, begin),
		cmocka_unit_test_setup(test_what_does_not_fit_is_told_at_the_end, begin),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
