/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "rules/rule.h"

static struct rule rule, known;
static char error[RULE_ERROR_MAX];

static void read_rule(const char *text, enum rule_action action, const char *pattern)
{
	if (!rule_parse(text, &rule, error))
		fail_msg("%s: %s", text, error);
	assert_int_equal(rule.action, action);
	assert_string_equal(rule.pattern, pattern);
	assert_true(rule_parse_known(text, &known));
	assert_memory_equal(&known, &rule, sizeof(rule));
}

static void assert_wrong(const char *text, const char *expected)
{
	memset(error, 'x', sizeof(error));
	assert_false(rule_parse(text, &rule, error));
	if (!strstr(error, expected))
		fail_msg("%s: %s", text, error);
	assert_null(strchr(error, '\n'));
}

/* "www.example." for what redirects to a name. */
static void assert_target(const char *expected)
{
	char text[DNS_NAME_TEXT_MAX + 1];

	assert_true(rule.target_length > 0);
	strcpy(text + name_format(rule.target, text), ".");
	assert_string_equal(text, expected);
}

static void assert_addresses(const char *expected)
{
	char found[1024] = "", text[ADDRESS_TEXT_MAX];

	for (uint32_t i = 0; i < rule.address_count; i++)
		sprintf(found + strlen(found), " %s", address_format(&rule.addresses[i], text));
	assert_string_equal(found, expected);
}

static void assert_upstreams(const char *expected)
{
	char found[1024] = "", text[UPSTREAM_TEXT_MAX];

	for (uint32_t i = 0; i < rule.upstreams.count; i++)
		sprintf(found + strlen(found), " %s",
			upstream_format(&rule.upstreams.servers[i], text));
	assert_string_equal(found, expected);
}

/* Every rule of Sentry's README (seed 000). */
static void test_rules_of_the_readme_mean_what_it_says(void **state)
{
	(void)state;
	read_rule("resolve ^(.*) using 8.8.4.4, 8.8.8.8", RULE_RESOLVE, "^(.*)");
	assert_upstreams(" 8.8.4.4:53 8.8.8.8:53");
	assert_int_equal(rule.upstreams.policy, UPSTREAM_PARALLEL);
	read_rule("resolve ^(.*)facebook.com using 10.10.1.2 ", RULE_RESOLVE, "^(.*)facebook.com");
	assert_upstreams(" 10.10.1.2:53");
	read_rule("resolve ^(.*)facebook.com using 10.10.1.2 ,", RULE_RESOLVE, "^(.*)facebook.com");
	assert_upstreams(" 10.10.1.2:53");
	read_rule("redirect ^(.*)nytimes.com to google.com", RULE_REDIRECT, "^(.*)nytimes.com");
	assert_target("google.com.");
	read_rule("redirect ^(.*)reddit.com to google.com", RULE_REDIRECT, "^(.*)reddit.com");
	read_rule("log ^(.*)google.com", RULE_LOG, "^(.*)google.com");
	read_rule("rewrite ^www.google.com to google.com", RULE_REWRITE, "^www.google.com");
	assert_string_equal(rule.template, "google.com");
	read_rule("block ^(.*)youtube.com", RULE_BLOCK, "^(.*)youtube.com");
	read_rule("block ^(.*).xxx", RULE_BLOCK, "^(.*).xxx");
	assert_int_equal(rule.block, BLOCK_EMPTY);
	assert_false(rule.has_condition);
	read_rule("block ^(.*)youtube.com if type is MX", RULE_BLOCK, "^(.*)youtube.com");
	assert_true(rule.has_condition && rule.has_type && !rule.has_class);
	assert_int_equal(rule.type, 15);
	read_rule("block ^(.*).google.com if type is MX", RULE_BLOCK, "^(.*).google.com");
	read_rule("block ^(.*).google.com if type is MX and class is IN", RULE_BLOCK,
		  "^(.*).google.com");
	assert_true(rule.has_type && rule.has_class);
	assert_int_equal(rule.class, 1);
	read_rule("block ^(.*).google.com if class is IN", RULE_BLOCK, "^(.*).google.com");
	assert_true(!rule.has_type && rule.has_class);
}

