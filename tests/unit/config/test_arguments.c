/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/arguments.h"
#include "config/text.h"
#include "net/decode.h"

static char error[CONFIG_ERROR_MAX];

/* Splits a command line at its spaces and parses it. */
static enum config_result parse_over(struct config *config, const char *line)
{
	static char copy[4096];
	char *argv[64] = {"dnsflow"};
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	error[0] = '\0';
	return config_parse_arguments(config, argc, argv, error);
}

static enum config_result parse(struct config *config, const char *line)
{
	*config = config_default;
	return parse_over(config, line);
}

static void assert_refused(const char *line, const char *reason)
{
	static struct config config;

	assert_int_equal(parse(&config, line), CONFIG_ERROR);
	if (!strstr(error, reason))
		fail_msg("%s: \"%s\" does not contain \"%s\"", line, error, reason);
	assert_null(strchr(error, '\n'));
}

static void test_short_and_long_options_mean_the_same(void **state)
{
	static const char *const pairs[][2] = {
		{"-i eth0", "--interface eth0"},
		{"-r f", "--read f"},
		{"-f udp", "--filter=udp"},
		{"-d 54", "--port 54"},
		{"-Y", "--mdns"},
		{"-p", "--no-promiscuous"},
		{"-s 3", "--sample 3"},
		{"-X 9", "--pcap-port 9"},
		{"-J 9", "--jmirror-port 9"},
		{"-u ::1", "--destination ::1"},
		{"-w f", "--write f"},
		{"-M 2", "--workers 2"},
		{"-c", "--checksum-split"},
		{"-c", "--split checksum"},
		{"-m 2/3", "--share 2/3"},
		{"-P p", "--pid-file p"},
	};
	static struct config a, b;

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		assert_int_equal(parse(&a, pairs[i][0]), CONFIG_OK);
		assert_int_equal(parse(&b, pairs[i][1]), CONFIG_OK);
		assert_memory_equal(&a, &b, sizeof(a));
		assert_memory_not_equal(&a, &config_default, sizeof(a));
	}
}

static void test_destinations_take_addresses_names_and_ports(void **state)
{
	static struct config config;
	char text[ENDPOINT_TEXT_MAX];

	(void)state;
	assert_int_equal(parse(&config, "-u 192.0.2.1 -u 192.0.2.2:99 -u 2001:db8::1 -u "
					"[2001:db8::2]:99 -u a.example -u b:7"),
			 CONFIG_OK);
	assert_int_equal(config.destination_count, 6);
	assert_string_equal(endpoint_format(&config.destinations[0].endpoint, text),
			    "192.0.2.1:5300");
	assert_string_equal(endpoint_format(&config.destinations[1].endpoint, text),
			    "192.0.2.2:99");
	assert_string_equal(endpoint_format(&config.destinations[2].endpoint, text),
			    "[2001:db8::1]:5300");
	assert_string_equal(endpoint_format(&config.destinations[3].endpoint, text),
			    "[2001:db8::2]:99");
	assert_int_equal(config.destinations[4].endpoint.address.version, 0);
	assert_int_equal(config.destinations[4].endpoint.port, 5300);
	assert_int_equal(config.destinations[5].endpoint.port, 7);
}

static void test_bad_destinations_are_refused(void **state)
{
	(void)state;
	assert_refused("-u 1.2.3", "invalid ip: 1.2.3");
	assert_refused("-u 1.2.3.4:0", "invalid ip");
	assert_refused("-u 1.2.3.4:65536", "invalid ip");
	assert_refused("-u 1.2.3.4:x", "invalid ip");
	assert_refused("-u [::1", "invalid ip");
	assert_refused("-u [::1]x", "invalid ip");
	assert_refused("-u :53", "invalid ip");
	assert_refused("-u a_b/c", "invalid ip");
	assert_refused("-u 1.1.1.1 -u 1.1.1.2 -u 1.1.1.3 -u 1.1.1.4 -u 1.1.1.5 -u 1.1.1.6 -u "
		       "1.1.1.7 -u 1.1.1.8 "
		       "-u 1.1.1.9 -u 1.1.1.10 -u 1.1.1.11",
		       "too many udp dsts");
}

