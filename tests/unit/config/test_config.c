/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/config.h"
#include "config/text.h"

static char differences[1024];

static void on_difference(void *argument, const struct config_difference *difference)
{
	const size_t length = strlen(differences);

	assert_ptr_equal(argument, differences);
	snprintf(differences + length, sizeof(differences) - length, "%s %s -> %s%s;",
		 difference->name, difference->before, difference->after,
		 difference->needs_restart ? " restart" : "");
}

static bool compare(const char *before, const char *after)
{
	struct config configs[2];
	const char *texts[2] = {before, after};
	char error[CONFIG_ERROR_MAX];

	for (int i = 0; i < 2; i++)
		assert_true(config_parse(
			&configs[i], CONFIG_TEXT_HANDED_OVER, "text",
			(struct slice){(const uint8_t *)texts[i], strlen(texts[i])}, error));
	differences[0] = '\0';
	return config_compare(&configs[0], &configs[1], on_difference, differences);
}

static void test_equal_configurations_do_not_differ(void **state)
{
	(void)state;
	assert_false(compare("", ""));
	assert_string_equal(differences, "");
	assert_false(compare("port: [1, 2]\ntunnels: none", "tunnels: none\nport: [1, 2]"));
	assert_string_equal(differences, "");
}

static void test_each_difference_is_told_with_both_values(void **state)
{
	(void)state;
	assert_true(compare("workers: 2\nmdns: true\nport: 1", "workers: 3\nport: [1, 2]"));
	assert_string_equal(differences, "port 1 -> 1,2;mdns true -> false;workers 2 -> 3;");
	assert_true(compare("", "destination: [192.0.2.1, '::1']\ntunnels: all"));
	assert_string_equal(differences,
			    "tunnels  -> gre,erspan,vxlan,geneve,gtpu,ipip,6in4,teredo;destination "
			    " -> 192.0.2.1,::1;");
	assert_true(compare("share: 1/2", "share: 1/3\nchecksum-split: true"));
	assert_string_equal(differences, "split destination -> checksum;share 1/2 -> 1/3;");
}

static void test_what_needs_a_restart_says_so(void **state)
{
	static const char *const keys[] = {"interface", "read",	   "write", "user",
					   "pid-file",	"control", "config"};
	char text[64], told[64];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(text, sizeof(text), "%s: new", keys[i]);
		snprintf(told, sizeof(told), "%s  -> new restart;", keys[i]);
		assert_true(compare("", text));
		assert_string_equal(differences, told);
	}
	assert_true(compare("ring-size: 64", "ring-size: 65"));
	assert_string_equal(differences, "ring-size 64 -> 65 restart;");
	assert_true(compare("", "filter: udp\nsplit: flow\nverbose: true\nsample: 9"));
	assert_null(strstr(differences, "restart"));
}

static void test_of_the_preflight_only_input_and_ids_are_told(void **state)
{
	(void)state;
	assert_true(compare("", "uid: 7\ngid: 8\ninput: stream"));
	assert_string_equal(differences,
			    "input live -> stream restart;uid 0 -> 7 restart;gid 0 -> 8 restart;");
	assert_true(compare("", "jmirror-last: true"));
	assert_string_equal(differences, "");
}

static const char *completed_control(const char *text)
{
	static struct config config;
	char error[CONFIG_ERROR_MAX];

	assert_true(config_parse(&config, CONFIG_TEXT_HANDED_OVER, "text",
				 (struct slice){(const uint8_t *)text, strlen(text)}, error));
	assert_true(config_complete(&config, 2, error));
	return config.control;
}

static void test_live_runs_have_a_control_socket_and_files_when_asked(void **state)
{
	(void)state;
	assert_string_equal(completed_control("write: w"), CONFIG_CONTROL_SOCKET);
	assert_string_equal(completed_control("write: w\nread: r"), CONFIG_CONTROL_NONE);
	assert_string_equal(completed_control("write: w\nread: r\ncontrol: /c"), "/c");
	assert_string_equal(completed_control("write: w\ncontrol: none"), CONFIG_CONTROL_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_configurations_do_not_differ),
		cmocka_unit_test(test_each_difference_is_told_with_both_values),
		cmocka_unit_test(test_what_needs_a_restart_says_so),
		cmocka_unit_test(test_of_the_preflight_only_input_and_ids_are_told),
		cmocka_unit_test(test_live_runs_have_a_control_socket_and_files_when_asked),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
