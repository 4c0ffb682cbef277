/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"
#include "rules/filter.h"

#define MS 1000000

static const struct hash_key key = {{3, 4}};
static struct event event;
static uint8_t qname[DNS_NAME_MAX];
static char error[FILTER_ERROR_MAX];

static struct filter_conditions no_conditions(void)
{
	return (struct filter_conditions){
		.names = "",
		.name_regexes = "",
		.clients = "",
		.servers = "",
		.types = "",
		.rcodes = "",
		.identities = "",
		.verdicts = "",
		.messages = "",
		.latency_ms_least = -1,
		.latency_ms_most = -1,
	};
}

static struct slice text_slice(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

static void ask(const char *name)
{
	uint8_t length;

	assert_true(name_parse(name, qname, &length));
	event.qname = (struct slice){qname, length};
}

/* An answer that each test changes. */
static int setup(void **state)
{
	(void)state;
	event = (struct event){
		.latency_ns = 5 * MS,
		.query_address = {{192, 0, 2, 1}, 4},
		.response_address = {{0x20, 1, 0xd, 0xb8, [15] = 0x53}, 6},
		.rcode = 3,
		.type = 28,
		.class = 1,
		.kind = EVENT_CLIENT_RESPONSE,
		.protocol = EVENT_UDP,
		.verdict = EVENT_BLOCKED,
		.identity = text_slice("resolver-1"),
	};
	ask("www.Example.org");
	return 0;
}

static bool is_match(const struct filter_conditions *conditions)
{
	struct event_filter *filter = event_filter_new(conditions, &key, error);
	bool is_matched;

	if (!filter)
		print_error("%s\n", error);
	assert_non_null(filter);
	is_matched = event_filter_match(filter, &event);
	event_filter_free(filter);
	return is_matched;
}

#define MATCHES(member, value)                                          \
	({                                                              \
		struct filter_conditions conditions_ = no_conditions(); \
		conditions_.member = (value);                           \
		is_match(&conditions_);                                 \
	})

static void test_filter_without_conditions_matches_everything(void **state)
{
	struct filter_conditions conditions = no_conditions();

	(void)state;
	assert_true(is_match(&conditions));
	event = (struct event){.kind = EVENT_AUTH_QUERY, .protocol = EVENT_UDP};
	assert_true(is_match(&conditions));
}

static void test_names_are_suffixes(void **state)
{
	(void)state;
	assert_true(MATCHES(names, "example.ORG."));
	assert_true(MATCHES(names, "net\nexample.org"));
	assert_false(MATCHES(names, "net\nexample.com"));
	assert_true(MATCHES(names, "."));
	event.qname.length = EVENT_NO_QUESTION;
	assert_false(MATCHES(names, "example.org"));
	assert_true(MATCHES(names, "."));
}

static void test_a_list_is_one_of_those_that_were_compiled(void **state)
{
	const struct lists_source source = {
		.name = "ads", .format = LIST_NAMES, .text = text_slice("example.org\n")};
	struct filter_conditions conditions = no_conditions();
	struct lists_report report;
	size_t size;
	void *memory = lists_compile(&source, 1, &key, &report, &size);

	(void)state;
	assert_non_null(memory);
	conditions.lists = lists_open(memory, size);
	conditions.list = "ads";
	assert_true(is_match(&conditions));
	conditions.list = "others";
	assert_false(is_match(&conditions));
	conditions.list = "ads";
	ask("example.net");
	assert_false(is_match(&conditions));
	event.qname.length = EVENT_NO_QUESTION;
	assert_false(is_match(&conditions));
	conditions.lists = NULL;
	assert_false(is_match(&conditions));
	free(memory);
}

static void test_names_of_a_file_are_more_of_them(void **state)
{
	struct filter_conditions conditions = no_conditions();

	(void)state;
	assert_true(MATCHES(name_file, text_slice("# all\r\nexample.org\r\n")));
	assert_false(MATCHES(name_file, text_slice("example.net\n")));
	assert_false(MATCHES(name_file, text_slice("")));
	conditions.names = "example.net";
	conditions.name_file = text_slice("example.org");
	assert_true(is_match(&conditions));
	ask("example.net");
	assert_true(is_match(&conditions));
	ask("example.com");
	assert_false(is_match(&conditions));
}

static void test_name_patterns_see_the_absolute_name(void **state)
{
	(void)state;
	assert_true(MATCHES(name_regexes, "^www\\.example\\.org\\.$"));
	assert_true(MATCHES(name_regexes, "nothing\nORG$"));
	assert_false(MATCHES(name_regexes, "^example"));
	ask(".");
	assert_true(MATCHES(name_regexes, "^\\.$"));
	event.qname.length = EVENT_NO_QUESTION;
	assert_false(MATCHES(name_regexes, ".*"));
}

static void test_name_patterns_see_hostile_octets_escaped(void **state)
{
	uint8_t wire[] = {3, 'a', 0, 'b', 0};
	char pattern[64];

	(void)state;
	event.qname = (struct slice){wire, sizeof(wire)};
	for (unsigned octet = 0; octet < 256; octet++) {
		char text[8] = "";

		wire[2] = (uint8_t)octet;
		name_format_octet((uint8_t)octet, text);
		snprintf(pattern, sizeof(pattern), "^a\\Q%s\\Eb\\.$", text);
		if (octet != '\\')
			assert_true(MATCHES(name_regexes, pattern));
		assert_true(MATCHES(name_regexes, "^a[\\x21-\\x7e]{1,4}b\\.$"));
	}
}

static void test_addresses_are_of_client_and_server(void **state)
{
	(void)state;
	assert_true(MATCHES(clients, "10.0.0.0/8\n192.0.2.0/24"));
	assert_false(MATCHES(clients, "10.0.0.0/8\n2001:db8::/32"));
	assert_true(MATCHES(servers, "2001:db8::53"));
	assert_false(MATCHES(servers, "192.0.2.0/24"));
	event.query_address = (struct address){{0}, 0};
	assert_false(MATCHES(clients, "0.0.0.0/0\n::/0"));
}

static void test_types_and_response_codes_are_numbers_or_names(void **state)
{
	(void)state;
	assert_true(MATCHES(types, "A\naaaa"));
	assert_true(MATCHES(types, "28"));
	assert_false(MATCHES(types, "A\nTYPE29"));
	event.type = 65535;
	assert_true(MATCHES(types, "TYPE65535"));
	assert_true(MATCHES(rcodes, "nxdomain"));
	assert_true(MATCHES(rcodes, "0\n3"));
	assert_false(MATCHES(rcodes, "NOERROR"));
	event.rcode = 4095;
	assert_true(MATCHES(rcodes, "4095"));
	event.rcode = 65535;
	assert_false(MATCHES(rcodes, "4095"));
}

static void test_identities_are_anchored_at_the_start(void **state)
{
	(void)state;
	assert_true(MATCHES(identities, "res"));
	assert_true(MATCHES(identities, "a\nRESOLVER-[0-9]$"));
	assert_false(MATCHES(identities, "solver"));
	event.identity.length = 0;
	assert_true(MATCHES(identities, "-$"));
	assert_false(MATCHES(identities, "res"));
}

static void test_verdicts_are_words(void **state)
{
	(void)state;
	assert_true(MATCHES(verdicts, "allowed\nBlocked"));
	assert_false(MATCHES(verdicts, "allowed\nrefused"));
	event.verdict = EVENT_NOT_JUDGED;
	assert_false(MATCHES(verdicts, "allowed\nlogged\nblocked\nredirected\nrewritten\nresolved\n"
				       "refused"));
}

static void test_messages_are_kinds_or_directions(void **state)
{
	(void)state;
	assert_true(MATCHES(messages, "response"));
	assert_false(MATCHES(messages, "QUERY"));
	assert_true(MATCHES(messages, "query\nClient_Response"));
	assert_false(MATCHES(messages, "auth_response"));
	for (event.kind = 1; event.kind < EVENT_KIND_END; event.kind++) {
		assert_int_equal(MATCHES(messages, "query"), event_is_query(&event));
		assert_int_equal(MATCHES(messages, "response"), !event_is_query(&event));
		assert_true(MATCHES(messages, event_kind_name(event.kind)));
	}
}

static void test_latency_is_within_its_bounds(void **state)
{
	(void)state;
	assert_true(MATCHES(latency_ms_least, 5));
	assert_false(MATCHES(latency_ms_least, 5.001));
	assert_true(MATCHES(latency_ms_most, 5));
	assert_false(MATCHES(latency_ms_most, 4.999));
	assert_true(MATCHES(latency_ms_least, 0));
	assert_true(MATCHES(latency_ms_most, 1e300));
	assert_false(MATCHES(latency_ms_least, INFINITY));
	event.latency_ns = EVENT_NO_LATENCY;
	assert_false(MATCHES(latency_ms_least, 0));
	assert_false(MATCHES(latency_ms_most, 1e300));
	event.latency_ns = 0;
	assert_true(MATCHES(latency_ms_most, 0));
}

/* All conditions hold; each alone is then made one that does not. */
static void test_all_conditions_must_hold(void **state)
{
	struct filter_conditions all = {
		.names = "org",
		.name_file = text_slice("net"),
		.name_regexes = "example",
		.clients = "192.0.2.0/24",
		.servers = "2001:db8::/32",
		.types = "AAAA",
		.rcodes = "NXDOMAIN",
		.identities = "resolver",
		.verdicts = "blocked",
		.messages = "response",
		.latency_ms_least = 1,
		.latency_ms_most = 10,
	};
	struct filter_conditions one;

	(void)state;
	assert_true(is_match(&all));
#define FAILS(member, value)                  \
	do {                                  \
		one = all;                    \
		one.member = value;           \
		assert_false(is_match(&one)); \
	} while (0)
	FAILS(names, "com");
	FAILS(name_regexes, "exampel");
	FAILS(clients, "192.0.3.0/24");
	FAILS(servers, "2001:db9::/32");
	FAILS(types, "A");
	FAILS(rcodes, "NOERROR");
	FAILS(identities, "solver");
	FAILS(verdicts, "allowed");
	FAILS(messages, "query");
	FAILS(latency_ms_least, 6);
	FAILS(latency_ms_most, 4);
}

#define ASSERT_WRONG(member, value, expected)                             \
	do {                                                              \
		struct filter_conditions conditions_ = no_conditions();   \
		conditions_.member = (value);                             \
		assert_null(event_filter_new(&conditions_, &key, error)); \
		assert_string_equal(error, expected);                     \
	} while (0)

static void test_wrong_conditions_are_told(void **state)
{
	(void)state;
	ASSERT_WRONG(names, "org\na..b", "name: a..b is no name");
	ASSERT_WRONG(name_file, text_slice("org\n\n*.b. c\n"),
		     "name-file: line 3: *.b.\\032c is no name");
	ASSERT_WRONG(name_regexes, "a\n(abc.de",
		     "name-regex: (abc.de: missing closing parenthesis at 7");
	ASSERT_WRONG(clients, "10.0.0.0/33", "client: 10.0.0.0/33 is no prefix");
	ASSERT_WRONG(servers, "::1\nhost", "server: host is no prefix");
	ASSERT_WRONG(types, "A\nB", "type: B is no type: write a name such as AAAA, or a number");
	ASSERT_WRONG(rcodes, "OK",
		     "rcode: OK is no response code: write a name such as NXDOMAIN, or a number");
	ASSERT_WRONG(identities, "[",
		     "identity: [: missing terminating ] for character class at 1");
	ASSERT_WRONG(verdicts, "guilty", "verdict: guilty is no verdict such as blocked or logged");
	ASSERT_WRONG(verdicts, "-", "verdict: - is no verdict such as blocked or logged");
	ASSERT_WRONG(messages, "answer",
		     "message: answer is no kind of message: write query, response or a kind such "
		     "as CLIENT_QUERY");
	ASSERT_WRONG(latency_ms_least, NAN, "latency-at-least: no number");
}

static void test_latency_from_more_to_less_is_told(void **state)
{
	struct filter_conditions conditions = no_conditions();

	(void)state;
	conditions.latency_ms_least = 5;
	conditions.latency_ms_most = 2.5;
	assert_null(event_filter_new(&conditions, &key, error));
	assert_string_equal(error, "latency-at-least: 5 is more than latency-at-most, 2.5");
}

static void test_long_elements_fit_into_the_error(void **state)
{
	char text[2048];

	(void)state;
	memset(text, '(', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 6; i++) {
		struct filter_conditions conditions = no_conditions();
		const char **lists[] = {&conditions.names,	&conditions.name_regexes,
					&conditions.clients,	&conditions.types,
					&conditions.identities, &conditions.messages};

		*lists[i] = text;
		assert_null(event_filter_new(&conditions, &key, error));
		assert_true(strlen(error) < sizeof(error));
		assert_null(strchr(error, '\n'));
	}
}

static void test_given_up_matches_are_counted(void **state)
{
	struct filter_conditions conditions = no_conditions();
	struct event_filter *filter;

	(void)state;
	conditions.name_regexes = "^(a|aa)+$";
	filter = event_filter_new(&conditions, &key, error);
	assert_int_equal(event_filter_limits_reached(filter), 0);
	ask("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
	assert_false(event_filter_match(filter, &event));
	assert_int_equal(event_filter_limits_reached(filter), 1);
	event_filter_free(filter);
	conditions.name_regexes = "";
	filter = event_filter_new(&conditions, &key, error);
	assert_int_equal(event_filter_limits_reached(filter), 0);
	event_filter_free(filter);
}

#define TEST(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_filter_without_conditions_matches_everything),
		TEST(test_names_are_suffixes),
		TEST(test_a_list_is_one_of_those_that_were_compiled),
		TEST(test_names_of_a_file_are_more_of_them),
		TEST(test_name_patterns_see_the_absolute_name),
		TEST(test_name_patterns_see_hostile_octets_escaped),
		TEST(test_addresses_are_of_client_and_server),
		TEST(test_types_and_response_codes_are_numbers_or_names),
		TEST(test_identities_are_anchored_at_the_start),
		TEST(test_verdicts_are_words),
		TEST(test_messages_are_kinds_or_directions),
		TEST(test_latency_is_within_its_bounds),
		TEST(test_all_conditions_must_hold),
		TEST(test_wrong_conditions_are_told),
		TEST(test_latency_from_more_to_less_is_told),
		TEST(test_long_elements_fit_into_the_error),
		TEST(test_given_up_matches_are_counted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