static void test_ports_are_base_zero_unique_and_at_most_ten(void **state)
{
	static struct config config;
	uint16_t ports[CONFIG_ALL_PORTS_MAX];

	(void)state;
	assert_int_equal(parse(&config, "-d 53 -d 0x35 -d 065 -d 5353 -Y"), CONFIG_OK);
	assert_int_equal(config_ports(&config, ports), 2);
	assert_int_equal(parse(&config, "-Y"), CONFIG_OK);
	assert_int_equal(config_ports(&config, ports), 2);
	assert_int_equal(ports[1], 5353);
	assert_int_equal(parse(&config, "-d 1 -d 2 -d 3 -d 4 -d 5 -d 6 -d 7 -d 8 -d 9 -d 10 -Y"),
			 CONFIG_OK);
	assert_int_equal(config_ports(&config, ports), 11);
	assert_refused("-d 1 -d 2 -d 3 -d 4 -d 5 -d 6 -d 7 -d 8 -d 9 -d 10 -d 11",
		       "too many ports");
	assert_refused("-d 65536", "invalid port");
	assert_refused("-d 53x", "invalid port");
	assert_refused("-d -1", "invalid port");
}

static void test_shares_are_checked(void **state)
{
	static struct config config;

	(void)state;
	assert_int_equal(parse(&config, "-m 2/3"), CONFIG_OK);
	assert_int_equal(config.share_index, 1);
	assert_int_equal(config.share_count, 3);
	assert_refused("-m 0/3", "invalid multiproc option -- 0/3");
	assert_refused("-m 4/3", "invalid multiproc option");
	assert_refused("-m 1/0", "invalid multiproc option");
	assert_refused("-m 1", "invalid multiproc option");
	assert_refused("-m 1/2x", "invalid multiproc option");
	assert_refused("-m -1/2", "invalid multiproc option");
}

static void test_tunnels_are_named(void **state)
{
	static struct config config;

	(void)state;
	assert_int_equal(parse(&config, "--tunnels gre,teredo"), CONFIG_OK);
	assert_int_equal(config.tunnels, TUNNEL_GRE | TUNNEL_TEREDO);
	assert_int_equal(parse(&config, "--tunnels all"), CONFIG_OK);
	assert_int_equal(config.tunnels, TUNNEL_ALL);
	assert_int_equal(parse(&config, "--tunnels none"), CONFIG_OK);
	assert_int_equal(config.tunnels, 0);
	assert_refused("--tunnels gre,qinq", "unknown tunnel: qinq");
}

static void test_wrong_options_are_named(void **state)
{
	(void)state;
	assert_refused("-Z", "unknown option: -Z");
	assert_refused("--nonsense", "unknown option: --nonsense");
	assert_refused("-u", "option needs an argument: -u");
	assert_refused("--write", "option needs an argument");
	assert_refused("-M 65 -u 1.2.3.4", "invalid workers: 65");
	assert_refused("-s 65536", "invalid sample");
	assert_refused("-u 1.2.3.4 stray", "unexpected argument: stray");
}

static void test_help_and_version_are_recognised(void **state)
{
	static struct config config;

	(void)state;
	assert_int_equal(parse(&config, "-h"), CONFIG_HELP);
	assert_int_equal(parse(&config, "--help"), CONFIG_HELP);
	assert_int_equal(parse(&config, "--version"), CONFIG_VERSION);
}

static void parse_file(struct config *config, const char *text)
{
	assert_true(config_parse(config, CONFIG_TEXT_FILE, "f",
				 (struct slice){(const uint8_t *)text, strlen(text)}, error));
}

