/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/schema.h"
#include "config/text.h"
#include "net/decode.h"
#include "rules/rule.h"

#define EXAMPLE "src/config/dnsflow.conf"

static char error[CONFIG_ERROR_MAX];
static char text[CONFIG_PRINTED_MAX];

static struct slice slice_of(const char *string)
{
	return (struct slice){(const uint8_t *)string, strlen(string)};
}

static bool parse_bytes(struct config *config, const char *bytes, size_t length)
{
	error[0] = '\0';
	return config_parse(config, CONFIG_TEXT_FILE, "f",
			    (struct slice){(const uint8_t *)bytes, length}, error);
}

static bool parse(struct config *config, const char *string)
{
	return parse_bytes(config, string, strlen(string));
}

static void assert_parsed(struct config *config, const char *string)
{
	if (!parse(config, string))
		fail_msg("%s: %s", string, error);
}

static void assert_refused(const char *string, const char *line)
{
	static struct config config;

	assert_false(parse(&config, string));
	assert_string_equal(error, line);
}

static void test_values_are_named_as_the_options(void **state)
{
	static struct config config;

	(void)state;
	assert_parsed(&config, "interface: eth0\n"
			       "port: [53, 0x14e9]\n"
			       "destination:\n- 192.0.2.1\n- \"[2001:db8::1]:99\"\n"
			       "no-promiscuous: true\n"
			       "mdns: 'true' # a comment\n"
			       "workers: 3\n"
			       "share: 2/3\n"
			       "tunnels: gre,vxlan\n"
			       "filter: |\n  udp and\n  port 53\n");
	assert_string_equal(config.interface, "eth0");
	assert_int_equal(config.port_count, 2);
	assert_int_equal(config.ports[1], 5353);
	assert_int_equal(config.destination_count, 2);
	assert_int_equal(config.destinations[1].endpoint.port, 99);
	assert_false(config.is_promiscuous);
	assert_true(config.is_mdns);
	assert_int_equal(config.worker_count, 3);
	assert_int_equal(config.share_index, 1);
	assert_int_equal(config.tunnels, TUNNEL_GRE | TUNNEL_VXLAN);
	assert_string_equal(config.filter, "udp and\nport 53\n");
}

static void test_flags_may_be_false(void **state)
{
	static struct config config;

	(void)state;
	assert_parsed(&config, "mdns: false\nno-promiscuous: false\nchecksum-split: false\n");
	assert_memory_equal(&config, &config_default, sizeof(config));
}

static void test_one_value_is_a_list_of_one(void **state)
{
	static struct config config;

	(void)state;
	assert_parsed(&config, "port: 54\ndestination: a.example:7\n");
	assert_int_equal(config.port_count, 1);
	assert_int_equal(config.ports[0], 54);
	assert_int_equal(config.destination_count, 1);
	assert_int_equal(config.destinations[0].endpoint.port, 7);
}

static void test_the_later_of_two_that_mean_one_counts(void **state)
{
	static struct config config;

	(void)state;
	assert_parsed(&config, "split: flow\nchecksum-split: true\n");
	assert_int_equal(config.split, SPLIT_CHECKSUM);
	assert_parsed(&config, "checksum-split: true\nsplit: flow\n");
	assert_int_equal(config.split, SPLIT_FLOW);
	assert_parsed(&config, "pcap-port: 1\njmirror-port: 2\n");
	assert_true(config.is_jmirror_last);
	assert_parsed(&config, "jmirror-port: 2\npcap-port: 1\n");
	assert_false(config.is_jmirror_last);
}

static void test_nothing_is_the_default(void **state)
{
	static const char *const texts[] = {
		"",   "\n\n",	       "# only a comment", "---\n",
		"{}", "--- {}\n...\n", "\xef\xbb\xbf",	   "port: []",
	};
	static struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_parsed(&config, texts[i]);
		assert_memory_equal(&config, &config_default, sizeof(config));
	}
}

