/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/ruleset.h"

#define RULES_MAX 200

/* "ads" has ads.example, "none" nothing that is asked for. */
static const struct lists *lists;
static void *lists_memory;

static char error[RULESET_ERROR_MAX];
static struct ruleset *ruleset;
static struct ruleset_verdict verdict;
static uint64_t hits[RULES_MAX];

static void set_rules(const char *text)
{
	ruleset_free(ruleset);
	ruleset = ruleset_new(text, lists, error);
	if (!ruleset)
		fail_msg("%s", error);
	assert_true(ruleset_count(ruleset) <= RULES_MAX);
	memset(hits, 0, sizeof(hits));
}

/* What is asked when nothing else is said: type A, class IN, client 192.0.2.1. */
static struct ruleset_query query;
static struct address client;

static void judge_name(const char *name)
{
	static uint8_t wire[DNS_NAME_MAX];
	uint8_t length;

	assert_true(name_parse(name, wire, &length));
	query.name = (struct slice){wire, length};
	query.client = &client;
	memset(&verdict, 0xff, sizeof(verdict));
	ruleset_judge(ruleset, &query, hits, &verdict);
	if (verdict.rule)
		assert_ptr_equal(verdict.rule, ruleset_rule(ruleset, verdict.rule_number - 1u));
	else
		assert_int_equal(verdict.rule_number, 0);
}

static void judge(const char *name)
{
	query.type = 1;
	query.class = 1;
	assert_true(address_parse("192.0.2.1", &client));
	judge_name(name);
}

static void judge_as(const char *name, uint16_t type, uint16_t class, const char *from)
{
	query.type = type;
	query.class = class;
	assert_true(address_parse(from, &client));
	judge_name(name);
}

/* number: of the rule that decided, from 1. */
static void assert_outcome(enum ruleset_outcome outcome, unsigned number)
{
	assert_int_equal(verdict.outcome, outcome);
	assert_int_equal(verdict.rule_number, number);
}

static void assert_rewritten(const char *expected)
{
	char text[DNS_NAME_TEXT_MAX + 1];

	assert_true(verdict.is_rewritten);
	assert_int_equal(name_wire_length((struct slice){verdict.name, verdict.name_length}),
			 verdict.name_length);
	strcpy(text + name_format(verdict.name, text), ".");
	assert_string_equal(text, expected);
}

/* With a blank before each. */
static void assert_trace(const char *expected)
{
	char found[256] = "";

	for (uint32_t i = 0; i < verdict.trace_count; i++)
		sprintf(found + strlen(found), " %u", verdict.trace[i]);
	assert_string_equal(found, expected);
}

static void assert_hits(const char *expected)
{
	char found[1024] = "";

	for (uint32_t i = 0; i < ruleset_count(ruleset); i++)
		sprintf(found + strlen(found), " %lu", (unsigned long)hits[i]);
	assert_string_equal(found, expected);
}

static int teardown(void **state)
{
	(void)state;
	ruleset_free(ruleset);
	ruleset = NULL;
	free(lists_memory);
	return 0;
}

/* The configuration in Sentry's README. */
static const char readme[] = "block ^(.*)youtube.com if type is MX\n"
			     "block ^(.*).xxx\n"
			     "log ^(.*)google.com\n"
			     "rewrite ^www.google.com to google.com\n"
			     "redirect ^(.*)nytimes.com to google.com\n"
			     "redirect ^(.*)reddit.com to google.com\n"
			     "resolve ^(.*)facebook.com using 10.10.1.2 \n"
			     "resolve ^(.*) using 8.8.4.4, 8.8.8.8\n";

static void test_rules_of_the_readme_do_what_it_says(void **state)
{
	(void)state;
	set_rules(readme);
	assert_int_equal(ruleset_count(ruleset), 8);
	judge("m.youtube.com");
	assert_outcome(RULESET_RESOLVE, 8);
	judge_as("m.youtube.com", 15, 1, "192.0.2.1");
	assert_outcome(RULESET_BLOCK, 1);
	judge("foo.xxx");
	assert_outcome(RULESET_BLOCK, 2);
	assert_int_equal(verdict.rule->block, BLOCK_EMPTY);
	judge("www.google.com");
	assert_outcome(RULESET_RESOLVE, 8);
	assert_rewritten("google.com.");
	assert_trace(" 3 4 8");
	judge("nytimes.com");
	assert_outcome(RULESET_REDIRECT, 5);
	assert_int_equal(verdict.rule->target_length, 12);
	judge("www.facebook.com");
	assert_outcome(RULESET_RESOLVE, 7);
	assert_false(verdict.is_rewritten);
	assert_hits(" 1 1 1 1 1 0 1 2");
}

