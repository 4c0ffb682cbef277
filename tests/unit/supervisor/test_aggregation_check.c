/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ipc/observation.h"
#include "supervisor/aggregation_check.h"

static struct config config;
static char error[CONFIG_ERROR_MAX];

static int set_up(void **state)
{
	(void)state;
	config = config_default;
	config.output_count = 2;
	for (uint32_t i = 0; i < config.output_count; i++) {
		config.outputs[i] = config_output_default;
		sprintf(config.outputs[i].name, "out-%u", i + 1);
	}
	return 0;
}

static void assert_refused(const char *problem)
{
	assert_false(aggregation_check(&config, error));
	assert_string_equal(error, problem);
}

static void test_the_default_is_possible(void **state)
{
	(void)state;
	assert_true(aggregation_check(&config, error));
}

static void test_counters_are_known(void **state)
{
	(void)state;
	strcpy(config.statistics.default_counters, "query/aaaa\nqps\npps/300\nevictions/names");
	assert_true(aggregation_check(&config, error));
	strcpy(config.statistics.default_counters, "query/aaaa\nquerry");
	assert_refused("statistics.default-counters: querry is no counter");
}

static void test_memory_is_enough_to_the_mebibyte(void **state)
{
	size_t bytes = 8 * observation_shard_size(&config) + ((size_t)2 * 4 << 20);
	char expected[CONFIG_ERROR_MAX];

	(void)state;
	config.statistics.streams = 8;
	config.worker_count = 64; /* what workers count in is theirs */
	config.statistics.memory_mib = (uint32_t)((bytes + (1 << 20) - 1) >> 20);
	assert_true(aggregation_check(&config, error));
	config.statistics.memory_mib--;
	snprintf(expected, sizeof(expected),
		 "statistics.memory: %u MiB are too few, %u would be needed, most of them for "
		 "statistics.streams",
		 config.statistics.memory_mib, config.statistics.memory_mib + 1);
	assert_refused(expected);
}

static void assert_largest(const char *setting)
{
	assert_false(aggregation_check(&config, error));
	assert_non_null(strstr(error, " most of them for "));
	assert_string_equal(strstr(error, " most of them for ") + 18, setting);
}

static void test_the_setting_that_takes_most_is_named(void **state)
{
	(void)state;
	config.statistics.tlds = 4096;
	config.statistics.clients = 1 << 24;
	assert_largest("statistics.clients");
	config.statistics.clients = 16384;
	config.statistics.streams = 63;
	assert_largest("statistics.streams");
	config.statistics.streams = 1;
	config.outputs[1].queue_mib = 1024;
	assert_largest("outputs");
	config.outputs[1].queue_mib = config.outputs[0].queue_mib = 0;
	config.statistics.tlds = config_default.statistics.tlds;
	config.statistics.memory_mib = 8; /* all is at its default */
	assert_false(aggregation_check(&config, error));
	assert_null(strstr(error, "most of them"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_default_is_possible, set_up),
		cmocka_unit_test_setup(test_counters_are_known, set_up),
		cmocka_unit_test_setup(test_memory_is_enough_to_the_mebibyte, set_up),
		cmocka_unit_test_setup(test_the_setting_that_takes_most_is_named, set_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
