/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "supervisor/effective.h"

static struct config config;
static struct filter_program filters[3];

static int set_up(void **state)
{
	(void)state;
	config = config_default;
	config.input = CONFIG_INPUT_LIVE;
	config.worker_count = 2;
	for (int i = 0; i < 3; i++)
		filters[i].length = 1;
	return 0;
}

static void test_filters_are_one_for_each_worker(void **state)
{
	(void)state;
	assert_true(effective_has_filters(&config, filters, 2 * sizeof(*filters)));
	assert_false(effective_has_filters(&config, filters, 3 * sizeof(*filters)));
	assert_false(effective_has_filters(&config, filters, 1 * sizeof(*filters)));
	assert_false(effective_has_filters(&config, NULL, 0));
}

static void test_filters_are_one_for_an_expression(void **state)
{
	(void)state;
	strcpy(config.filter, "udp");
	assert_true(effective_has_filters(&config, filters, sizeof(*filters)));
	assert_false(effective_has_filters(&config, filters, 2 * sizeof(*filters)));
	assert_false(effective_has_filters(&config, NULL, 0));
}

static void test_filters_are_none_for_a_file(void **state)
{
	(void)state;
	config.input = CONFIG_INPUT_MAPPED;
	assert_true(effective_has_filters(&config, NULL, 0));
	assert_false(effective_has_filters(&config, filters, 2 * sizeof(*filters)));
}

static void test_filters_are_whole(void **state)
{
	(void)state;
	assert_false(effective_has_filters(&config, filters, 2 * sizeof(*filters) - 1));
	assert_false(effective_has_filters(&config, filters, 2 * sizeof(*filters) + 1));
}

static void test_filters_have_a_length_that_the_kernel_takes(void **state)
{
	(void)state;
	filters[1].length = 0;
	assert_false(effective_has_filters(&config, filters, 2 * sizeof(*filters)));
	filters[1].length = FILTER_INSTRUCTIONS_MAX;
	assert_true(effective_has_filters(&config, filters, 2 * sizeof(*filters)));
	filters[1].length = FILTER_INSTRUCTIONS_MAX + 1;
	assert_false(effective_has_filters(&config, filters, 2 * sizeof(*filters)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(test_filters_are_one_for_each_worker),
		TEST(test_filters_are_one_for_an_expression),
		TEST(test_filters_are_none_for_a_file),
		TEST(test_filters_are_whole),
		TEST(test_filters_have_a_length_that_the_kernel_takes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