/* spec/sentry.md 8 */
static void test_acceptance_list_of_sentry_holds(void **state)
{
	(void)state;
	set_rules("block ^(.*).xxx if type is TXT\nblock ^(.*).xxx if class is ANY\n"
		  "block ^(.*).edu if type is MX and class is ANY\nresolve ^(.*) using ::1");
	judge_as("foo.xxx", 16, 1, "::1");
	assert_outcome(RULESET_BLOCK, 1);
	judge_as("foo.xxx", 1, 255, "::1");
	assert_outcome(RULESET_BLOCK, 2);
	judge_as("foo.xxx", 1, 1, "::1");
	assert_outcome(RULESET_RESOLVE, 4);
	judge_as("asu.edu", 15, 1, "::1");
	assert_outcome(RULESET_RESOLVE, 4);
	judge_as("asu.edu", 15, 255, "::1");
	assert_outcome(RULESET_BLOCK, 3);
}

static void test_no_rule_decides_nothing(void **state)
{
	(void)state;
	set_rules("");
	judge("example.com");
	assert_outcome(RULESET_NONE, 0);
	set_rules("\n \r\nlog .\nblock ^x\\.\n\n");
	assert_int_equal(ruleset_count(ruleset), 2);
	assert_string_equal(ruleset_text(ruleset, 1), "block ^x\\.");
	judge("example.com");
	assert_outcome(RULESET_NONE, 0);
	assert_trace(" 1");
	ruleset_judge(ruleset, &query, NULL, &verdict); /* nobody counts */
	assert_outcome(RULESET_NONE, 0);
}

static void test_names_are_matched_in_any_case_and_escaped(void **state)
{
	(void)state;
	set_rules("block ^EXAMPLE\\.com\\.$\nblock ^\\.$\nblock ^a\\\\\\.b\\.\nblock \\\\000x\n");
	judge("Example.COM");
	assert_outcome(RULESET_BLOCK, 1);
	judge(".");
	assert_outcome(RULESET_BLOCK, 2);
	judge("a\\.b.org");
	assert_outcome(RULESET_BLOCK, 3);
	judge("a.b.org");
	assert_outcome(RULESET_NONE, 0);
	judge("\\000x");
	assert_outcome(RULESET_BLOCK, 4);
}

/* spec/sentry.md 5: as Sentry's library writes names. With a literal, and without. */
static void test_printable_octets_are_matched_as_they_are(void **state)
{
	(void)state;
	set_rules("block ^0/25\\.\nblock ^[a-z0-9*.-]+$\nblock [0-9]{3}\nblock ^a\\\\;b\n"
		  "block many\\*stars\n");
	judge("0/25.2.0.192.in-addr.arpa");
	assert_outcome(RULESET_BLOCK, 1);
	judge("*.example.com");
	assert_outcome(RULESET_BLOCK, 2);
	judge("a+b.com");
	assert_outcome(RULESET_NONE, 0);
	judge("a\\032b.com");
	assert_outcome(RULESET_BLOCK, 3);
	judge("a\\;b.com");
	assert_outcome(RULESET_BLOCK, 4);
	judge("_.many*stars");
	assert_outcome(RULESET_BLOCK, 5);
}

static void test_all_conditions_must_hold(void **state)
{
	(void)state;
	set_rules("block . if type is A and class is IN and client is 192.0.2.0/24 and "
		  "name is in ads\n");
	judge("ads.example");
	assert_outcome(RULESET_BLOCK, 1);
	judge_as("ads.example", 28, 1, "192.0.2.1");
	assert_outcome(RULESET_NONE, 0);
	judge_as("ads.example", 1, 3, "192.0.2.1");
	assert_outcome(RULESET_NONE, 0);
	judge_as("ads.example", 1, 1, "192.0.3.1");
	assert_outcome(RULESET_NONE, 0);
	judge_as("www.example", 1, 1, "192.0.2.1");
	assert_outcome(RULESET_NONE, 0);
	assert_hits(" 1");
}

