/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "aggregator/outputs/format.h"
#include "base/clock.h"
#include "config/config.h"
#include "config/fields.h"
#include "dns/name.h"
#include "tests/lib/dns_build.h"

static char out[FORMAT_RECORD_MAX + 1];
static uint8_t wire[DNS_NAME_MAX];

static struct slice name_of(const char *text)
{
	uint8_t length;

	assert_true(name_parse(text, wire, &length));
	return (struct slice){wire, length};
}

static struct slice slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* The second example of spec 5.1, as far as it is known. */
static struct event make_event(void)
{
	struct event event = {
		.time_ns = 1600282313591736000,
		.latency_ns = 48 * NANOSECONDS_PER_MILLISECOND,
		.id = 4711,
		.flags = 0x8180,
		.type = 1,
		.class = 1,
		.kind = EVENT_CLIENT_RESPONSE,
		.protocol = EVENT_UDP,
		.length = 59,
		.qname = name_of("ns2.google.com"),
		.identity = slice_of("lb2"),
	};

	return event;
}

static void set_addresses(struct event *event)
{
	assert_true(address_parse("2001:db8::7", &event->query_address));
	assert_true(address_parse("2001:db8::", &event->response_address));
	event->query_port = 40000;
	event->response_port = 53;
}

static const char *format_place(enum output_format kind, const char *fields,
				const struct event *event, const struct geoip_place *place)
{
	struct suffixes *suffixes = suffixes_new(slice_of("com\n"));
	char error[CONFIG_ERROR_MAX];
	struct format *format = format_new(kind, fields, place != NULL, suffixes, error);

	assert_non_null(format);
	out[format_event(format, event, place, out)] = '\0';
	format_free(format);
	suffixes_free(suffixes);
	return out;
}

static const char *format(enum output_format kind, const char *fields, const struct event *event)
{
	return format_place(kind, fields, event, NULL);
}

static void test_text_is_that_of_the_spec(void **state)
{
	struct event event = make_event();

	(void)state;
	assert_string_equal(format(OUTPUT_TEXT, "", &event),
			    "2020-09-16T18:51:53.591736+00:00 lb2 CLIENT_RESPONSE NOERROR - - INET "
			    "UDP 59b ns2.google.com. A 0.048\n");
	event.time_ns = 1600282313000000000;
	event.latency_ns = EVENT_NO_LATENCY;
	event.kind = EVENT_CLIENT_QUERY;
	event.length = 43;
	set_addresses(&event);
	assert_string_equal(format(OUTPUT_TEXT, "", &event),
			    "2020-09-16T18:51:53+00:00 lb2 CLIENT_QUERY NOERROR 2001:db8::7 40000 "
			    "INET6 UDP 43b ns2.google.com. A -\n");
}

static void test_json_is_that_of_the_spec(void **state)
{
	struct event event = make_event();

	(void)state;
	set_addresses(&event);
	assert_string_equal(
		format(OUTPUT_JSON, "", &event),
		"{\"identity\": \"lb2\", \"qname\": \"ns2.google.com.\", \"rrtype\": \"A\", "
		"\"query-ip\": \"2001:db8::7\", \"query-port\": 40000, \"response-ip\": "
		"\"2001:db8::\", \"response-port\": 53, \"latency\": 0.048, \"message\": "
		"\"CLIENT_RESPONSE\", \"family\": \"INET6\", \"protocol\": \"UDP\", \"length\": "
		"59, "
		"\"timestamp\": 1600282313.591736, \"type\": \"response\", \"rcode\": \"NOERROR\", "
		"\"id\": 4711, \"datetime\": \"2020-09-16T18:51:53.591736+00:00\"}\n");
}

static void test_yaml_is_that_of_the_spec(void **state)
{
	struct event event = make_event();

	(void)state;
	set_addresses(&event);
	event.query_port = 0;
	assert_string_equal(format(OUTPUT_YAML, "", &event),
			    "datetime: '2020-09-16T18:51:53.591736+00:00'\n"
			    "family: INET6\n"
			    "id: 4711\n"
			    "identity: lb2\n"
			    "latency: 0.048\n"
			    "length: 59\n"
			    "message: CLIENT_RESPONSE\n"
			    "protocol: UDP\n"
			    "qname: ns2.google.com.\n"
			    "query-ip: 2001:db8::7\n"
			    "query-port: '-'\n"
			    "rcode: NOERROR\n"
			    "response-ip: '2001:db8::'\n"
			    "response-port: 53\n"
			    "rrtype: A\n"
			    "timestamp: 1600282313.591736\n"
			    "type: response\n"
			    "\n");
}

