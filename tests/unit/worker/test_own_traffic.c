/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/observe/own_traffic.h"

#define RULES "resolve ^(.*) using 192.0.2.1, [2001:db8::1]:5353"

static struct config config;
static struct own_traffic traffic;

static struct endpoint endpoint(const char *text, uint16_t port)
{
	struct endpoint result = {.port = port};

	assert_true(address_parse(text, &result.address));
	return result;
}

static bool has(const char *from, uint16_t from_port, const char *to, uint16_t to_port)
{
	const struct packet packet = {
		.source = endpoint(from, 0).address,
		.destination = endpoint(to, 0).address,
		.source_port = from_port,
		.destination_port = to_port,
	};

	return own_traffic_has(&traffic, &packet);
}

/* On this machine, whose one address that is known everywhere is that of loopback. */
static int setup(void **state)
{
	char error[RULESET_ERROR_MAX];
	struct ruleset *ruleset = ruleset_new(RULES, NULL, error);

	(void)state;
	assert_non_null(ruleset);
	config = config_default;
	config.proxy.endpoints[0] = endpoint("198.51.100.53", 53);
	config.proxy.endpoints[1] = endpoint("0.0.0.0", 5300);
	config.proxy.endpoint_count = 2;
	assert_int_equal(own_traffic_open(&traffic, &config, ruleset), 0);
	ruleset_free(ruleset);
	return 0;
}

static void test_own_traffic_is_that_of_our_listeners(void **state)
{
	(void)state;
	assert_true(has("203.0.113.9", 4000, "198.51.100.53", 53));
	assert_true(has("198.51.100.53", 53, "203.0.113.9", 4000));
	assert_false(has("203.0.113.9", 4000, "198.51.100.53", 54));
	assert_false(has("203.0.113.9", 4000, "198.51.100.54", 53));
	assert_false(has("203.0.113.9", 53, "203.0.113.8", 4000));
}

static void test_own_traffic_of_all_addresses_is_that_of_this_machine(void **state)
{
	(void)state;
	assert_true(has("203.0.113.9", 4000, "127.0.0.1", 5300));
	assert_false(has("203.0.113.9", 4000, "203.0.113.8", 5300));
	assert_false(has("2001:db8::9", 4000, "::1", 5300)); /* that listens on IPv4 alone */
}

static void test_own_traffic_is_that_between_us_and_upstream_servers(void **state)
{
	(void)state;
	assert_true(has("127.0.0.1", 4000, "192.0.2.1", 53));
	assert_true(has("192.0.2.1", 53, "127.0.0.1", 4000));
	assert_false(has("203.0.113.9", 4000, "192.0.2.1", 53));
	assert_false(has("192.0.2.1", 53, "203.0.113.9", 4000));
	assert_false(has("127.0.0.1", 4000, "192.0.2.1", 54));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_traffic_is_that_of_our_listeners),
		cmocka_unit_test(test_own_traffic_of_all_addresses_is_that_of_this_machine),
		cmocka_unit_test(test_own_traffic_is_that_between_us_and_upstream_servers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
