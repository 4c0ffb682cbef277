/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "config/fields.h"

static char problem[FIELDS_PROBLEM_MAX];

static void test_names_are_taken_one_by_one(void **state)
{
	const char *list = "qname\nno\nas-number";

	(void)state;
	assert_int_equal(fields_take(&list), CONFIG_FIELD_QNAME);
	assert_int_equal(fields_take(&list), CONFIG_FIELD_COUNT);
	assert_int_equal(fields_take(&list), CONFIG_FIELD_AS_NUMBER);
	assert_string_equal(list, "");
}

static void test_a_part_of_a_name_is_none(void **state)
{
	(void)state;
	assert_true(fields_has("id\necs", CONFIG_FIELD_ECS));
	assert_true(fields_has("ecs\nid", CONFIG_FIELD_ECS));
	assert_false(fields_has("id\necstasy", CONFIG_FIELD_ECS));
	assert_false(fields_has("identity", CONFIG_FIELD_ID));
	assert_false(fields_has("", CONFIG_FIELD_ID));
}

static void test_every_name_is_known(void **state)
{
	(void)state;
	for (int i = 0; i < CONFIG_FIELD_COUNT; i++) {
		assert_true(fields_check(fields_name((enum config_field)i), problem));
		assert_true(fields_has(fields_name((enum config_field)i), (enum config_field)i));
	}
}

static void test_mistakes_are_told(void **state)
{
	(void)state;
	assert_true(fields_check("", problem));
	assert_true(fields_check("id\nqname", problem));
	assert_false(fields_check("id\nquery_ip", problem));
	assert_string_equal(problem, "there is no field \"query_ip\"; is \"query-ip\" meant?");
	assert_false(fields_check("id\nqname\nid", problem));
	assert_string_equal(problem, "field \"id\" is there twice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_taken_one_by_one),
		cmocka_unit_test(test_a_part_of_a_name_is_none),
		cmocka_unit_test(test_every_name_is_known),
		cmocka_unit_test(test_mistakes_are_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
