/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/grid.h"

static const struct grid_row results[] = {
	{"metric", "value"},
	{"elapsed_time_seconds", "9"},
	{"response_time_msec_avg", "606.538994892"},
};

static const char drawn[] = "+------------------------+---------------+\n"
			    "| metric                 | value         |\n"
			    "+------------------------+---------------+\n"
			    "| elapsed_time_seconds   | 9             |\n"
			    "| response_time_msec_avg | 606.538994892 |\n"
			    "+------------------------+---------------+";

static void test_grid_is_drawn_as_sentry_does(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(grid_format(results, 3, text, sizeof(text)), strlen(drawn));
	assert_string_equal(text, drawn);
}

static void test_grid_is_as_wide_as_its_heads(void **state)
{
	static const struct grid_row rows[] = {{"domain", "queries"}, {"", "1"}};
	char text[1024];

	(void)state;
	grid_format(rows, 2, text, sizeof(text));
	assert_string_equal(text, "+--------+---------+\n"
				  "| domain | queries |\n"
				  "+--------+---------+\n"
				  "|        | 1       |\n"
				  "+--------+---------+");
}

static void test_grid_without_rows_has_its_heads(void **state)
{
	char text[1024];

	(void)state;
	grid_format(results, 1, text, sizeof(text));
	assert_string_equal(text, "+--------+-------+\n"
				  "| metric | value |\n"
				  "+--------+-------+\n"
				  "+--------+-------+");
}

static void test_grid_is_cut_where_memory_ends(void **state)
{
	char text[sizeof(drawn) + 1];

	(void)state;
	for (size_t size = 0; size <= sizeof(drawn); size++) {
		memset(text, '#', sizeof(text));
		assert_int_equal(grid_format(results, 3, text, size), strlen(drawn));
		assert_int_equal(text[size], '#');
		if (!size)
			continue;
		assert_int_equal(strlen(text), size < sizeof(drawn) ? size - 1 : strlen(drawn));
		assert_memory_equal(text, drawn, strlen(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grid_is_drawn_as_sentry_does),
		cmocka_unit_test(test_grid_is_as_wide_as_its_heads),
		cmocka_unit_test(test_grid_without_rows_has_its_heads),
		cmocka_unit_test(test_grid_is_cut_where_memory_ends),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
