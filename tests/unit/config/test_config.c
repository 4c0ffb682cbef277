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
	static struct config configs[2];
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
	assert_string_equal(differences, "split auto -> checksum;share 1/2 -> 1/3;");
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

static void test_long_lists_are_told_from_what_differs(void **state)
{
	static char before[2 * CONFIG_LIST_MAX], after[2 * CONFIG_LIST_MAX];
	size_t length = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		length += (size_t)sprintf(before + length, "%s  - host-%d",
					  i ? "\n" : "web:\n  hosts:\n", i);
	strcpy(after, before);
	strcat(after, "\n  - more");
	assert_true(compare(before, after));
	assert_string_equal(differences, "web.hosts ... -> ...,more;");
	assert_true(compare("web: {hosts: other}", after));
	assert_true(strlen(differences) < 600);
	assert_non_null(strstr(differences, "web.hosts other -> host-0,host-1,host-2,"));
	assert_non_null(strstr(differences, "...;"));
}

static const char *completed_control(const char *text)
{
	static struct config config;
	char error[CONFIG_ERROR_MAX];

	assert_true(config_parse(&config, CONFIG_TEXT_HANDED_OVER, "text",
				 (struct slice){(const uint8_t *)text, strlen(text)}, error));
	assert_true(config_complete(&config, 2, NULL, error));
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

static void test_sections_and_outputs_are_compared(void **state)
{
	(void)state;
	assert_true(compare("web: {listen: 1}", "web: {listen: 2, hosts: [a, b]}"));
	assert_string_equal(differences, "web.listen 1 -> 2;web.hosts  -> a,b;");
	assert_false(
		compare("outputs: [{type: stdout}]", "outputs: [{type: stdout, format: text}]"));
	assert_true(compare("outputs: [{type: stdout}, {type: file, filter: {type: A}}]",
			    "outputs: [{type: stdout, format: json}, {type: file}]"));
	assert_string_equal(differences,
			    "outputs[0].format text -> json;outputs[1].filter.type A -> ;");
	assert_true(
		compare("outputs: [{type: stdout}, {type: file}]", "outputs: [{type: stdout}]"));
	assert_string_equal(differences, "outputs[1] file -> ;");
	assert_true(compare("", "outputs: [{type: stdout}]"));
	assert_string_equal(differences, "outputs[0]  -> stdout;");
	assert_true(
		compare("outputs: [{type: tcp, endpoint: '1.1.1.1:1'}]", "outputs: [{type: tcp}]"));
	assert_string_equal(differences, "");
}

static struct config completed;

static void complete(const char *text)
{
	char error[CONFIG_ERROR_MAX];

	assert_true(config_parse(&completed, CONFIG_TEXT_HANDED_OVER, "text",
				 (struct slice){(const uint8_t *)text, strlen(text)}, error));
	if (!config_complete(&completed, 2, NULL, error))
		fail_msg("%s: %s", text, error);
}

static void assert_incomplete(const char *text, const char *problem)
{
	char error[CONFIG_ERROR_MAX];

	assert_true(config_parse(&completed, CONFIG_TEXT_HANDED_OVER, "text",
				 (struct slice){(const uint8_t *)text, strlen(text)}, error));
	assert_false(config_complete(&completed, 2, NULL, error));
	if (!strstr(error, problem))
		fail_msg("%s: \"%s\" does not contain \"%s\"", text, error, problem);
}

static void assert_listens(const char *listen, const char *endpoint)
{
	char line[128], text[ENDPOINT_TEXT_MAX];

	snprintf(line, sizeof(line), "web: {listen: '%s', api-key-file: k}", listen);
	complete(line);
	assert_string_equal(endpoint_format(&completed.web.endpoint, text), endpoint);
}

static void test_records_outputs_or_the_web_are_something_to_do(void **state)
{
	(void)state;
	assert_incomplete("", "output dst missing: give -u HOST");
	assert_incomplete("statistics: {enable: true}", "output dst missing");
	complete("outputs: [{type: stdout}]");
	complete("web: {listen: 8080}");
	complete("read: r\nwrite: w\noutputs: [{type: metrics}]");
}

static void test_messages_go_with_events_only_where_they_are_needed(void **state)
{
	struct config config = config_default;

	(void)state;
	config.output_count = 1;
	config.outputs[0] = config_output_default;
	config.outputs[0].kind = OUTPUT_FILE;
	assert_false(config_has_messages(&config));
	strcpy(config.outputs[0].fields, "qname\necs");
	assert_true(config_has_messages(&config));
	*config.outputs[0].fields = '\0';
	config.outputs[0].kind = OUTPUT_RECORDS;
	assert_true(config_has_messages(&config));
}

static void test_the_web_listens_on_a_port_or_an_address_with_one(void **state)
{
	(void)state;
	assert_listens("8080", "127.0.0.1:8080");
	assert_listens("localhost:80", "127.0.0.1:80");
	assert_listens("[::]:80", "[::]:80");
	assert_listens("192.0.2.1:80", "192.0.2.1:80");
	assert_incomplete("web: {listen: 192.0.2.1, api-key-file: k}", "neither ADDRESS:PORT");
	assert_incomplete("web: {listen: 'a.example:80', api-key-file: k}", "neither ADDRESS:PORT");
	assert_incomplete("web: {listen: 0}", "neither ADDRESS:PORT");
	assert_incomplete("web: {listen: 65536}", "neither ADDRESS:PORT");
	assert_incomplete("web: {listen: '99999999999999999999999'}", "neither ADDRESS:PORT");
}

static void test_without_credentials_the_web_stays_on_loopback(void **state)
{
	(void)state;
	complete("web: {listen: '127.3.2.1:80'}");
	complete("web: {listen: '[::1]:80'}");
	complete("web: {listen: '0.0.0.0:80', login: a, password-file: p}");
	assert_incomplete("web: {listen: '0.0.0.0:80'}", "do without credentials");
	assert_incomplete("web: {listen: '[::]:80'}", "do without credentials");
	assert_incomplete("web: {listen: '[::ffff:127.0.0.1]:80'}", "do without credentials");
	assert_incomplete("web: {listen: 80, login: a}", "need each other");
	assert_incomplete("web: {listen: 80, login: 'a:b', password-file: f}", "has no colon");
	assert_incomplete("web: {listen: 80, password-file: a}", "need each other");
	assert_incomplete("web: {listen: 80, certificate: a}", "need each other");
	assert_incomplete("web: {listen: 80, key: a}", "need each other");
}

static void test_own_addresses_are_addresses(void **state)
{
	(void)state;
	complete("write: w\nown-address: [192.0.2.1, '2001:db8::1']");
	assert_incomplete("write: w\nown-address: [192.0.2.1, 192.0.2.0/24]",
			  "own-address: 192.0.2.0/24 is no address");
	complete("write: w\nown-address: "
		 "[192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, "
		 "192.0.2.6, 192.0.2.7, 192.0.2.8, 192.0.2.9, 192.0.2.10, "
		 "192.0.2.11, 192.0.2.12, 192.0.2.13, 192.0.2.14, 192.0.2.15, "
		 "192.0.2.16]");
	assert_incomplete("write: w\nown-address: "
			  "[192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, "
			  "192.0.2.6, 192.0.2.7, 192.0.2.8, 192.0.2.9, 192.0.2.10, "
			  "192.0.2.11, 192.0.2.12, 192.0.2.13, 192.0.2.14, 192.0.2.15, "
			  "192.0.2.16, 192.0.2.17]",
			  "own-address: more than 16");
}

static void test_tables_are_some_and_shown_ones_are_counted(void **state)
{
	(void)state;
	complete("write: w\nstatistics: {tables: [hit/query, MX/response],"
		 " default-tables: [mx/response, registered/query]}");
	assert_incomplete("write: w\nstatistics: {tables: [hit/query, foo/query]}",
			  "statistics.tables: foo/query is not WHAT/query or WHAT/response");
	assert_incomplete("write: w\nstatistics: {tables: [hit]}", "hit is not WHAT/query");
	assert_incomplete("write: w\nstatistics: {tables: [hit/query, hit/query, hit/query,"
			  " hit/query, hit/query, hit/query, hit/query, hit/query, hit/query,"
			  " hit/query, hit/query, hit/query, hit/query, hit/query, hit/query,"
			  " hit/query, hit/query]}",
			  "statistics.tables: more than 16");
	assert_incomplete("write: w\nstatistics: {default-tables: [mx/query]}",
			  "statistics.default-tables: mx/query is not in statistics.tables");
}

static void assert_listeners(const char *listen, const char *expected)
{
	char line[512], text[ENDPOINT_TEXT_MAX], all[CONFIG_LISTEN_MAX * ENDPOINT_TEXT_MAX] = "";

	snprintf(line, sizeof(line), "rules: log .\nproxy: {listen: %s}", listen);
	complete(line);
	for (uint32_t i = 0; i < completed.proxy.endpoint_count; i++) {
		strcat(all, endpoint_format(&completed.proxy.endpoints[i], text));
		strcat(all, " ");
	}
	assert_string_equal(all, expected);
}

static void assert_no_listener(const char *listen, const char *problem)
{
	char line[512];

	snprintf(line, sizeof(line), "rules: log .\nproxy: {listen: %s}", listen);
	assert_incomplete(line, problem);
}

static void test_the_proxy_listens_on_addresses_and_ports(void **state)
{
	(void)state;
	assert_listeners("5300", "127.0.0.1:5300 [::1]:5300 ");
	assert_listeners("0.0.0.0", "0.0.0.0:53 ");
	assert_listeners("['2001:db8::1', '[2001:db8::1]:54', '192.0.2.1:55', '[::1]']",
			 "[2001:db8::1]:53 [2001:db8::1]:54 192.0.2.1:55 [::1]:53 ");
	assert_listeners("[1, 2, 3, 4, 5, 6, 7, 8]",
			 "127.0.0.1:1 [::1]:1 127.0.0.1:2 [::1]:2 127.0.0.1:3 [::1]:3 "
			 "127.0.0.1:4 [::1]:4 127.0.0.1:5 [::1]:5 127.0.0.1:6 [::1]:6 "
			 "127.0.0.1:7 [::1]:7 127.0.0.1:8 [::1]:8 ");
}

static void test_mapped_listeners_are_refused_with_a_hint(void **state)
{
	(void)state;
	assert_no_listener("'::ffff:192.0.2.4'", "::ffff:192.0.2.4 stands for an address of IPv4");
	assert_no_listener("'[::ffff:192.0.2.4]:54'", "without ::ffff: before it");
	assert_listeners("'::fffe:192.0.2.4'", "[::fffe:c000:204]:53 ");
}

static void test_other_listeners_are_refused(void **state)
{
	static const char *const texts[] = {
		"0",
		"65536",
		"'192.0.2.1:'",
		"'192.0.2.1:0'",
		"192.0.2",
		"localhost",
		"'localhost:53'",
		"'[192.0.2.1'",
		"'[::1]:x'",
		"'[::1]:65536'",
		"99999999999999999999",
		"'2001:db8::1:x'",
		"192.0.2.0/24",
		"'*'",
		"-1",
		"'53 '",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_no_listener(texts[i], "is neither an address, ADDRESS:PORT, "
					     "[ADDRESS]:PORT nor a port");
	assert_no_listener("[53, 127.0.0.1]", "proxy.listen: 127.0.0.1 is there twice");
	assert_no_listener("['::1', '[0::1]:53']", "proxy.listen: [0::1]:53 is there twice");
	assert_no_listener("[1, 2, 3, 4, 5, 6, 7, 8, 192.0.2.1]", "192.0.2.1 is one too many");
}

static void test_clients_of_the_proxy_are_prefixes(void **state)
{
	(void)state;
	complete("rules: log .\nproxy: {listen: 53}");
	assert_int_equal(strncmp(completed.proxy.allow, "127.0.0.0/8\n::1\n10.0.0.0/8\n", 26), 0);
	complete("rules: log .\nproxy: {listen: 53, allow: [0.0.0.0/0, '::/0']}");
	assert_string_equal(completed.proxy.allow, "0.0.0.0/0\n::/0");
	assert_incomplete("rules: log .\nproxy: {listen: 53, allow: [10.0.0.0/8, 10.0.0.0/33]}",
			  "proxy.allow: 10.0.0.0/33 is no prefix");
	assert_incomplete("proxy: {cache-min-ttl: 60, cache-max-ttl: 59}",
			  "proxy.cache-min-ttl is above proxy.cache-max-ttl");
}

static void test_rules_and_what_acts_on_them_need_each_other(void **state)
{
	(void)state;
	assert_incomplete("proxy: {listen: 53}", "proxy.listen needs rules");
	assert_incomplete("read: r\ndry-run: true", "--dry-run needs rules");
	assert_incomplete("rules: log .", "rules have no effect without proxy.listen or --dry-run");
	assert_incomplete("write: w\nrules-file: r", "rules have no effect without");
	assert_incomplete("rules: log .\ndry-run: true\nproxy: {listen: 53}",
			  "--dry-run judges what is captured");
	complete("proxy: {listen: 53}\nrules-file: r");
	assert_incomplete("rules: log .\nread: r\nproxy: {listen: 53}", "not with proxy.listen");
	complete("read: r\nrules-file: r\ndry-run: true");
}

static void test_the_proxy_alone_captures_nothing(void **state)
{
	static const char *const texts[] = {"interface: lo\nweb: {listen: 80}",
					    "destination: '::1'", "write: w"};
	char line[256];

	(void)state;
	complete("proxy: {listen: 53}\nrules: log .");
	assert_int_equal(completed.input, CONFIG_INPUT_NONE);
	assert_false(config_has_capture(&completed));
	assert_string_equal(completed.control, CONFIG_CONTROL_SOCKET);
	complete("proxy: {listen: 53}\nrules: log .\nweb: {listen: 80}");
	assert_int_equal(completed.input, CONFIG_INPUT_NONE);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(line, sizeof(line), "proxy: {listen: 53}\nrules: log .\n%s", texts[i]);
		complete(line);
		assert_true(config_has_capture(&completed));
	}
	assert_incomplete("proxy: {listen: 53}\nrules: log .\ninterface: lo", "output dst missing");
}

static void test_the_proxy_changes_without_a_restart(void **state)
{
	(void)state;
	assert_true(compare("rules: [log a, log b]\nproxy: {listen: 53}",
			    "rules: [log a, log c]\nproxy: {listen: [53, 54], cache-size: 0}\n"
			    "rules-file: f\nlists: a=f\ndry-run: true"));
	assert_string_equal(differences, "proxy.listen 53 -> 53,54;proxy.cache-size 64 -> 0;"
					 "rules log a,log b -> log a,log c;rules-file  -> f;"
					 "lists  -> a=f;dry-run false -> true;");
	assert_true(compare("proxy: {endpoints: '[::1]:53'}", "proxy: {endpoints: '[::1]:54'}"));
	assert_string_equal(differences, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_configurations_do_not_differ),
		cmocka_unit_test(test_each_difference_is_told_with_both_values),
		cmocka_unit_test(test_long_lists_are_told_from_what_differs),
		cmocka_unit_test(test_what_needs_a_restart_says_so),
		cmocka_unit_test(test_of_the_preflight_only_input_and_ids_are_told),
		cmocka_unit_test(test_live_runs_have_a_control_socket_and_files_when_asked),
		cmocka_unit_test(test_sections_and_outputs_are_compared),
		cmocka_unit_test(test_records_outputs_or_the_web_are_something_to_do),
		cmocka_unit_test(test_messages_go_with_events_only_where_they_are_needed),
		cmocka_unit_test(test_the_web_listens_on_a_port_or_an_address_with_one),
		cmocka_unit_test(test_without_credentials_the_web_stays_on_loopback),
		cmocka_unit_test(test_own_addresses_are_addresses),
		cmocka_unit_test(test_tables_are_some_and_shown_ones_are_counted),
		cmocka_unit_test(test_the_proxy_listens_on_addresses_and_ports),
		cmocka_unit_test(test_mapped_listeners_are_refused_with_a_hint),
		cmocka_unit_test(test_other_listeners_are_refused),
		cmocka_unit_test(test_clients_of_the_proxy_are_prefixes),
		cmocka_unit_test(test_rules_and_what_acts_on_them_need_each_other),
		cmocka_unit_test(test_the_proxy_alone_captures_nothing),
		cmocka_unit_test(test_the_proxy_changes_without_a_restart),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
