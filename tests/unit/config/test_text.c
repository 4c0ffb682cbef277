/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/config.h"

static char error[CONFIG_ERROR_MAX];
static char text[65536];

static struct config example(void)
{
	struct config config = config_default;

	strcpy(config.interface, "eth0.7");
	strcpy(config.filter, "udp and (\"quoted\" \\ or\n\ttab \x80)");
	strcpy(config.write_file, "- \"dash\"");
	strcpy(config.destinations[0].text, "192.0.2.1:5300");
	strcpy(config.destinations[1].text, "[2001:db8::1]:99");
	config.destination_count = 2;
	config.ports[0] = 53;
	config.ports[1] = 0;
	config.port_count = 2;
	config.is_promiscuous = false;
	config.is_mdns = true;
	config.share_index = 2;
	config.share_count = 5;
	config.worker_count = 7;
	config.split = SPLIT_FLOW;
	config.tunnels = 0x81;
	config.segment_size = 1400;
	config.input = CONFIG_INPUT_STREAM;
	config.uid = UINT32_MAX;
	return config;
}

static void test_printed_text_parses_to_the_same(void **state)
{
	struct config config = example(), again;
	char second[sizeof(text)];

	(void)state;
	assert_true(config_print(&config, text, sizeof(text)) > 0);
	assert_true(config_parse(&again, text, error));
	assert_string_equal(again.filter, config.filter);
	assert_string_equal(again.write_file, config.write_file);
	assert_int_equal(again.destinations[1].endpoint.port, 99);
	assert_int_equal(again.port_count, 2);
	assert_true(config_print(&again, second, sizeof(second)) > 0);
	assert_string_equal(text, second);
}

static void test_default_text_parses_to_the_default(void **state)
{
	struct config config;

	(void)state;
	assert_true(config_print(&config_default, text, sizeof(text)) > 0);
	assert_true(config_parse(&config, text, error));
	assert_int_equal(config.payload_max, config_default.payload_max);
	assert_int_equal(config.segment_size, 0);
	assert_int_equal(config.worker_count, 1);
}

static void test_errors_name_the_line(void **state)
{
	struct config config;

	(void)state;
	assert_false(config_parse(&config, "mdns: true\nnonsense: 1\n", error));
	assert_non_null(strstr(error, "line 2"));
	assert_non_null(strstr(error, "nonsense"));
	assert_false(config_parse(&config, "mdns: maybe\n", error));
	assert_false(config_parse(&config, "filter: \"open\n", error));
	assert_false(config_parse(&config, "  - 53\n", error));
	assert_false(config_parse(&config, "no key\n", error));
	assert_false(config_parse(&config, "split: sideways\n", error));
}

static void test_text_that_does_not_fit_is_an_error(void **state)
{
	char small[64];

	(void)state;
	assert_int_equal(config_print(&config_default, small, sizeof(small)), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printed_text_parses_to_the_same),
		cmocka_unit_test(test_default_text_parses_to_the_default),
		cmocka_unit_test(test_errors_name_the_line),
		cmocka_unit_test(test_text_that_does_not_fit_is_an_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