/* spec/sentry.md 8 and 9 */
static void test_rules_of_the_specification_are_read(void **state)
{
	(void)state;
	read_rule("block ^(.*).xxx if type is TXT", RULE_BLOCK, "^(.*).xxx");
	read_rule("block ^(.*).edu if type is MX and class is ANY", RULE_BLOCK, "^(.*).edu");
	assert_int_equal(rule.class, 255);
	read_rule("block ^(.*)porn|foo|bar(.*).(.*)", RULE_BLOCK, "^(.*)porn|foo|bar(.*).(.*)");
	read_rule("block ^(?!www).*", RULE_BLOCK, "^(?!www).*");
	read_rule("block ^a|b if type is mx", RULE_BLOCK, "^a|b");
	read_rule("block  ^a \t", RULE_BLOCK, "^a");
	read_rule("block ^a if type is TYPE65280 and class is CLASS7", RULE_BLOCK, "^a");
	assert_int_equal(rule.type, 65280);
	assert_int_equal(rule.class, 7);
}

static void test_last_divider_divides(void **state)
{
	(void)state;
	read_rule("redirect a to b to c", RULE_REDIRECT, "a to b");
	assert_target("c.");
	read_rule("resolve a using b using ::1", RULE_RESOLVE, "a using b");
	read_rule("block a with b with drop", RULE_BLOCK, "a with b");
	read_rule("log a to b with c using d", RULE_LOG, "a to b with c using d");
	read_rule("block what if it works", RULE_BLOCK, "what if it works");
}

static void test_block_answers_in_several_ways(void **state)
{
	(void)state;
	read_rule("block ^x with nxdomain", RULE_BLOCK, "^x");
	assert_int_equal(rule.block, BLOCK_NXDOMAIN);
	read_rule("block ^x with refused", RULE_BLOCK, "^x");
	assert_int_equal(rule.block, BLOCK_REFUSED);
	read_rule("block ^x with drop if type is ANY", RULE_BLOCK, "^x");
	assert_int_equal(rule.block, BLOCK_DROP);
	assert_true(rule.has_type);
	read_rule("block ^x with 0.0.0.0, ::", RULE_BLOCK, "^x");
	assert_int_equal(rule.block, BLOCK_ADDRESSES);
	assert_addresses(" 0.0.0.0 ::");
	assert_wrong("block ^x with NXDOMAIN", "\"NXDOMAIN\" is no address: behind \"with\"");
	assert_wrong("block ^x with 0.0.0.0, drop", "\"drop\" is no address");
	assert_wrong("block ^x with ,", "\"\" is no address");
}

static void test_redirect_goes_to_a_name_or_addresses(void **state)
{
	(void)state;
	read_rule("redirect ^x to WWW.example.", RULE_REDIRECT, "^x");
	assert_target("WWW.example.");
	assert_int_equal(rule.address_count, 0);
	read_rule("redirect ^x to 192.0.2.1", RULE_REDIRECT, "^x");
	assert_addresses(" 192.0.2.1");
	assert_int_equal(rule.target_length, 0);
	read_rule("redirect ^x to 192.0.2.1 ,2001:db8::1,", RULE_REDIRECT, "^x");
	assert_addresses(" 192.0.2.1 2001:db8::1");
	read_rule("redirect ^x to 192.0.2.1.", RULE_REDIRECT, "^x");
	assert_target("192.0.2.1.");
	assert_wrong("redirect ^x to a..b", "\"a..b\" is neither a name nor addresses");
	assert_wrong("redirect ^x to 1.2.3.400", "\"1.2.3.400\" is no address, and no name");
	assert_wrong("redirect ^x to 1.2.3.4:53", "\"1.2.3.4:53\" is no address, and no name");
	assert_wrong("redirect ^x to [::1]:53", "\"[::1]:53\" is no address, and no name");
	assert_wrong("redirect ^x to a.7", "\"a.7\" is no address, and no name");
	assert_wrong("block ^x with 1.2.3.400", "\"1.2.3.400\" is no address");
	read_rule("redirect ^x to 1.0/25.2.in-addr.arpa", RULE_REDIRECT, "^x");
	read_rule("redirect ^x to 9.x9", RULE_REDIRECT, "^x");
	read_rule("redirect ^x to .", RULE_REDIRECT, "^x");
	assert_wrong("redirect ^x to a b", "\"a b\" is neither a name nor addresses");
	assert_wrong("redirect ^x to 192.0.2.1, example.com", "\"example.com\" is no address");
	assert_wrong("redirect ^x to 1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4,5.5.5.5,6.6.6.6,7.7.7.7,"
		     "8.8.8.8,9.9.9.9,::a,::b,::c,::d,::e,::f,::10,::11",
		     "more than 16 addresses");
}