static void test_what_is_not_known_is_a_hyphen(void **state)
{
	struct event event = make_event();

	(void)state;
	event.latency_ns = EVENT_NO_LATENCY;
	event.qname = event.identity = (struct slice){NULL, 0};
	assert_string_equal(
		format(OUTPUT_JSON, "identity\nqname\nrrtype\nquery-ip\nquery-port\nlatency\nrule",
		       &event),
		"{\"identity\": \"-\", \"qname\": \"-\", \"rrtype\": \"-\", \"query-ip\": \"-\", "
		"\"query-port\": \"-\", \"latency\": \"-\", \"rule\": \"-\"}\n");
	assert_string_equal(format(OUTPUT_TEXT, "qname\nrrtype\nclass\nverdict\ncity\necs", &event),
			    "- - - - - -\n");
	assert_string_equal(format(OUTPUT_YAML, "qname\nquery-ip\nas-number", &event),
			    "as-number: '-'\nqname: '-'\nquery-ip: '-'\n\n");
}

static void test_chosen_fields_come_in_their_order(void **state)
{
	struct event event = make_event();

	(void)state;
	set_addresses(&event);
	event.flags = 0x8400 | 5 << 11;
	event.latency_ns = 47600;
	event.rule = 7;
	event.verdict = EVENT_BLOCKED;
	event.rcode = 22;
	event.type = 65280;
	assert_string_equal(
		format(OUTPUT_TEXT,
		       "id\nqr\naa\ntc\nrd\nra\nad\ncd\nopcode\nclass\nrule\nverdict\n"
		       "latency-us\nlatency\ntimestamp-ns\nlength\nrcode\nrrtype\nunanswered",
		       &event),
		"4711 1 1 0 0 0 0 0 5 IN 7 blocked 48 0.0 1600282313591736000 59b BADTRUNC "
		"TYPE65280 0\n");
	assert_string_equal(format(OUTPUT_TEXT, "src-ip\nsrc-port\ndst-ip\ndst-port", &event),
			    "2001:db8:: 53 2001:db8::7 40000\n");
	event.kind = EVENT_CLIENT_QUERY;
	assert_string_equal(format(OUTPUT_JSON, "src-ip\nregistered-domain", &event),
			    "{\"src-ip\": \"2001:db8::7\", \"registered-domain\": "
			    "\"google.com.\"}\n");
}

static void test_unanswered_query_says_timeout(void **state)
{
	struct event event = make_event();

	(void)state;
	event.kind = EVENT_CLIENT_QUERY;
	event.is_unanswered = true;
	event.latency_ns = 5 * NANOSECONDS_PER_SECOND;
	assert_string_equal(format(OUTPUT_TEXT, "message\nrcode\nlatency\nunanswered", &event),
			    "CLIENT_QUERY TIMEOUT 5.0 1\n");
}

static void test_places_are_escaped_as_the_format_needs(void **state)
{
	struct geoip_place place = {"Deutschland", "M\xc3\xbcnchen \xf0\x9f\x98\x80", "-", 64496};
	struct event event = make_event();

	(void)state;
	assert_non_null(strstr(format_place(OUTPUT_TEXT, "", &event, &place),
			       " 0.048 Deutschland M\\195\\188nchen\\032\\240\\159\\152\\128\n"));
	assert_non_null(strstr(format_place(OUTPUT_JSON, "", &event, &place),
			       "\"id\": 4711, \"country\": \"Deutschland\", \"city\": "
			       "\"M\\u00fcnchen \\ud83d\\ude00\", \"datetime\""));
	assert_string_equal(
		format_place(OUTPUT_YAML, "city\nas-number\nas-name", &event, &place),
		"as-name: '-'\nas-number: 64496\ncity: \"M\\xFCnchen \\U0001F600\"\n\n");
}

static void test_client_subnet_is_read_from_the_message(void **state)
{
	static const uint8_t option[] = {0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100};
	struct event event = make_event();
	struct dns_build build;

	(void)state;
	dns_build_start(&build, 1, 0x0100);
	dns_build_question(&build, "example.com", 1);
	dns_build_section(&build, DNS_ADDITIONAL);
	dns_build_record(&build, ".", 41, option, sizeof(option));
	event.message = dns_build_message(&build);
	assert_string_equal(format(OUTPUT_TEXT, "ecs", &event), "198.51.100.0/24\n");
}