static void test_wrong_values_are_told_with_their_place(void **state)
{
	(void)state;
	assert_refused("# first\nmdns: true\nworkers: 99\n",
		       "f:3:10: workers: 99 is not a number from 0 to 64");
	assert_refused("mdns: maybe", "f:1:7: mdns: maybe is neither true nor false");
	assert_refused("checksum-split: 1", "f:1:17: checksum-split: 1 is neither true nor false");
	assert_refused("port: [53,\n  65536]",
		       "f:2:3: port: 65536 is not a number from 0 to 65535");
	assert_refused("port: [1,2,3,4,5,6,7,8,9,10,11]",
		       "f:1:29: port: too many ports (at most 10)");
	assert_refused("destination:\n  - 1.2.3\n",
		       "f:2:5: destination: 1.2.3 is neither an address nor a host name");
	assert_refused("split: sideways",
		       "f:1:8: split: sideways is not destination, checksum, flow or auto");
	assert_refused("share: 3/2",
		       "f:1:8: share: 3/2 is not a share (i of n is written i/n, 1 <= i <= n)");
	assert_refused("interface: sixteen-letters--",
		       "f:1:12: interface: longer than 15 characters");
	assert_refused("workers: \"1\\n2\"", "f:1:10: workers: 1?2 is not a number from 0 to 64");
}

static void test_missing_values_are_told(void **state)
{
	(void)state;
	assert_refused("mdns:\nworkers: 1", "f:1:6: mdns: has no value");
	assert_refused("pid-file: null", "f:1:11: pid-file: has no value");
	assert_refused("port: [~]", "f:1:8: port: has no value");
	assert_refused("workers: ''", "f:1:10: workers: has no value");
}

static void test_unknown_keys_name_the_nearest(void **state)
{
	(void)state;
	assert_refused("mdns: true\nwokrers: 1\n",
		       "f:2:1: wokrers: unknown key (did you mean workers?)");
	assert_refused("max_payload: 1",
		       "f:1:1: max_payload: unknown key (did you mean max-payload?)");
	assert_refused("nonsense: 1", "f:1:1: nonsense: unknown key");
	assert_refused("x: 1", "f:1:1: x: unknown key");
	assert_refused("'': 1", "f:1:1: unknown key");
}

static void test_keys_of_the_preflight_are_unknown_in_a_file(void **state)
{
	static const char *const texts[] = {"uid: 0", "gid: 0", "input: live", "jmirror-last: true",
					    "config: f"};
	static struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(parse(&config, texts[i]));
		assert_non_null(strstr(error, ": unknown key"));
		assert_true(config_parse(&config, CONFIG_TEXT_HANDED_OVER, "f", slice_of(texts[i]),
					 error));
	}
}

static void test_a_key_stands_once(void **state)
{
	(void)state;
	assert_refused("mdns: true\nport: 1\nmdns: true\n", "f:3:1: mdns: is given twice");
	assert_refused("port: 1\nport: 2\n", "f:2:1: port: is given twice");
}

static void test_other_shapes_are_refused(void **state)
{
	(void)state;
	assert_refused("no key", "f:1:1: expected lines of \"key: value\"");
	assert_refused("- 53", "f:1:1: expected lines of \"key: value\"");
	assert_refused("[a]: b", "f:1:1: a key is one word");
	assert_refused("? {a: b}\n: c", "f:1:3: a key is one word");
	assert_refused("workers: [1]", "f:1:10: workers: holds more than a value can");
	assert_refused("workers: {a: b}", "f:1:10: workers: holds more than a value can");
	assert_refused("port: {a: b}", "f:1:7: port: holds more than a value can");
	assert_refused("port: [[53]]", "f:1:8: port: holds more than a value can");
	assert_refused("port: [a: b]", "f:1:8: port: holds more than a value can");
	assert_refused("mdns: true\n---\nmdns: true\n", "f:2:1: a second document has no use here");
}

static void test_anchors_aliases_and_tags_are_refused(void **state)
{
	static const char *const texts[] = {
		"workers: &a 1", "workers: *a",	    "&a workers: 1", "&a {}",
		"port: &a [1]",	 "port: !!seq [1]", "!!map {}",	     "workers: !!int 1",
		"workers: ! 1",	 "*a : 1",
	};
	static struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(parse(&config, texts[i]));
		assert_non_null(strstr(error, "anchors, aliases and tags have no use here"));
	}
}

