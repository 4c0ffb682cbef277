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

#include "base/random.h"
#include "config/schema.h"
#include "config/text.h"
#include "net/decode.h"

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
	struct config config;

	assert_false(parse(&config, string));
	assert_string_equal(error, line);
}

static void assert_printed_again(const struct config *config)
{
	static char second[CONFIG_PRINTED_MAX];
	struct config again;

	assert_true(config_print(config, CONFIG_TEXT_HANDED_OVER, text, sizeof(text)) > 0);
	if (!config_parse(&again, CONFIG_TEXT_HANDED_OVER, "f", slice_of(text), error))
		fail_msg("%s\n%s", error, text);
	assert_memory_equal(config, &again, sizeof(again));
	assert_true(config_print(&again, CONFIG_TEXT_HANDED_OVER, second, sizeof(second)) > 0);
	assert_string_equal(text, second);
}

static void test_values_are_named_as_the_options(void **state)
{
	struct config config;

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
	struct config config;

	(void)state;
	assert_parsed(&config, "mdns: false\nno-promiscuous: false\nchecksum-split: false\n");
	assert_memory_equal(&config, &config_default, sizeof(config));
}

static void test_one_value_is_a_list_of_one(void **state)
{
	struct config config;

	(void)state;
	assert_parsed(&config, "port: 54\ndestination: a.example:7\n");
	assert_int_equal(config.port_count, 1);
	assert_int_equal(config.ports[0], 54);
	assert_int_equal(config.destination_count, 1);
	assert_int_equal(config.destinations[0].endpoint.port, 7);
}

static void test_the_later_of_two_that_mean_one_counts(void **state)
{
	struct config config;

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
	struct config config;

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
		       "f:1:8: split: sideways is not destination, checksum or flow");
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
	struct config config;

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
	assert_refused("{a: b}: c", "f:1:1: a key is one word");
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
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(parse(&config, texts[i]));
		assert_non_null(strstr(error, "anchors, aliases and tags have no use here"));
	}
}

static void test_what_is_not_yaml_has_a_place(void **state)
{
	struct config config;

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
	struct config config;

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
	struct config config;
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

static struct config example(void)
{
	struct config config = config_default;

	strcpy(config.interface, "eth0.7");
	strcpy(config.filter, "udp and (\"quoted\" \\ or\n\ttab \x80)");
	strcpy(config.write_file, "- \"dash\"");
	strcpy(config.config_file, "/etc/dnsflow.conf");
	config.is_promiscuous = false;
	config.share_index = 2;
	config.share_count = 5;
	config.split = SPLIT_FLOW;
	config.tunnels = 0x81;
	config.are_tunnels_set = true;
	config.is_jmirror_last = true;
	config.input = CONFIG_INPUT_STREAM;
	config.uid = UINT32_MAX;
	return config;
}

static void test_printed_text_parses_to_the_same(void **state)
{
	struct config config = example();

	(void)state;
	assert_printed_again(&config);
	assert_printed_again(&config_default);
}

static void test_a_printed_file_has_no_key_of_the_preflight(void **state)
{
	struct config config = example(), again;

	(void)state;
	assert_true(config_print(&config, CONFIG_TEXT_FILE, text, sizeof(text)) > 0);
	assert_parsed(&again, text);
	assert_non_null(strstr(text, "no-promiscuous: true\n"));
	assert_null(strstr(text, "uid:"));
	assert_string_equal(again.filter, config.filter);
	assert_int_equal(again.uid, 0);
	assert_string_equal(again.config_file, "");
}

static void test_every_text_survives(void **state)
{
	static const char *const texts[] = {
		"\"",
		"\\",
		"'",
		"# no comment",
		"- item",
		"key: value",
		"null",
		" space ",
		"%",
		"\x7f",
		"\r\n\t\v\x01\x1b",
		"m\xc3\xbcller",
		"\xe2\x82\xac",
		"\xf0\x9f\x90\x9f",
		"\x80",
		"\xff\xfe",
		"\xc3",
		"\xc3(",
		"\xbf\xbf",
		"\xfc\x84\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xc0\x80",
		"\xe0\x80\x80",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xc2\x80",
		"\xc2\x85",
		"\xe2\x80\xa8",
		"\xef\xbb\xbf",
		"\xef\xbf\xbe",
		"\xef\xbf\xbf",
		"\xee\xbd\xbf",
		"\xee\xbe\x80",
		"\xee\xbf\xbf",
		"\xef\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct config config = config_default;

		strcpy(config.read_file, texts[i]);
		assert_printed_again(&config);
	}
}

static void test_characters_are_printed_as_they_are(void **state)
{
	struct config config = config_default;

	(void)state;
	strcpy(config.read_file, "m\xc3\xbcller \x80\"");
	assert_true(config_print(&config, CONFIG_TEXT_FILE, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "read: \"m\xc3\xbcller \\uef80\\x22\"\n"));
}

static void fill_text(struct random *random, char *out, size_t size)
{
	size_t length = random_below(random, random_below(random, 8) ? 20 : size) % size;

	for (size_t i = 0; i < length; i++)
		out[i] = (char)(1 + random_below(random, 255));
	out[length] = '\0';
}

static void add_item(struct random *random, struct config *config, const struct setting *setting)
{
	char value[64], problem[SETTING_ERROR_MAX];

	if (setting->kind == SETTING_PORTS)
		snprintf(value, sizeof(value), "%u", (unsigned int)random_below(random, 65536));
	else
		snprintf(value, sizeof(value), "host-%u:%u", (unsigned int)random_next(random),
			 1 + (unsigned int)random_below(random, 65535));
	assert_true(setting_parse(config, setting, value, problem));
}

static void fill_setting(struct random *random, struct config *config,
			 const struct setting *setting)
{
	void *member = (char *)config + setting->offset;

	if (setting_is_list(setting))
		for (uint64_t i = random_below(random, 11); i > 0; i--)
			add_item(random, config, setting);
	else if (setting->kind == SETTING_TEXT)
		fill_text(random, member, setting->size);
	else if (setting->kind == SETTING_FLAG)
		*(bool *)member = random_below(random, 2);
	else if (setting->kind == SETTING_NUMBER && random_below(random, 2))
		*(uint32_t *)member =
			setting->least + (uint32_t)random_below(random, (uint64_t)setting->most -
										setting->least + 1);
}

static struct config random_config(struct random *random)
{
	struct config config = config_default;

	for (size_t i = 0; i < settings_count; i++)
		fill_setting(random, &config, &settings[i]);
	config.share_count = 1 + (uint32_t)random_below(random, UINT32_MAX);
	config.share_index = (uint32_t)random_below(random, config.share_count);
	config.split = (enum split_by)random_below(random, 3);
	config.input = (enum config_input)random_below(random, 3);
	config.are_tunnels_set = random_below(random, 2);
	config.tunnels =
		config.are_tunnels_set ? (uint32_t)random_below(random, TUNNEL_ALL + 1) : 0;
	return config;
}

static void test_random_configurations_survive(void **state)
{
	struct random random = {{1, 2, 3, 4}};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct config config = random_config(&random);

		assert_printed_again(&config);
	}
}