static void test_rewrite_has_the_groups_of_its_pattern(void **state)
{
	(void)state;
	read_rule("rewrite ^(.*)\\.a\\.(b|c)\\. to $1.$2.example if client is ::1", RULE_REWRITE,
		  "^(.*)\\.a\\.(b|c)\\.");
	assert_string_equal(rule.template, "$1.$2.example");
	assert_true(rule.has_client);
	assert_wrong("rewrite ^(.*)a to $2.example", "$2: the pattern has 1 group");
	assert_wrong("rewrite ^(.*)a to $.example", "behind $");
	assert_wrong("rewrite ^(.*)a to a..b", "\"a..b\" is no name");
}

static void test_conditions_stand_at_the_end_of_every_verb(void **state)
{
	(void)state;
	read_rule(
		"log ^x if name is in ads and client is 192.0.2.0/24 and class is CH and type is A",
		RULE_LOG, "^x");
	assert_true(rule.has_condition && rule.has_type && rule.has_class && rule.has_client);
	assert_string_equal(rule.list, "ads");
	assert_string_equal(rule.client, "192.0.2.0/24");
	read_rule("allow ^x if name is in my-list.txt", RULE_ALLOW, "^x");
	assert_string_equal(rule.list, "my-list.txt");
	read_rule("redirect ^x to y if type is A", RULE_REDIRECT, "^x");
	assert_target("y.");
	read_rule("resolve ^x using ordered 192.0.2.1, 192.0.2.2 if client is 2001:db8::/32 ",
		  RULE_RESOLVE, "^x");
	assert_upstreams(" 192.0.2.1:53 192.0.2.2:53");
	assert_int_equal(rule.upstreams.policy, UPSTREAM_ORDERED);
	assert_string_equal(rule.client, "2001:db8::/32");
}

static void test_wrong_conditions_are_told(void **state)
{
	(void)state;
	assert_wrong("block ^x if type is NOTYPE", "\"NOTYPE\" is no type");
	assert_wrong("block ^x if class is A", "\"A\" is no class");
	assert_wrong("block ^x if client is 192.0.2.0/33", "\"192.0.2.0/33\" is no prefix");
	assert_wrong("block ^x if client is", "\"\" is no prefix");
	assert_wrong("block ^x if name is in", "\"\" is no name of a list");
	assert_wrong("block ^x if type is A and type is AAAA", "\"type is\" is given twice");
	assert_wrong("block ^x if class is IN and class is IN", "\"class is\" is given twice");
	assert_wrong("block ^x if client is ::1 and client is ::1", "given twice");
	assert_wrong("block ^x if name is in a and name is in b", "given twice");
	assert_wrong("block ^x if type is A class is IN",
		     "\"A class is IN\" is more than one word: \"and\" stands between");
	assert_wrong("block ^x if type is A if class is IN", "more than one word");
	assert_wrong("block ^x if type is A and", "\"A and\" is more than one word");
	assert_wrong("block ^x if type", "\"type\" is no condition: write type is TYPE");
	assert_wrong("block ^x if typo is A", "\"typo is A\" is no condition");
	assert_wrong("block ^x if name is not in a", "\"name is not in a\" is no condition");
	assert_wrong("block ^x if type isA", "\"type isA\" is no condition");
	assert_wrong("block ^x if Type is A", "\"Type is A\" is no condition");
	assert_wrong("block ^x if type is A or class is IN", "more than one word");
	assert_wrong("block ^x IF type is A", "keywords are in lower case: write \"if\"");
	assert_wrong("block ^x if type is A and  and class is IN", "\"\" is no condition");
}

static void test_lengths_of_conditions_have_limits(void **state)
{
	char text[200];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "log ^x if name is in ", 21);
	text[21 + RULE_WORD_MAX - 1] = '\0';
	read_rule(text, RULE_LOG, "^x");
	text[21 + RULE_WORD_MAX - 1] = 'a';
	text[21 + RULE_WORD_MAX] = '\0';
	assert_wrong(text, "is no name of a list");
}

static void test_shadow_stands_before_the_verb(void **state)
{
	(void)state;
	read_rule("shadow block ^x with drop if type is A", RULE_BLOCK, "^x");
	assert_true(rule.is_shadow && rule.has_type);
	read_rule("block shadow ^x", RULE_BLOCK, "shadow ^x");
	assert_false(rule.is_shadow);
	assert_wrong("shadow", "\"shadow\" stands once");
	assert_wrong("shadow shadow block ^x", "\"shadow\" stands once");
	assert_wrong("Shadow block ^x", "\"shadow\" stands once, in lower case");
}