static void test_what_is_not_yaml_has_a_place(void **state)
{
	static struct config config;

	(void)state;
	assert_refused("mdns: true\nworkers 4\nport: 53\n",
		       "f:3:1: could not find expected ':', while scanning a simple key that began "
		       "in line 2");
	assert_refused("filter: \"open\n", "f:2:1: found unexpected end of stream, while scanning "
					   "a quoted scalar that began in line 1");
	assert_refused("mdns: true\n\tworkers: 1\n",
		       "f:2:1: found a tab character that violates indentation, while scanning a "
		       "plain scalar that began in line 1");
	assert_refused("mdns: true\nuser: a\xff\n", "f:2:8: invalid leading UTF-8 octet");
	assert_refused("user: m\xc3\xbc\xff\n", "f:1:9: invalid leading UTF-8 octet");
	assert_refused("user: \x1b", "f:1:7: control characters are not allowed");
	assert_false(parse_bytes(&config, "mdns: true\n\0", 12));
	assert_string_equal(error, "f:2:1: control characters are not allowed");
	assert_refused("user: \"a\\0b\"", "f:1:7: user: has a NUL byte");
	assert_refused("\"mdns\\0\": true", "f:1:1: has a NUL byte");
	assert_refused("user: \"\\ud800\"", "f:1:10: found invalid Unicode character escape code");
}

static void test_depth_and_size_are_bounded(void **state)
{
	static struct config config;

	(void)state;
	memset(text, '[', sizeof(text));
	assert_false(parse_bytes(&config, text, sizeof(text)));
	memset(text, '\n', sizeof(text));
	assert_true(parse_bytes(&config, text, sizeof(text)));
	assert_false(parse_bytes(&config, text, sizeof(text) + 1));
	assert_string_equal(error, "f:1:1: too large");
}

static void test_the_error_is_one_line_that_ends(void **state)
{
	static struct config config;
	char name[1024], key[1024];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	snprintf(key, sizeof(key), "\"a\\nb%.900s\": 1", name);
	assert_false(config_parse(&config, CONFIG_TEXT_FILE, name, slice_of(key), error));
	assert_true(strlen(error) < sizeof(error));
	assert_null(strchr(error, '\n'));
	assert_non_null(strstr(error, ":1:1: a?b"));
	assert_non_null(strstr(error, ": unknown key"));
}

static void test_sections_nest(void **state)
{
	static struct config config;

	(void)state;
	assert_parsed(&config,
		      "web:\n  listen: 127.0.0.1:8080\n  hosts: [a, b]\n  max-connections: 7\n"
		      "statistics: {enable: true, keep-case: false, memory: 64}\n"
		      "geoip:\n  # only comments\n");
	assert_string_equal(config.web.listen, "127.0.0.1:8080");
	assert_string_equal(config.web.hosts, "a\nb");
	assert_int_equal(config.web.max_connections, 7);
	assert_true(config.statistics.is_enabled);
	assert_false(config.statistics.keeps_case);
	assert_int_equal(config.statistics.memory_mib, 64);
	assert_int_equal(config.statistics.names, config_default.statistics.names);
}

static void test_a_list_replaces_its_default(void **state)
{
	static struct config config;

	(void)state;
	assert_parsed(&config, "statistics: {tables: [a/query, mx/query], default-tables: [], "
			       "default-counters: qps}");
	assert_string_equal(config.statistics.tables, "a/query\nmx/query");
	assert_string_equal(config.statistics.default_tables, "");
	assert_string_equal(config.statistics.default_counters, "qps");
}