static void test_lists_are_asked_for_each_name(void **state)
{
	(void)state;
	set_rules("block ^x\\. if name is in ads\nblock ^y\\. if name is in ads\n"
		  "block ^w if name is in none\nlog ^ads if name is in ads\n"
		  "rewrite ^ads to www.example if name is in ads\nblock . if name is in ads\n"
		  "resolve . using ::1");
	judge("ads.example");
	assert_outcome(RULESET_RESOLVE, 7);
	assert_trace(" 4 5 7");
}

static void test_allow_leaves_only_resolve(void **state)
{
	(void)state;
	set_rules("block ^bad\nallow ^(bad|good)\nblock ^good\nlog ^good\nallow .\n"
		  "rewrite ^good to bad\nredirect ^good to x\nshadow block ^good\n"
		  "resolve ^never using ::1\nresolve ^good using ::2\nresolve . using ::3\n");
	judge("good.example");
	assert_outcome(RULESET_RESOLVE, 10);
	assert_true(verdict.is_allowed);
	assert_int_equal(verdict.allow_number, 2);
	assert_false(verdict.is_rewritten);
	assert_trace(" 10");
	judge("bad.example");
	assert_outcome(RULESET_BLOCK, 1);
	assert_false(verdict.is_allowed);
	judge("other.example");
	assert_outcome(RULESET_RESOLVE, 11);
	assert_int_equal(verdict.allow_number, 5);
	assert_hits(" 1 1 0 0 1 0 0 0 0 1 1");
}

static void test_shadow_rules_act_on_nothing(void **state)
{
	(void)state;
	set_rules("shadow log .\nshadow allow .\nshadow rewrite ^x to other.example\n"
		  "shadow block ^x\nshadow redirect ^x to y\nshadow resolve ^x using ::1\n"
		  "block ^x\nshadow block ^x\nresolve . using ::2\n");
	judge("x.example");
	assert_outcome(RULESET_BLOCK, 7);
	assert_false(verdict.is_rewritten);
	assert_false(verdict.is_allowed);
	assert_trace(" 1 2 3 4 5 6 7");
	assert_hits(" 1 1 1 1 1 1 1 0 0"); /* those behind the one that decides see nothing */
}

static void test_rules_behind_a_rewrite_see_its_name(void **state)
{
	(void)state;
	set_rules("block ^new\nrewrite ^(.*)\\.old\\.(.*) to new.$1.$2\nblock ^www\\.old\n"
		  "rewrite ^new\\.(.*) to newer.$1\nblock ^new\\.\n"
		  "resolve ^NEWER.www using ::1\nresolve . using ::2\n");
	judge("WWW.Old.Example");
	assert_outcome(RULESET_RESOLVE, 6);
	assert_rewritten("newer.www.example.");
	assert_trace(" 2 4 6");
	judge("other.example");
	assert_outcome(RULESET_RESOLVE, 7);
	assert_false(verdict.is_rewritten);
}

static void test_rewrite_takes_groups_of_everything(void **state)
{
	(void)state;
	set_rules("rewrite ^(.*) to $1.cache.example\nresolve ^(.*) using ::1\n");
	judge("www.example.org");
	assert_outcome(RULESET_RESOLVE, 2);
	assert_rewritten("www.example.org.cache.example.");
	judge(".");
	assert_rewritten("cache.example.");
	judge("0/25.*.a\\.b\\;\\000\\032\\$1\\@\\\"\\(\\)\\\\.\\255");
	assert_rewritten("0\\04725.\\042.a\\.b\\059\\000\\032\\0361\\064\\034\\040\\041\\\\.\\255."
			 "cache.example.");
	set_rules("rewrite ^(.*) to other.example\nresolve ^(.*) using ::1\n");
	judge("www.example.org");
	assert_rewritten("other.example.");
}