static void test_what_sentry_ignores_is_told(void **state)
{
	(void)state;
	assert_wrong("Block ^x", "keywords are in lower case: write \"block\"");
	assert_wrong(" block ^x", "a blank stands before the rule");
	assert_wrong("\tblock ^x", "a blank stands before the rule");
	assert_wrong("# block ^x", "\"#\" is no verb");
	assert_wrong("blocks ^x", "\"blocks\" is no verb: a rule begins with log, block,");
	assert_wrong("^(.*).xxx", "is no verb");
	assert_wrong("", "the rule is empty");
	assert_wrong(" \r\n", "the rule is empty");
	assert_wrong("redirect ^x", "\" to \" is missing: redirect PATTERN to NAME");
	assert_wrong("redirect ^x to ", "\" to \" is missing");
	assert_wrong("rewrite ^x", "\" to \" is missing: rewrite PATTERN to NAME");
	assert_wrong("resolve ^x", "\" using \" is missing: resolve PATTERN using SERVER");
	assert_wrong("resolve ^x Using ::1", "\" using \" is missing");
}

static void test_wrong_fields_are_told(void **state)
{
	(void)state;
	assert_wrong("block (x", "(x: missing closing parenthesis at 2");
	assert_wrong("block ", "the pattern is missing: \"^(.*)\" is every name");
	assert_wrong("resolve using ::1", "the pattern is missing");
	assert_wrong("log if type is A", "the pattern is missing");
	assert_wrong("resolve ^x using tls://192.0.2.1", "not there yet");
	assert_wrong("resolve ^x using dns.example", "dns.example is no server");
}

static void test_long_rules_have_a_limit(void **state)
{
	static char text[2 * RULE_TEXT_MAX];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "block ", 6);
	assert_wrong(text, "the rule is longer than 4095 octets");
	text[RULE_TEXT_MAX - 1] = '\0';
	read_rule(text, RULE_BLOCK, text + 6);
	memcpy(text, "block (", 7);
	assert_wrong(text, "missing closing parenthesis");
	memcpy(text, "rewrite a to", 12);
	memcpy(text + 12, " aa", 3);
	assert_wrong(text, "is no name");
	memcpy(text, "resolve a using ", 16);
	assert_wrong(text, "is no server");
	memcpy(text, "blockaaaaaaaaaaa", 16);
	assert_wrong(text, "is no verb");
}

static void test_actions_and_classes_have_their_names(void **state)
{
	static const char *const rules[][2] = {
		{"log x", "<class 'sentry.rules.LoggingRule'>"},
		{"block x", "<class 'sentry.rules.BlockRule'>"},
		{"block x if type is A", "<class 'sentry.rules.ConditionalBlockRule'>"},
		{"redirect x to y", "<class 'sentry.rules.RedirectRule'>"},
		{"redirect x to y if type is A", "<class 'sentry.rules.RedirectRule'>"},
		{"rewrite x to y", "<class 'sentry.rules.RewriteRule'>"},
		{"resolve x using ::1", "<class 'sentry.rules.ResolveRule'>"},
		{"allow x", "<class 'sentry.rules.AllowRule'>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		assert_true(rule_parse(rules[i][0], &rule, error));
		assert_string_equal(rule_class_name(&rule), rules[i][1]);
		assert_memory_equal(rule_action_name(rule.action), rules[i][0],
				    strlen(rule_action_name(rule.action)));
	}
}

static void test_a_known_rule_is_read_without_its_pattern(void **state)
{
	(void)state;
	assert_false(rule_parse("rewrite ( to $9", &rule, error));
	assert_true(rule_parse_known("rewrite ( to $9", &rule));
	assert_string_equal(rule.template, "$9");
	assert_false(rule_parse_known("rewrite x", &rule));
	assert_false(rule_parse_known("", &rule));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_of_the_readme_mean_what_it_says),
		cmocka_unit_test(test_rules_of_the_specification_are_read),
		cmocka_unit_test(test_last_divider_divides),
		cmocka_unit_test(test_block_answers_in_several_ways),
		cmocka_unit_test(test_redirect_goes_to_a_name_or_addresses),
		cmocka_unit_test(test_rewrite_has_the_groups_of_its_pattern),
		cmocka_unit_test(test_conditions_stand_at_the_end_of_every_verb),
		cmocka_unit_test(test_wrong_conditions_are_told),
		cmocka_unit_test(test_lengths_of_conditions_have_limits),
		cmocka_unit_test(test_shadow_stands_before_the_verb),
		cmocka_unit_test(test_what_sentry_ignores_is_told),
		cmocka_unit_test(test_wrong_fields_are_told),
		cmocka_unit_test(test_long_rules_have_a_limit),
		cmocka_unit_test(test_a_known_rule_is_read_without_its_pattern),
		cmocka_unit_test(test_actions_and_classes_have_their_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