static void test_the_command_line_goes_over_a_file(void **state)
{
	static struct config config;

	(void)state;
	parse_file(&config, "workers: 2\nsample: 9\nport: [1, 2, 3]\ndestination: [a, b]\n"
			    "split: flow\njmirror-port: 9\nmdns: true\n");
	assert_int_equal(parse_over(&config, "--config f -M 3 -d 4 -d 5 -c -X 7"), CONFIG_OK);
	assert_string_equal(config.config_file, "f");
	assert_int_equal(config.worker_count, 3);
	assert_int_equal(config.sample_rate, 9);
	assert_int_equal(config.port_count, 2);
	assert_int_equal(config.ports[0], 4);
	assert_int_equal(config.destination_count, 2);
	assert_int_equal(config.split, SPLIT_CHECKSUM);
	assert_false(config.is_jmirror_last);
	assert_true(config.is_mdns);
}

static void test_a_flag_given_twice_is_on(void **state)
{
	static struct config config;

	(void)state;
	parse_file(&config, "mdns: true\nno-promiscuous: true\n");
	assert_int_equal(parse_over(&config, "-Y -p -p"), CONFIG_OK);
	assert_true(config.is_mdns);
	assert_false(config.is_promiscuous);
}

static void test_of_single_values_the_last_counts(void **state)
{
	static struct config config;

	(void)state;
	assert_int_equal(parse(&config, "-i a -i b -M 2 -M 3 --split flow -c"), CONFIG_OK);
	assert_string_equal(config.interface, "b");
	assert_int_equal(config.worker_count, 3);
	assert_int_equal(config.split, SPLIT_CHECKSUM);
}

static void test_completion_follows_from_the_rest(void **state)
{
	static struct config config;

	(void)state;
	parse(&config, "-i eth0");
	assert_false(config_complete(&config, 4, NULL, error));
	assert_non_null(strstr(error, "output dst missing"));
	parse(&config, "-u 1.2.3.4 -M 0");
	assert_true(config_complete(&config, 5, NULL, error));
	assert_int_equal(config.worker_count, 2);
	assert_int_equal(config.tunnels, 0);
	parse(&config, "-u 1.2.3.4 -M 0");
	assert_true(config_complete(&config, 1, NULL, error));
	assert_int_equal(config.worker_count, 1);
	parse(&config, "-r f -w g -s 1 -m 1/2 -M 4");
	assert_true(config_complete(&config, 8, NULL, error));
	assert_int_equal(config.tunnels, TUNNEL_ALL);
	assert_int_equal(config.sample_rate, 0);
	assert_int_equal(config.worker_count, 1);
	parse(&config, "-u 1.2.3.4 --segments 1402 --max-payload 1475");
	assert_true(config_complete(&config, 1, NULL, error));
	assert_int_equal(config.segment_size, 1400);
	assert_int_equal(config.payload_max, 1472);
	parse(&config, "-w f --segments 1400");
	assert_false(config_complete(&config, 1, NULL, error));
	parse(&config, "-u 1.2.3.4 --segments 1400 --max-payload 1300");
	assert_false(config_complete(&config, 1, NULL, error));
}

static void test_sections_are_options_with_a_dot(void **state)
{
	static struct config config;

	(void)state;
	assert_int_equal(parse(&config,
			       "--web.listen 8080 --statistics.enable --web.hosts a --web.hosts b "
			       "--statistics.tables a/query --geoip.country-iso"),
			 CONFIG_OK);
	assert_string_equal(config.web.listen, "8080");
	assert_string_equal(config.web.hosts, "a\nb");
	assert_true(config.statistics.is_enabled);
	assert_string_equal(config.statistics.tables, "a/query");
	assert_true(config.geoip.is_country_iso);
	assert_refused("--web.max-connections 0", "invalid web.max-connections: 0 is not a number");
	assert_refused("--web.endpoint 1.2.3.4:5", "unknown option");
}

static void test_outputs_replace_those_of_a_file(void **state)
{
	static struct config config;

	(void)state;
	parse_file(&config,
		   "outputs: [{type: stdout}, {type: metrics}]\nweb: {listen: 1, hosts: a}");
	assert_int_equal(parse_over(&config, "--output file,path=/x --web.hosts b"), CONFIG_OK);
	assert_int_equal(config.output_count, 1);
	assert_int_equal(config.outputs[0].kind, OUTPUT_FILE);
	assert_string_equal(config.web.hosts, "b");
	assert_string_equal(config.web.listen, "1");
	assert_int_equal(parse_over(&config, "--output stdout --output tcp,address=a:1"),
			 CONFIG_OK);
	assert_int_equal(config.output_count, 2);
	assert_refused("--output ftp", "invalid output: type: ftp is not stdout");
}