static void test_rewrite_to_what_is_no_name_ends_it(void **state)
{
	char name[256];

	(void)state;
	set_rules("rewrite ^a to b\nrewrite ^(.*) to $1.$1\nresolve . using ::1\n");
	for (size_t i = 0; i < 200; i++)
		name[i] = i % 2 ? '.' : 'c';
	name[200] = '\0';
	judge(name);
	assert_outcome(RULESET_BAD_NAME, 0);
	assert_false(verdict.is_rewritten);
	assert_trace(" 2");
	assert_hits(" 0 1 0");
	name[0] = 'a';
	judge(name);
	assert_outcome(RULESET_RESOLVE, 3);
	assert_rewritten("b.b.");
}

/* Patterns that are every name are none: what is left is the ruleset's own. */
static void test_short_rules_take_little_memory(void **state)
{
	static const char line[] = "redirect ^(.*) to x.example if type is TYPE4711\n";
	const size_t count = 10000;
	char *text = malloc(count * strlen(line) + 1), *end = text;
	struct mallinfo2 before, after;
	struct ruleset *many;

	(void)state;
	for (size_t i = 0; i < count; i++)
		end = stpcpy(end, line);
	before = mallinfo2();
	many = ruleset_new(text, NULL, error);
	after = mallinfo2();
	assert_non_null(many);
	assert_int_equal(ruleset_count(many), count);
	assert_string_equal(ruleset_rule(many, 9999)->pattern, "^(.*)");
	assert_int_equal(ruleset_rule(many, 9999)->target_length, 11);
	assert_true(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd < 4 << 20);
	ruleset_free(many);
	free(text);
}

static void test_trace_has_its_limit(void **state)
{
	char text[1024] = "";

	(void)state;
	for (unsigned i = 0; i < RULESET_TRACE_MAX + 4; i++)
		strcat(text, "log .\n");
	strcat(text, "block .\n");
	set_rules(text);
	judge("example");
	assert_outcome(RULESET_BLOCK, RULESET_TRACE_MAX + 5);
	assert_int_equal(verdict.trace_count, RULESET_TRACE_MAX);
	assert_int_equal(verdict.trace[RULESET_TRACE_MAX - 1], RULESET_TRACE_MAX);
	assert_int_equal(hits[RULESET_TRACE_MAX + 3], 1);
}

static void test_patterns_that_take_too_long_are_counted(void **state)
{
	char name[128];

	(void)state;
	set_rules("block ^(a|aa)+$\nresolve . using ::1");
	memset(name, 'a', 63);
	name[63] = '.';
	memset(name + 64, 'a', 63);
	name[127] = '\0';
	assert_int_equal(ruleset_limits_reached(ruleset), 0);
	name[60] = 'c';
	judge(name);
	assert_outcome(RULESET_RESOLVE, 2);
	assert_int_equal(ruleset_limits_reached(ruleset), 1);
}

static void test_servers_and_their_groups_are_there_once(void **state)
{
	char text[UPSTREAM_TEXT_MAX];

	(void)state;
	set_rules("resolve ^a using ::1, ::2\nlog .\nresolve ^b using ::2, ::1\n"
		  "resolve ^c using ::1,::2\nresolve ^d using ordered ::1, ::2\n"
		  "shadow resolve ^e using tcp://[::3]:54\n");
	assert_int_equal(ruleset_upstream_count(ruleset), 3);
	assert_string_equal(upstream_format(ruleset_upstream(ruleset, 0), text), "[::1]:53");
	assert_string_equal(upstream_format(ruleset_upstream(ruleset, 2), text), "tcp://[::3]:54");
	assert_int_equal(ruleset_group_count(ruleset), 4);
	assert_int_equal(ruleset_group_of(ruleset, 0), 0);
	assert_int_equal(ruleset_group_of(ruleset, 2), 1);
	assert_int_equal(ruleset_group_of(ruleset, 3), 0);
	assert_int_equal(ruleset_group_of(ruleset, 4), 2);
	assert_int_equal(ruleset_group_of(ruleset, 5), 3);
	assert_int_equal(ruleset_group(ruleset, 2)->policy, UPSTREAM_ORDERED);
	assert_int_equal(ruleset_group(ruleset, 3)->count, 1);
}