static void test_outputs_are_a_list_of_mappings(void **state)
{
	static struct config config;
	const struct config_output *output = config.outputs;

	(void)state;
	assert_parsed(
		&config,
		"outputs:\n"
		"  - type: file\n"
		"    path: /var/log/dns.json\n"
		"    format: json\n"
		"    compress: zstd\n"
		"    filter:\n"
		"      name: [example.com, example.org]\n"
		"      latency-at-least: 0.5\n"
		"    except: {rcode: NXDOMAIN}\n"
		"    privacy: {client-prefix4: 24, clients: cryptopan, qname: registered}\n"
		"  - {type: syslog, address: 'log:514', syslog: {facility: local3, severity: 4},\n"
		"     tls: {verify: false}, cumulative: false, delimiter: \"\\n\"}\n"
		"  - {type: tcp, address: 'a:1', delimiter: '\\r\\n\\\\x'}\n");
	assert_int_equal(config.output_count, 3);
	assert_int_equal(output->kind, OUTPUT_FILE);
	assert_string_equal(output->path, "/var/log/dns.json");
	assert_int_equal(output->format, OUTPUT_JSON);
	assert_int_equal(output->compression, OUTPUT_ZSTD);
	assert_string_equal(output->filter.name, "example.com\nexample.org");
	assert_true(output->filter.latency_ms_least == 0.5);
	assert_true(output->filter.latency_ms_most < 0);
	assert_true(output->has_except);
	assert_string_equal(output->except.rcode, "NXDOMAIN");
	assert_int_equal(output->privacy.client_prefix4, 24);
	assert_int_equal(output->privacy.clients, OUTPUT_CLIENTS_CRYPTOPAN);
	assert_true(output->privacy.cuts_qname);
	output++;
	assert_int_equal(output->facility, 19);
	assert_int_equal(output->severity, 4);
	assert_true(output->is_unverified);
	assert_false(output->is_cumulative);
	assert_false(output->has_except);
	assert_string_equal(output->delimiter, "\n");
	assert_int_equal(output->transport, OUTPUT_OVER_UDP);
	output++;
	assert_int_equal(output->transport, OUTPUT_OVER_TCP);
	assert_string_equal(output->delimiter, "\r\n\\x");
	assert_parsed(&config, "outputs: {type: stdout}");
	assert_int_equal(config.output_count, 1);
	assert_parsed(&config, "outputs: []");
	assert_int_equal(config.output_count, 0);
}

static void test_mistakes_in_sections_have_their_place(void **state)
{
	(void)state;
	assert_refused("web:\n  lisen: 1",
		       "f:2:3: web.lisen: unknown key (did you mean web.listen?)");
	assert_refused("wev: {}", "f:1:1: wev: unknown key (did you mean web?)");
	assert_refused("web.listen: 1",
		       "f:1:1: web.listen: write the key in its section, without the dot");
	assert_refused("web: 8080", "f:1:6: web: holds keys with their values");
	assert_refused("web: {}\nweb: {}", "f:2:1: web: is given twice");
	assert_refused("web: {key: a, key: b}", "f:1:15: web.key: is given twice");
	assert_refused("web: {endpoint: '1.2.3.4:5'}", "f:1:7: web.endpoint: unknown key");
	assert_refused("statistics: {memory: 1}",
		       "f:1:22: statistics.memory: 1 is not a number from 16 to 1048576");
	assert_refused("statistics: {tables: ['']}", "f:1:23: statistics.tables: has no value");
	assert_refused("statistics: {tables: [\"a\\nb\"]}",
		       "f:1:23: statistics.tables: has an element of more than one line");
	assert_refused("event-ring: 12",
		       "f:1:13: event-ring: 12 is not a power of two from 1 to 1024");
	assert_refused("geoip: {[a]: b}", "f:1:9: geoip: a key is one word");
}

static void test_mistakes_of_the_proxy_have_their_place(void **state)
{
	(void)state;
	assert_refused(
		"rules:\n  - log a\n  - blokc ^ads\\.\n",
		"f:3:5: rules: \"blokc\" is no verb: a rule begins with log, block, redirect, "
		"rewrite, resolve or allow: blokc ^ads\\.");
	assert_refused("{\"rules\": [\"log a\",\n\t\"resolve ^(.* using 192.0.2.1\"]}",
		       "f:2:2: rules: ^(.*: missing closing parenthesis at 4: resolve ^(.* using "
		       "192.0.2.1");
	assert_refused("rules: log a if name is in \nlists: [a=f, b]",
		       "f:1:8: rules: \"\" is no name of a list: log a if name is in");
	assert_refused("lists:\n  - ads=host:/f",
		       "f:2:5: lists: ads=host:/f has another format than auto, names, hosts, "
		       "adblock, dnsmasq and rpz");
	assert_refused("proxy:\n  listen: [53, ns1]",
		       "f:2:16: proxy.listen: ns1 is neither an address, ADDRESS:PORT, "
		       "[ADDRESS]:PORT nor a port");
	assert_refused("proxy: {allow: [10.0.0.0/33]}",
		       "f:1:17: proxy.allow: 10.0.0.0/33 is no prefix");
	assert_refused("proxy: {udp-size: 511}",
		       "f:1:19: proxy.udp-size: 511 is not a number from 512 to 4096");
	assert_refused("proxy: {tcp-per-client: 65536}",
		       "f:1:25: proxy.tcp-per-client: 65536 is not a number from 1 to 65535");
}