/* The quoting of yaml.dump of PyYAML 6.0. */
/* What a reader of YAML would take for something else. */
static const char *const yaml_quoted[] = {
	"-",
	"?",
	"~",
	"null",
	"NULL",
	"true",
	"off",
	"Yes",
	"1",
	"-1",
	"0x1F",
	"0b1",
	"017",
	"1_000",
	"1.",
	"1.5e+3",
	".5",
	".inf",
	"-.INF",
	".nan",
	"1:30",
	"1:30.5",
	"190:20:30",
	"=",
	"<<",
	"a: b",
	"a #b",
	"#a",
	"a:",
	"- a",
	"[a",
	"{a",
	"'a",
	"\"a",
	"@a",
	"`a",
	"%a",
	"!a",
	"&a",
	"*a",
	"|a",
	">a",
	",a",
	" a",
	"a ",
	"---a",
	"...",
	"2001-01-01",
	"2001-1-1 1:00:00",
	"2001-01-01T00:00:00Z",
	"2001-01-01 00:00:00.5 +1:00",
	"1:2:3:4:5:6:7:8",
	"0",
	"+1.5",
};

static const char *const yaml_plain[] = {
	"a",	     "-a",    "a-",  "a'b",	 "a\"b",
	"a:b",	     "a#b",   "::1", "?a",	 "1.2.3",
	"0x",	     "0b2",   "08",  "1e5",	 "1.5e3",
	"-.nan",     "a, b",  "a]",  "2001-1-1", "1:70",
	"nULL",	     "yES",   "..",  "--",	 "1:2:3:4:5:6:7:80a",
	"192.0.2.1", "\\000", "~a",  "1-2",	 "0:1",
};

static void test_yaml_quotes_what_would_be_read_as_something_else(void **state)
{
	struct event event = make_event();
	char expected[128];

	(void)state;
	for (size_t i = 0; i < sizeof(yaml_quoted) / sizeof(yaml_quoted[0]); i++) {
		bool has_quote = yaml_quoted[i][0] == '\'';

		event.identity = slice_of(yaml_quoted[i]);
		snprintf(expected, sizeof(expected), "identity: '%s%s'\n\n", has_quote ? "'" : "",
			 yaml_quoted[i]);
		assert_string_equal(format(OUTPUT_YAML, "identity", &event), expected);
	}
	for (size_t i = 0; i < sizeof(yaml_plain) / sizeof(yaml_plain[0]); i++) {
		event.identity = slice_of(yaml_plain[i]);
		snprintf(expected, sizeof(expected), "identity: %s\n\n", yaml_plain[i]);
		assert_string_equal(format(OUTPUT_YAML, "identity", &event), expected);
	}
}

static void assert_printable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		assert_true((text[i] >= ' ' && text[i] < 0x7f) || text[i] == '\n');
}

static void assert_name_comes_back(const char *text, struct slice name)
{
	uint8_t again[DNS_NAME_MAX], length;

	assert_true(name_parse(text, again, &length));
	assert_int_equal(length, name.length);
	assert_memory_equal(again, name.data, length);
}

/* The inverse of single quotes in YAML. */
static void unquote(char *text)
{
	size_t length = strlen(text);

	if (text[0] != '\'')
		return;
	assert_int_equal(text[length - 1], '\'');
	memmove(text, text + 1, length - 2);
	text[length - 2] = '\0';
}

static void check_name(struct format *const formats[3], struct slice name)
{
	struct event event = make_event();
	json_error_t problem;
	json_t *json;
	size_t length;

	event.qname = name;
	length = format_event(formats[OUTPUT_TEXT], &event, NULL, out);
	assert_printable(out, length);
	out[length - 1] = '\0';
	assert_name_comes_back(out, name);

	length = format_event(formats[OUTPUT_JSON], &event, NULL, out);
	assert_printable(out, length);
	json = json_loadb(out, length, JSON_REJECT_DUPLICATES, &problem);
	assert_non_null(json);
	assert_name_comes_back(json_string_value(json_object_get(json, "qname")), name);
	json_decref(json);

	length = format_event(formats[OUTPUT_YAML], &event, NULL, out);
	assert_printable(out, length);
	assert_memory_equal(out, "qname: ", 7);
	out[length - 2] = '\0';
	unquote(out + 7);
	assert_name_comes_back(out + 7, name);
}

/* All octets at all places of labels of 1, 2 and 63 octets (threats.md Z14). */
static void test_hostile_names_come_back_from_all_formats(void **state)
{
	static const uint8_t lengths[] = {1, 2, 63};
	uint8_t name[67];
	struct format *formats[3];
	char error[CONFIG_ERROR_MAX];

	(void)state;
	for (int kind = 0; kind < 3; kind++)
		formats[kind] = format_new((enum output_format)kind, "qname", false, NULL, error);
	for (size_t i = 0; i < sizeof(lengths); i++) {
		for (uint8_t at = 1; at <= lengths[i]; at++) {
			for (int octet = 0; octet < 256; octet++) {
				memset(name, 'a', sizeof(name));
				name[0] = lengths[i];
				name[at] = (uint8_t)octet;
				name[1 + lengths[i]] = 0;
				check_name(formats, (struct slice){name, lengths[i] + 2u});
			}
		}
	}
	check_name(formats, (struct slice){(const uint8_t *)"", 1});
	for (int kind = 0; kind < 3; kind++)
		format_free(formats[kind]);
}