static void assert_wrong(const char *text, const char *expected)
{
	struct ruleset *wrong;

	memset(error, 'x', sizeof(error));
	wrong = ruleset_new(text, lists, error);
	assert_null(wrong);
	if (!strstr(error, expected))
		fail_msg("%s", error);
	assert_true(strlen(error) < sizeof(error));
}

static void test_wrong_rules_are_named(void **state)
{
	static char text[RULE_TEXT_MAX + 100];

	(void)state;
	assert_wrong("log .\n\nBlock ^x\n",
		     "rule 2, \"Block ^x\": keywords are in lower case: write \"block\"");
	assert_wrong("block (x", "rule 1, \"block (x\": (x: missing closing parenthesis at 2");
	assert_wrong("block . if name is in missing",
		     "rule 1, \"block . if name is in missing\": there is no such list of names");
	memset(text, '(', sizeof(text) - 1);
	memcpy(text, "block ", 6);
	assert_wrong(text, "the rule is longer");
	text[4000] = '\0';
	assert_wrong(text, "rule 1, \"block ((((");
	assert_null(ruleset_new("block . if name is in ads", NULL, error));
}

static void test_number_of_rules_has_a_limit(void **state)
{
	char *text = malloc(6 * (RULESET_RULES_MAX + 2)), *end = text;

	(void)state;
	for (unsigned i = 0; i <= RULESET_RULES_MAX; i++, end += 6)
		memcpy(end, "log a\n", 7);
	assert_wrong(text, "more than 65535 rules");
	free(text);
}

/* Each rule by the only name that it matches, with the others around it. */
static void test_many_rules_are_told_apart(void **state)
{
	char text[RULES_MAX * 64] = "", name[64];

	(void)state;
	for (unsigned i = 0; i < RULES_MAX - 1; i++)
		sprintf(text + strlen(text), "block ^(.*)\\.name%u.com%s\n", i,
			i % 2 ? "" : "\\.$");
	strcat(text, "resolve ^(.*) using 192.0.2.1");
	set_rules(text);
	for (unsigned i = 0; i < RULES_MAX - 1; i++) {
		snprintf(name, sizeof(name), "www.name%u.com", i);
		judge(name);
		assert_outcome(RULESET_BLOCK, i + 1);
	}
	judge("www.name.com");
	assert_outcome(RULESET_RESOLVE, RULES_MAX);
}

static int make_lists(void **state)
{
	static const struct hash_key key = {{1, 2}};
	const struct lists_source sources[] = {
		{.name = "ads",
		 .format = LIST_NAMES,
		 .text = {(const uint8_t *)"ads.example\n", 12}},
		{.name = "none",
		 .format = LIST_NAMES,
		 .text = {(const uint8_t *)"none.example\n", 13}},
	};
	struct lists_report reports[2];
	size_t size;

	(void)state;
	lists_memory = lists_compile(sources, 2, &key, reports, &size);
	lists = lists_memory ? lists_open(lists_memory, size) : NULL;
	return lists ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_of_the_readme_do_what_it_says),
		cmocka_unit_test(test_acceptance_list_of_sentry_holds),
		cmocka_unit_test(test_no_rule_decides_nothing),
		cmocka_unit_test(test_names_are_matched_in_any_case_and_escaped),
		cmocka_unit_test(test_printable_octets_are_matched_as_they_are),
		cmocka_unit_test(test_all_conditions_must_hold),
		cmocka_unit_test(test_lists_are_asked_for_each_name),
		cmocka_unit_test(test_allow_leaves_only_resolve),
		cmocka_unit_test(test_shadow_rules_act_on_nothing),
		cmocka_unit_test(test_rules_behind_a_rewrite_see_its_name),
		cmocka_unit_test(test_rewrite_takes_groups_of_everything),
		cmocka_unit_test(test_rewrite_to_what_is_no_name_ends_it),
		cmocka_unit_test(test_short_rules_take_little_memory),
		cmocka_unit_test(test_trace_has_its_limit),
		cmocka_unit_test(test_patterns_that_take_too_long_are_counted),
		cmocka_unit_test(test_servers_and_their_groups_are_there_once),
		cmocka_unit_test(test_wrong_rules_are_named),
		cmocka_unit_test(test_number_of_rules_has_a_limit),
		cmocka_unit_test(test_many_rules_are_told_apart),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_lists, teardown);
}