static void test_a_long_rule_is_shortened(void **state)
{
	static struct config config;
	char line[RULE_TEXT_MAX + 64] = "rules: ";

	(void)state;
	memset(line + strlen(line), 'x', 200);
	assert_false(parse(&config, line));
	assert_true(strlen(error) < 300);
	assert_non_null(strstr(error, "f:1:8: rules: \"xxx"));
	assert_non_null(strstr(error + strlen(error) - 13, "xxxxxxxxxx..."));
	strcpy(line, "rules: log ");
	memset(line + strlen(line), 'x', RULE_TEXT_MAX);
	assert_false(parse(&config, line));
	assert_non_null(strstr(error, "longer than 4095 octets: log xxx"));
}

static void test_mistakes_in_outputs_have_their_place(void **state)
{
	(void)state;
	assert_refused("outputs: stdout", "f:1:10: outputs: an output is a mapping, with a type");
	assert_refused("outputs:\n  - type: ftp",
		       "f:2:11: type: ftp is not stdout, file, tcp, syslog, "
		       "metrics or records");
	assert_refused("outputs:\n  - format: json", "f:2:5: outputs: an output needs a type");
	assert_refused("outputs:\n  - type: file\n    filter:\n      nmae: a",
		       "f:4:7: filter.nmae: unknown key (did you mean filter.name?)");
	assert_refused("outputs: [{type: file, queue: 3}]",
		       "f:1:31: queue: 3 is not a power of two from 1 to 1024");
	assert_refused("outputs: [{type: file, delimiter: 12345678901234567}]",
		       "f:1:35: delimiter: longer than 15 characters");
	assert_refused("outputs: [{type: file, filter: {latency-at-most: -2}}]",
		       "f:1:50: filter.latency-at-most: -2 is not a number that is 0 or more");
	assert_refused("outputs: [{type: file, filter: {latency-at-most: .inf}}]",
		       "f:1:50: filter.latency-at-most: .inf is not a number that is 0 or more");
	assert_refused("outputs: [{type: metrics, cumulative: 1}]",
		       "f:1:39: cumulative: 1 is not false or true");
	assert_refused("outputs: [{type: a, outputs: []}]",
		       "f:1:18: type: a is not stdout, file, tcp, "
		       "syslog, metrics or records");
	assert_refused("outputs: [{type: file, outputs: []}]", "f:1:24: outputs: unknown key");
}

static void test_an_endpoint_has_address_and_port(void **state)
{
	static const char *const texts[] = {"web: {endpoint: 192.0.2.1}", "web: {endpoint: a:1}",
					    "web: {endpoint: '192.0.2.1:0'}"};
	static struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(config_parse(&config, CONFIG_TEXT_HANDED_OVER, "f", slice_of(texts[i]),
					  error));
		assert_non_null(strstr(error, "is not an address with a port"));
	}
}

static void test_json_is_read_too(void **state)
{
	static struct config config;

	(void)state;
	assert_parsed(&config, "{\"workers\":2,\n\t\"user\": \"\\ud83d\\udc1F\\/\\u0041\",\n"
			       "\"outputs\":[{\"type\":\"stdout\",\"filter\":{\"name\":[]}}]}");
	assert_int_equal(config.worker_count, 2);
	assert_string_equal(config.user, "\xf0\x9f\x90\x9f/A");
	assert_int_equal(config.output_count, 1);
	assert_parsed(&config, "{\"user\": \"\\\\ud83d\\\\udc1f\"}");
	assert_string_equal(config.user, "\\ud83d\\udc1f");
	assert_parsed(&config, "\xef\xbb\xbf \r\n\t{\"user\": \"\\uefff\"}\n");
	assert_string_equal(config.user, "\xff");
}