static void test_longest_names_and_texts_fit(void **state)
{
	struct geoip_place place = {.as_number = UINT32_MAX};
	uint8_t name[DNS_NAME_MAX] = {0}, identity[255];
	struct event event = make_event();
	char fields[CONFIG_LIST_MAX] = "";

	(void)state;
	for (int i = 0; i < CONFIG_FIELD_COUNT; i++) {
		strcat(fields, i ? "\n" : "");
		strcat(fields, fields_name((enum config_field)i));
	}
	memset(name, 0xff, sizeof(name) - 1);
	for (size_t at = 0; at < 4; at++)
		name[64 * at] = at == 3 ? 61 : 63;
	memset(identity, 0xff, sizeof(identity));
	memset(place.country, 0xff, sizeof(place.country) - 1);
	memset(place.city, 0xff, sizeof(place.city) - 1);
	memset(place.as_name, 0xff, sizeof(place.as_name) - 1);
	event.qname = (struct slice){name, sizeof(name)};
	event.identity = (struct slice){identity, sizeof(identity)};
	event.time_ns = INT64_MIN;
	event.latency_ns = INT64_MIN + 1;
	for (int kind = 0; kind < 3; kind++) {
		format_place((enum output_format)kind, fields, &event, &place);
		assert_printable(out, strlen(out));
		assert_true(strlen(out) < FORMAT_RECORD_MAX / 2);
	}
}

static void test_bytes_that_are_no_utf8_are_kept(void **state)
{
	struct event event = make_event();

	(void)state;
	event.identity = slice_of("a\xff\xee\xbe\x80\n\"\\");
	assert_string_equal(format(OUTPUT_TEXT, "identity", &event),
			    "a\\255\\238\\190\\128\\010\"\\092\n");
	assert_string_equal(format(OUTPUT_JSON, "identity", &event),
			    "{\"identity\": \"a\\uefff\\uefee\\uefbe\\uef80\\u000a\\\"\\\\\"}\n");
	assert_string_equal(format(OUTPUT_YAML, "identity", &event),
			    "identity: \"a\\uEFFF\\uEFEE\\uEFBE\\uEF80\\n\\\"\\\\\"\n\n");
}

static void test_wrong_fields_are_told(void **state)
{
	char error[CONFIG_ERROR_MAX];

	(void)state;
	assert_null(format_new(OUTPUT_TEXT, "id\nquery_ip", false, NULL, error));
	assert_string_equal(error, "there is no field \"query_ip\"; is \"query-ip\" meant?");
	assert_null(format_new(OUTPUT_JSON, "id\nqname\nid", false, NULL, error));
	assert_string_equal(error, "field \"id\" is there twice");
}

static void test_format_knows_whether_it_needs_a_place(void **state)
{
	char error[CONFIG_ERROR_MAX];
	struct format *plain = format_new(OUTPUT_JSON, "", false, NULL, error);
	struct format *place = format_new(OUTPUT_JSON, "", true, NULL, error);
	struct format *other = format_new(OUTPUT_JSON, "ecs", true, NULL, error);

	(void)state;
	assert_false(format_wants_place(plain));
	assert_true(format_wants_place(place));
	assert_false(format_wants_place(other));
	format_free(plain);
	format_free(place);
	format_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_that_of_the_spec),
		cmocka_unit_test(test_json_is_that_of_the_spec),
		cmocka_unit_test(test_yaml_is_that_of_the_spec),
		cmocka_unit_test(test_what_is_not_known_is_a_hyphen),
		cmocka_unit_test(test_chosen_fields_come_in_their_order),
		cmocka_unit_test(test_unanswered_query_says_timeout),
		cmocka_unit_test(test_places_are_escaped_as_the_format_needs),
		cmocka_unit_test(test_client_subnet_is_read_from_the_message),
		cmocka_unit_test(test_yaml_quotes_what_would_be_read_as_something_else),
		cmocka_unit_test(test_hostile_names_come_back_from_all_formats),
		cmocka_unit_test(test_longest_names_and_texts_fit),
		cmocka_unit_test(test_bytes_that_are_no_utf8_are_kept),
		cmocka_unit_test(test_wrong_fields_are_told),
		cmocka_unit_test(test_format_knows_whether_it_needs_a_place),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