static void test_a_check_is_asked_for(void **state)
{
	static struct config config;

	(void)state;
	assert_int_equal(parse(&config, "--check -M 3"), CONFIG_CHECK);
	assert_int_equal(config.worker_count, 3);
	assert_int_equal(parse(&config, "-M 3 --print-config"), CONFIG_PRINT);
	assert_int_equal(parse(&config, "--check -h"), CONFIG_HELP);
	assert_int_equal(parse(&config, "--check -M x"), CONFIG_ERROR);
}

static void test_usage_names_every_option(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	config_print_usage(out);
	fclose(out);
	for (const char *letter = "irfdYpsXJuwMcmPh"; *letter; letter++) {
		char option[16];

		snprintf(option, sizeof(option), "  -%c, --", *letter);
		assert_non_null(strstr(text, option));
	}
	assert_non_null(strstr(text, "\nWeb API\n      --web.listen [ADDRESS:]PORT\n"));
	assert_non_null(strstr(text, "      --output TYPE[,KEY=VALUE]...\n"));
	free(text);
}

static void test_options_of_the_proxy_fill_its_settings(void **state)
{
	static struct config config;

	(void)state;
	assert_int_equal(parse(&config,
			       "--proxy.listen 53 --proxy.listen [::1]:54 --proxy.allow ::/0 "
			       "--proxy.timeout 10 --proxy.prefetch --rules f --list a=f "
			       "--list b=rpz:g --dry-run"),
			 CONFIG_OK);
	assert_string_equal(config.proxy.listen, "53\n[::1]:54");
	assert_string_equal(config.proxy.allow, "::/0");
	assert_int_equal(config.proxy.timeout_ms, 10);
	assert_true(config.proxy.prefetches);
	assert_string_equal(config.rules_file, "f");
	assert_string_equal(config.lists, "a=f\nb=rpz:g");
	assert_true(config.is_dry_run);
	assert_refused("--proxy.listen ns1", "invalid proxy.listen: ns1 is neither an address");
	assert_refused("--proxy.allow 10.0.0.0/33",
		       "invalid proxy.allow: 10.0.0.0/33 is no prefix");
	assert_refused("--proxy.retries 6", "6 is not a number from 0 to 5");
	assert_refused("--list a", "invalid list: a is not NAME=[FORMAT:]FILE");
	assert_refused("--proxy.endpoints ::1", "unknown option");
	assert_refused("--rules-file f", "unknown option");
	assert_refused("--lists a=f", "unknown option");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_and_long_options_mean_the_same),
		cmocka_unit_test(test_destinations_take_addresses_names_and_ports),
		cmocka_unit_test(test_bad_destinations_are_refused),
		cmocka_unit_test(test_ports_are_base_zero_unique_and_at_most_ten),
		cmocka_unit_test(test_shares_are_checked),
		cmocka_unit_test(test_tunnels_are_named),
		cmocka_unit_test(test_wrong_options_are_named),
		cmocka_unit_test(test_help_and_version_are_recognised),
		cmocka_unit_test(test_the_command_line_goes_over_a_file),
		cmocka_unit_test(test_a_flag_given_twice_is_on),
		cmocka_unit_test(test_of_single_values_the_last_counts),
		cmocka_unit_test(test_completion_follows_from_the_rest),
		cmocka_unit_test(test_sections_are_options_with_a_dot),
		cmocka_unit_test(test_outputs_replace_those_of_a_file),
		cmocka_unit_test(test_a_check_is_asked_for),
		cmocka_unit_test(test_usage_names_every_option),
		cmocka_unit_test(test_options_of_the_proxy_fill_its_settings),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