static void test_mistakes_in_json_have_their_place(void **state)
{
	static struct config config;

	(void)state;
	assert_refused("\t{\n\t\t\"mdns\": true,\n\t\t\"workers\": 99}",
		       "f:3:14: workers: 99 is not a number from 0 to 64");
	assert_refused("{\"\xc3\xbc\": 1}", "f:1:2: \xc3\xbc: unknown key");
	assert_refused("{\"user\":\n \"\xc3\xbc\", \"user\": \"a\"}",
		       "f:2:7: user: is given twice");
	assert_refused("{\"user\": null}", "f:1:10: user: has no value");
	assert_refused("{\"user\": \"a\\u0000b\"}", "f:1:10: user: has a NUL byte");
	assert_refused("{\"port\": [53, [54]]}", "f:1:15: port: holds more than a value can");
	assert_refused("{\"mdns\": 1e3}", "f:1:10: mdns: 1e3 is neither true nor false");
	assert_refused("{mdns: true}", "f:1:5: not JSON: string or '}' expected near 'mdns'");
	assert_refused("{\"mdns\": true,}", "f:1:15: not JSON: string or '}' expected near '}'");
	assert_refused("{} x", "f:1:4: not JSON: end of file expected near 'x'");
	assert_refused("{\"user\": \"\\ud83d\"}",
		       "f:1:17: not JSON: invalid Unicode '\\uD83D' near '\"\\ud83d\"'");
	assert_false(parse(&config, "{\"user\": \"\\ud83d\\u0041\"}"));
	assert_false(parse(&config, "{\"user\": \"\\udc1f\\ud83d\"}"));
	assert_false(parse(&config, "{\"user\": \"\\ud83d\\ud"));
	assert_false(parse(&config, "{\"user\": \"\\"));
	assert_false(parse(&config, "{\"user\": \"\xff\"}"));
	assert_false(parse_bytes(&config, "{\n\"user\": null\0}", 15));
	assert_string_equal(error, "f:2:13: not JSON: a NUL byte");
	memset(text, '[', sizeof(text));
	text[0] = '{';
	assert_false(parse_bytes(&config, text, sizeof(text)));
	memcpy(text, "{\"a\":", 5);
	assert_false(parse_bytes(&config, text, sizeof(text)));
}

static void test_there_are_at_most_sixteen_outputs(void **state)
{
	static struct config config;

	(void)state;
	strcpy(text, "outputs:\n");
	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++)
		strcat(text, "- type: stdout\n");
	assert_parsed(&config, text);
	strcat(text, "- type: stdout\n");
	assert_refused(text, "f:18:3: outputs: there are too many");
}

#define OF_SENTRY   "f: taken for a configuration of Sentry"
#define NEEDS_ALLOW "; clients outside of private networks need proxy.allow"

static void test_a_configuration_of_sentry_is_one_of_the_proxy(void **state)
{
	static struct config config;

	(void)state;
	assert_parsed(&config, "    {\n    \t\"port\" : 5300,\n    \t\"host\" : \"0.0.0.0\",\n"
			       "\t\"threadpool_size\" : 4,\n\t\"resolution_timeout\": 2.5,\n"
			       "\t\"rules\" : [\n\t\"block ^(.*).xxx\",\n\n\t\t\"resolve ^(.*) "
			       "using 10.10.1.2 \"\n\t]\n    }\n");
	assert_string_equal(error, OF_SENTRY ": without effect: threadpool_size" NEEDS_ALLOW);
	assert_string_equal(config.proxy.listen, "0.0.0.0:5300");
	assert_string_equal(config.rules, "block ^(.*).xxx\nresolve ^(.*) using 10.10.1.2 ");
	assert_int_equal(config.proxy.timeout_ms, 2500);
	assert_int_equal(config.port_count, 0);
	assert_true(config_complete(&config, 2, NULL, error));
	assert_int_equal(config.input, CONFIG_INPUT_NONE);
	assert_parsed(&config, "host: localhost\nport: 53\nrules: [log a]\n"
			       "proxy: {allow: [0.0.0.0/0]}\nworkers: 2");
	assert_string_equal(error, OF_SENTRY);
	assert_string_equal(config.proxy.listen, "127.0.0.1:53");
	assert_int_equal(config.worker_count, 2);
	assert_parsed(&config, "host: ''\nport: 53\nrules: []\nproxy: {listen: '[::1]:53'}");
	assert_string_equal(config.proxy.listen, "[::1]:53\n0.0.0.0:53");
}