static void test_the_longest_configuration_fits(void **state)
{
	struct config config = config_default;

	(void)state;
	for (size_t i = 0; i < settings_count; i++)
		if (settings[i].kind == SETTING_TEXT)
			memset((char *)&config + settings[i].offset, 0xff, settings[i].size - 1);
	config.destination_count = CONFIG_DESTINATIONS_MAX;
	for (size_t i = 0; i < CONFIG_DESTINATIONS_MAX; i++)
		memset(config.destinations[i].text, 'a', sizeof(config.destinations[i].text) - 1);
	assert_true(config_print(&config, CONFIG_TEXT_HANDED_OVER, text, sizeof(text)) > 0);
}

static void test_text_that_does_not_fit_is_an_error(void **state)
{
	char small[64];

	(void)state;
	assert_int_equal(
		config_print(&config_default, CONFIG_TEXT_HANDED_OVER, small, sizeof(small)),
		-ENOSPC);
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
	struct config config;

	(void)state;
	read_example();
	assert_parsed(&config, text);
	assert_memory_equal(&config, &config_default, sizeof(config));
}

/* "#key: value" is a setting, "# text" a comment. */
static void test_the_example_has_every_key(void **state)
{
	struct config config;

	(void)state;
	for (size_t i = 0, length = read_example(); i < length; i++)
		if (text[i] == '#' && (i == 0 || text[i - 1] == '\n') &&
		    (text[i + 1] != ' ' || text[i + 2] == ' ') && text[i + 1] != '#')
			text[i] = ' ';
	for (size_t i = 0; i < settings_count; i++) {
		char key[64];

		snprintf(key, sizeof(key), "\n %s:", settings[i].name);
		assert_int_equal(!strstr(text, key), settings[i].is_private);
	}
	assert_parsed(&config, text);
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
		cmocka_unit_test(test_printed_text_parses_to_the_same),
		cmocka_unit_test(test_a_printed_file_has_no_key_of_the_preflight),
		cmocka_unit_test(test_every_text_survives),
		cmocka_unit_test(test_characters_are_printed_as_they_are),
		cmocka_unit_test(test_random_configurations_survive),
		cmocka_unit_test(test_the_longest_configuration_fits),
		cmocka_unit_test(test_text_that_does_not_fit_is_an_error),
		cmocka_unit_test(test_the_example_is_valid_and_sets_nothing),
		cmocka_unit_test(test_the_example_has_every_key),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
