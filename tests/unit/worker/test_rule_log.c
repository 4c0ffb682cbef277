/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/proxy/rule_log.h"

#define LINES_MAX 64

static char lines[LINES_MAX][1024];
static enum log_level levels[LINES_MAX];
static uint32_t line_count;

static void on_line(enum log_level level, const char *text)
{
	assert_true(line_count < LINES_MAX);
	levels[line_count] = level;
	snprintf(lines[line_count++], sizeof(lines[0]), "%s", text);
}

static int set_up(void **state)
{
	(void)state;
	line_count = 0;
	log_set_sink(on_line);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_set_sink(NULL);
	return 0;
}

static struct client client_of(const char *address, const char *asked)
{
	struct client client = {.asked.port = 53};

	client.from.inet.sin_family = AF_INET;
	client.from.inet.sin_port = htons(4711);
	inet_pton(AF_INET, address, &client.from.inet.sin_addr);
	client.address = client_address_of(&client.from);
	assert_true(address_parse(asked, &client.asked.address));
	return client;
}

/* What these rules say of a name: returns how many lines were left out. */
static uint32_t judge(struct rule_log *log, const char *rules, const char *wire, int64_t now_ns)
{
	struct client client = client_of("192.0.2.1", "2001:db8::1");
	const struct ruleset_query query = {
		.name = {(const uint8_t *)wire, strlen(wire) + 1},
		.type = 1,
		.class = 1,
		.client = &client.address,
	};
	struct ruleset_verdict verdict;
	char error[RULESET_ERROR_MAX];
	struct ruleset *ruleset = ruleset_new(rules, NULL, error);
	uint32_t left_out;

	assert_non_null(ruleset);
	ruleset_judge(ruleset, &query, NULL, &verdict);
	left_out = rule_log_write(log, ruleset, &verdict, query.name.data, &client, now_ns);
	ruleset_free(ruleset);
	return left_out;
}

static void test_rule_log_words_lines_as_sentry_does(void **state)
{
	struct rule_log log = {.lines_most = 10};

	(void)state;
	assert_int_equal(judge(&log, "log ^(.*)\nblock xxx", "\3foo\3xxx", 1), 0);
	assert_int_equal(line_count, 2);
	assert_string_equal(lines[0],
			    "logging query: foo.xxx. matched by rule: ^(.*) with context: "
			    "{'client': '192.0.2.1:4711', 'server': '[2001:db8::1]:53'}");
	assert_int_equal(levels[0], LOG_LEVEL_INFO);
	assert_string_equal(lines[1], "blocking query: foo.xxx. matched by rule: xxx with context: "
				      "{'client': '192.0.2.1:4711', 'server': '[2001:db8::1]:53'}");
	assert_int_equal(levels[1], LOG_LEVEL_WARN);
}

static void test_rule_log_tells_what_is_blocked_conditionally(void **state)
{
	struct rule_log log = {.lines_most = 10};

	(void)state;
	judge(&log, "block xxx if type is A", "\3xxx", 1);
	assert_int_equal(line_count, 1);
	assert_non_null(strstr(lines[0], "conditionally blocking query: xxx."));
}

static void test_rule_log_says_nothing_of_rules_that_just_act(void **state)
{
	struct rule_log log = {.lines_most = 10};

	(void)state;
	judge(&log, "rewrite ^a to b\nallow b\nresolve ^ using 192.0.2.1", "\1a", 1);
	judge(&log, "redirect ^ to b", "\1a", 1);
	assert_int_equal(line_count, 0);
}

static void test_rule_log_tells_what_shadows_would_have_done(void **state)
{
	struct rule_log log = {.lines_most = 10};

	(void)state;
	judge(&log, "shadow block ^\nshadow redirect ^ to b\nshadow resolve ^ using 192.0.2.1",
	      "\1a", 1);
	assert_int_equal(line_count, 3);
	assert_non_null(strstr(lines[0], "shadow: blocking query: a."));
	assert_non_null(strstr(lines[1], "shadow: redirecting query: a."));
	assert_non_null(strstr(lines[2], "shadow: resolving query: a."));
}

/* Threats K-1. */
static void test_rule_log_writes_no_octet_of_a_name_that_is_not_plain(void **state)
{
	struct rule_log log = {.lines_most = 10};

	(void)state;
	judge(&log, "log ^", "\6\33\n'\"\377.\1a", 1);
	assert_int_equal(line_count, 1);
	for (const char *at = lines[0]; *at; at++)
		assert_in_range(*at, 0x20, 0x7e);
	assert_non_null(strstr(lines[0], "\\027\\010"));
}

static void test_rule_log_writes_so_many_lines_in_a_second(void **state)
{
	struct rule_log log = {.lines_most = 3};
	uint32_t left_out = 0;

	(void)state;
	for (int i = 0; i < 10; i++)
		left_out += judge(&log, "log ^\nlog a", "\1a", NANOSECONDS_PER_SECOND + i);
	assert_int_equal(line_count, 3);
	assert_int_equal(left_out, 17);
	assert_int_equal(judge(&log, "log ^", "\1a", 2 * NANOSECONDS_PER_SECOND), 0);
	assert_int_equal(line_count, 5);
	assert_string_equal(lines[3], "17 lines of rules were left out");
	assert_int_equal(judge(&log, "log ^", "\1a", 3 * NANOSECONDS_PER_SECOND), 0);
	assert_int_equal(line_count, 6);
}

static void test_rule_log_of_no_lines_writes_none(void **state)
{
	struct rule_log log = {.lines_most = 0};

	(void)state;
	assert_int_equal(judge(&log, "log ^", "\1a", 1), 1);
	assert_int_equal(line_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rule_log_words_lines_as_sentry_does),
		TEST(test_rule_log_tells_what_is_blocked_conditionally),
		TEST(test_rule_log_says_nothing_of_rules_that_just_act),
		TEST(test_rule_log_tells_what_shadows_would_have_done),
		TEST(test_rule_log_writes_no_octet_of_a_name_that_is_not_plain),
		TEST(test_rule_log_writes_so_many_lines_in_a_second),
		TEST(test_rule_log_of_no_lines_writes_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