/* A person's own: what the preflight hands over was told. */
static void test_rules_that_do_nothing_are_warned_of_with_their_place(void **state)
{
	static struct config config;
	static const char rules[] = "rules:\n  - log a\n  - block a b\n  - block c$|d$\n";

	(void)state;
	assert_parsed(&config, rules);
	assert_string_equal(error, "f:3:5: rules: no name has a blank: \"a b\" is the pattern; "
				   "conditions begin with \"if\": block a b, and 1 more such");
	assert_true(config_parse(&config, CONFIG_TEXT_HANDED_OVER, "f", slice_of(rules), error));
	assert_string_equal(error, "");
	assert_parsed(&config, "host: ''\nport: 53\nrules: [block c$|d$]");
	assert_string_equal(error, OF_SENTRY NEEDS_ALLOW
			    "\nf:3:9: rules: only a last \"$\" is also before the final dot of a "
			    "name: write \"\\.?$\" for others: block c$|d$");
}

static void test_mistakes_in_a_configuration_of_sentry_have_their_place(void **state)
{
	(void)state;
	assert_refused("host: a\nport: 1\nrules: []", "f:1:7: host: a is no address");
	assert_refused("rules: []\nhost: 0.0.0.0\nport: 65536",
		       "f:3:7: port: 65536 is not a number from 1 to 65535");
	assert_refused("{\"rules\": [], \"port\": -1, \"host\": \"\"}",
		       "f:1:23: port: -1 is not a number from 1 to 65535");
	assert_refused("rules: []\nhost:\nport: 1", "f:2:6: host: has no value");
	assert_refused("rules: []\nhost: []\nport: 1", "f:2:7: host: holds more than a value can");
	assert_refused("resolution_timeout: 0.001\nhost: ''\nport: 1\nrules: []",
		       "f:1:21: resolution_timeout: in milliseconds, 1 is not a number from 10 to "
		       "60000");
	assert_refused("resolution_timeout: nan\nhost: ''\nport: 1\nrules: []",
		       "f:1:21: resolution_timeout: nan is not a number of seconds");
	assert_refused("resolution_timeout: 1s\nhost: ''\nport: 1\nrules: []",
		       "f:1:21: resolution_timeout: 1s is not a number of seconds");
	assert_refused("{\"host\":\"\",\"rules\":[],\"port\":5300,\"port\":5999}",
		       "f:1:35: port: is given twice");
	assert_refused("host: ''\nport: 1\nrules: []\nhost: 127.0.0.1",
		       "f:4:1: host: is given twice");
	assert_refused("host: ''\nport: 1\nrules: []\nresolution_timeout: 1\n"
		       "resolution_timeout: 1",
		       "f:5:1: resolution_timeout: is given twice");
	assert_refused("host: ''\nport: 1\nrules: [log a, [b]]",
		       "f:3:16: rules: holds more than a value can");
}

static void test_what_sentry_does_not_know_is_left_out(void **state)
{
	static struct config config;

	(void)state;
	assert_true(parse(&config,
			  "{\"foo\": {\"host\": [1]}, \"host\": \"0.0.0.0\", \"port\": 53,\n"
			  " \"rules\": [\"block a\"], \"bar\": null, \"workers\": 2,"
			  " \"outputs\": [{\"type\": \"stdout\", \"host\": \"x\"}]}"));
	assert_string_equal(error, OF_SENTRY ": without effect: foo, bar, host" NEEDS_ALLOW);
	assert_int_equal(config.worker_count, 2);
	assert_refused("host: ''\nport: 1\nrules: []\nworkers: 99",
		       "f:4:10: workers: 99 is not a number from 0 to 64");
	assert_refused("host: a\nport: 1",
		       "f:1:1: host: unknown key: only in a configuration of Sentry, which has "
		       "host, port and rules, all three");
	assert_refused("{\"rules\": [], \"host\": \"\"}",
		       "f:1:15: host: unknown key: only in a configuration of Sentry, which has "
		       "host, port and rules, all three");
	assert_refused("a: {host: a, rules: b}\nport: 1", "f:1:1: a: unknown key");
	assert_refused("host: ''\nport: 1\nrules: log a\nb: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]",
		       "f:4:20: nests too deep");
}

