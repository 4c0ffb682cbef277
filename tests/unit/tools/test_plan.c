/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <getopt.h>

#include "base/clock.h"
#include "tools/bench/plan.h"

static struct plan plan;

/* Arguments behind the name of the program, and a NULL. */
static void parse(const char *const *arguments)
{
	char *argv[24] = {(char *)(uintptr_t) "dnsflow-bench"};
	int argc = 1;

	for (; arguments[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
	optind = 0;
	plan_parse(&plan, argc, argv);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void assert_server(const char *text, const char *expected)
{
	char found[ENDPOINT_TEXT_MAX];

	PARSE("-s", text);
	assert_string_equal(endpoint_format(&plan.server, found), expected);
}

static void test_plan_takes_addresses_with_and_without_port(void **state)
{
	(void)state;
	assert_server("127.0.0.1:5300", "127.0.0.1:5300");
	assert_server("127.0.0.1", "127.0.0.1:53");
	assert_server("[::1]:5300", "[::1]:5300");
	assert_server("[::1]", "[::1]:53");
	assert_server("2001:db8::1", "[2001:db8::1]:53");
}

static void test_plan_is_sentrys_without_options(void **state)
{
	(void)state;
	PARSE("--server", "127.0.0.1:53", "--benchmark");
	assert_int_equal(plan.concurrency, 1);
	assert_int_equal(plan.sockets, 1);
	assert_int_equal(plan.limit, 0);
	assert_int_equal(plan.type, 1);
	assert_int_equal(plan.timeout_ns, NANOSECONDS_PER_SECOND);
	assert_int_equal(plan.duration_ns, 0);
	assert_int_equal(plan.rate, 0);
	assert_false(plan.is_tcp);
	assert_null(plan.names);
}

static void test_plan_takes_sentrys_options(void **state)
{
	(void)state;
	PARSE("-b", "-s", "127.0.0.1:53", "-n", "8", "-l", "1000");
	assert_int_equal(plan.concurrency, 8);
	assert_int_equal(plan.limit, 1000);
	PARSE("--server=127.0.0.1:53", "--concurrency=9", "--limit=1001");
	assert_int_equal(plan.concurrency, 9);
	assert_int_equal(plan.limit, 1001);
}

static void test_plan_takes_options_of_its_own(void **state)
{
	(void)state;
	PARSE("-s", "::1", "--names", "file", "--type", "aaaa", "--tcp", "--timeout", "250",
	      "--duration", "1.5", "--rate", "5000", "--progress", "-n", "100");
	assert_string_equal(plan.names, "file");
	assert_int_equal(plan.type, 28);
	assert_true(plan.is_tcp);
	assert_true(plan.wants_progress);
	assert_int_equal(plan.timeout_ns, 250000000);
	assert_in_range(plan.duration_ns, 1500000000, 1500000001);
	assert_int_equal(plan.rate, 5000);
}

static void test_plan_has_no_more_sockets_than_queries(void **state)
{
	(void)state;
	PARSE("-s", "::1", "-n", "5");
	assert_int_equal(plan.sockets, 5);
	PARSE("-s", "::1", "-n", "500");
	assert_int_equal(plan.sockets, 32);
	PARSE("-s", "::1", "-n", "500", "--tcp");
	assert_int_equal(plan.sockets, 8);
	PARSE("-s", "::1", "-n", "500", "--sockets", "1000");
	assert_int_equal(plan.sockets, 500);
	PARSE("-s", "::1", "-n", "1000000");
	assert_int_equal(plan.sockets, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_takes_addresses_with_and_without_port),
		cmocka_unit_test(test_plan_is_sentrys_without_options),
		cmocka_unit_test(test_plan_takes_sentrys_options),
		cmocka_unit_test(test_plan_takes_options_of_its_own),
		cmocka_unit_test(test_plan_has_no_more_sockets_than_queries),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