static size_t read_example(void)
{
	FILE *file = fopen(EXAMPLE, "r");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	return length;
}

static void test_the_example_is_valid_and_sets_nothing(void **state)
{
	static struct config config;

	(void)state;
	read_example();
	assert_parsed(&config, text);
	assert_memory_equal(&config, &config_default, sizeof(config));
}

/* "#key: value" is a setting, as is "#  key: value" in a section; "# text" is a comment. */
static void uncomment(size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] == '#' && (i == 0 || text[i - 1] == '\n') &&
		    (text[i + 1] != ' ' || text[i + 2] == ' ') && text[i + 1] != '#')
			text[i] = ' ';
}

/* Keys of sections stand behind their section's; all of them with blanks before. */
static bool is_in(const char *where, const struct setting *setting)
{
	const size_t length = schema_section_length(setting->name);
	char key[SETTING_NAME_MAX + 8];

	if (length) {
		snprintf(key, sizeof(key), " %.*s:\n", (int)length, setting->name);
		where = strstr(where, key);
	}
	snprintf(key, sizeof(key), " %s:", setting->name + (length ? length + 1 : 0));
	return where && strstr(where, key);
}

static void test_the_example_has_every_key(void **state)
{
	static struct config config;
	const char *outputs;

	(void)state;
	uncomment(read_example());
	for (size_t i = 0; i < schema_config.count; i++)
		if (is_in(text, &schema_config.settings[i]) == schema_config.settings[i].is_private)
			fail_msg("%s", schema_config.settings[i].name);
	outputs = strstr(text, "\n outputs:");
	for (size_t i = 0; i < schema_output.count; i++)
		if (is_in(outputs, &schema_output.settings[i]) ==
		    schema_output.settings[i].is_private)
			fail_msg("output: %s", schema_output.settings[i].name);
	assert_parsed(&config, text);
	*config.read_file = '\0'; /* which is for no proxy */
	if (!config_complete(&config, 2, NULL, error))
		fail_msg("%s", error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_named_as_the_options),
		cmocka_unit_test(test_flags_may_be_false),
		cmocka_unit_test(test_one_value_is_a_list_of_one),
		cmocka_unit_test(test_the_later_of_two_that_mean_one_counts),
		cmocka_unit_test(test_nothing_is_the_default),
		cmocka_unit_test(test_wrong_values_are_told_with_their_place),
		cmocka_unit_test(test_missing_values_are_told),
		cmocka_unit_test(test_unknown_keys_name_the_nearest),
		cmocka_unit_test(test_keys_of_the_preflight_are_unknown_in_a_file),
		cmocka_unit_test(test_a_key_stands_once),
		cmocka_unit_test(test_other_shapes_are_refused),
		cmocka_unit_test(test_anchors_aliases_and_tags_are_refused),
		cmocka_unit_test(test_what_is_not_yaml_has_a_place),
		cmocka_unit_test(test_depth_and_size_are_bounded),
		cmocka_unit_test(test_the_error_is_one_line_that_ends),
		cmocka_unit_test(test_sections_nest),
		cmocka_unit_test(test_a_list_replaces_its_default),
		cmocka_unit_test(test_outputs_are_a_list_of_mappings),
		cmocka_unit_test(test_mistakes_in_sections_have_their_place),
		cmocka_unit_test(test_mistakes_of_the_proxy_have_their_place),
		cmocka_unit_test(test_a_long_rule_is_shortened),
		cmocka_unit_test(test_mistakes_in_outputs_have_their_place),
		cmocka_unit_test(test_an_endpoint_has_address_and_port),
		cmocka_unit_test(test_json_is_read_too),
		cmocka_unit_test(test_mistakes_in_json_have_their_place),
		cmocka_unit_test(test_there_are_at_most_sixteen_outputs),
		cmocka_unit_test(test_a_configuration_of_sentry_is_one_of_the_proxy),
		cmocka_unit_test(test_rules_that_do_nothing_are_warned_of_with_their_place),
		cmocka_unit_test(test_mistakes_in_a_configuration_of_sentry_have_their_place),
		cmocka_unit_test(test_what_sentry_does_not_know_is_left_out),
		cmocka_unit_test(test_the_example_is_valid_and_sets_nothing),
		cmocka_unit_test(test_the_example_has_every_key),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
