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
#include "config/outputs.h"
#include "config/print.h"
#include "config/schema.h"
#include "net/decode.h"

static struct config config, again;
static char error[CONFIG_ERROR_MAX];
static char text[CONFIG_PRINTED_MAX];

static struct slice slice_of(const char *string)
{
	return (struct slice){(const uint8_t *)string, strlen(string)};
}

static void parse_again(enum config_text kind)
{
	if (!config_parse(&again, kind, "f", slice_of(text), error))
		fail_msg("%s\n%s", error, text);
}

static void assert_printed_again(void)
{
	static char second[CONFIG_PRINTED_MAX];

	assert_true(config_print(&config, CONFIG_TEXT_HANDED_OVER, text, sizeof(text)) > 0);
	parse_again(CONFIG_TEXT_HANDED_OVER);
	assert_int_equal(memcmp(&config, &again, sizeof(config)), 0);
	assert_true(config_print(&again, CONFIG_TEXT_HANDED_OVER, second, sizeof(second)) > 0);
	assert_string_equal(text, second);
}

static void set_example(void)
{
	config = config_default;
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
	config.geoip.is_country_iso = true;
	assert_true(outputs_parse(&config, "file,path=a,filter.type=A,filter.type=MX", error));
	assert_true(outputs_parse(&config, "tcp,address=192.0.2.1:9,delimiter=\\,\\n", error));
}

static void test_printed_text_parses_to_the_same(void **state)
{
	(void)state;
	set_example();
	assert_printed_again();
	config = config_default;
	assert_printed_again();
}

static void test_a_printed_file_has_no_key_of_the_preflight(void **state)
{
	(void)state;
	set_example();
	assert_true(outputs_complete(&config, error));
	assert_true(config_print(&config, CONFIG_TEXT_FILE, text, sizeof(text)) > 0);
	parse_again(CONFIG_TEXT_FILE);
	assert_non_null(strstr(text, "no-promiscuous: true\n"));
	assert_null(strstr(text, "uid:"));
	assert_null(strstr(text, "endpoint:"));
	assert_string_equal(again.filter, config.filter);
	assert_int_equal(again.uid, 0);
	assert_string_equal(again.config_file, "");
}

static void test_a_printed_file_has_of_outputs_what_is_not_the_default(void **state)
{
	(void)state;
	set_example();
	assert_true(config_print(&config, CONFIG_TEXT_FILE, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "\noutputs:\n"
				     "  - type: file\n"
				     "    filter:\n"
				     "      type:\n"
				     "        - \"A\"\n"
				     "        - \"MX\"\n"
				     "    path: \"a\"\n"
				     "  - type: tcp\n"
				     "    address: \"192.0.2.1:9\"\n"
				     "    transport: tcp\n"
				     "    delimiter: \",\\x0a\"\n"
				     "statistics:\n"
				     "  enable: false\n"));
}

static void test_what_is_handed_over_has_every_key_of_an_output(void **state)
{
	char key[SETTING_NAME_MAX + 8];

	(void)state;
	set_example();
	assert_true(outputs_complete(&config, error));
	for (uint32_t i = 0; i < config.output_count; i++) /* the only ones that may be unknown */
		config.outputs[i].filter.latency_ms_least =
			config.outputs[i].filter.latency_ms_most = i;
	assert_true(config_print(&config, CONFIG_TEXT_HANDED_OVER, text, sizeof(text)) > 0);
	for (size_t i = 0; i < schema_output.count; i++) {
		const char *name = schema_output.settings[i].name;
		const size_t section = schema_section_length(name);

		snprintf(key, sizeof(key), " %s:", name + (section ? section + 1 : 0));
		assert_non_null(strstr(text, key));
	}
	assert_printed_again();
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
		config = config_default;
		strcpy(config.read_file, texts[i]);
		assert_printed_again();
	}
}

static void test_rules_survive(void **state)
{
	static const char rules[] = "block ^ads\\.\n"
				    "block \"quoted\" 'too' # no comment\n"
				    "resolve ^(.*)m\xc3\xbcller\xf0\x9f\x90\x9f using 192.0.2.1 ,\n"
				    "- [log]: {a, b}\n"
				    "log \xff\xc3(\t\x7f";

	(void)state;
	config = config_default;
	strcpy(config.rules, rules);
	strcpy(config.lists, "ads=hosts:/a \"b\"\nmore=/c\\d");
	config.is_dry_run = true;
	assert_printed_again();
	assert_string_equal(again.rules, rules);
	assert_true(config_print(&config, CONFIG_TEXT_FILE, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "\nrules:\n  - \"block ^ads\\x5c.\"\n"));
}

static void test_thousands_of_rules_survive(void **state)
{
	char *end = config.rules;

	(void)state;
	config = config_default;
	for (int i = 0; i < 5000; i++)
		end += sprintf(end, "%sblock ^(.*)host-%d\\.example\\.com if type is MX",
			       i ? "\n" : "", i);
	assert_printed_again();
	assert_false(config_compare(&config, &again, NULL, NULL));
	strcat(again.rules, "\nlog x");
	assert_false(setting_is_same(&config, &again, schema_find(&schema_config, "rules")));
}

static void test_characters_are_printed_as_they_are(void **state)
{
	(void)state;
	config = config_default;
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

static void add_item(struct random *random, void *base, const struct setting *setting)
{
	char value[64], problem[SETTING_ERROR_MAX];

	if (setting->kind == SETTING_PORTS)
		snprintf(value, sizeof(value), "%u", (unsigned int)random_below(random, 65536));
	else if (setting->kind == SETTING_ENDPOINTS)
		snprintf(value, sizeof(value), "[2001:db8::%x]:%u",
			 (unsigned int)random_below(random, 65536),
			 1 + (unsigned int)random_below(random, 65535));
	else
		snprintf(value, sizeof(value), "host-%u:%u", (unsigned int)random_next(random),
			 1 + (unsigned int)random_below(random, 65535));
	assert_true(setting_parse(base, setting, value, problem));
}

static void fill_list(struct random *random, void *base, const struct setting *setting)
{
	setting_clear(base, setting);
	for (uint64_t i = random_below(random, 11); i > 0; i--)
		add_item(random, base, setting);
}

static void fill_word(struct random *random, void *member, const struct setting *setting)
{
	uint32_t count = 0;

	while (setting->words[count])
		count++;
	if (setting->size == sizeof(bool))
		*(bool *)member = random_below(random, 2);
	else
		*(uint32_t *)member = (uint32_t)random_below(random, count);
}

static void fill_number(struct random *random, uint32_t *number, const struct setting *setting)
{
	const uint64_t range = (uint64_t)setting->most - setting->least + 1;

	if (random_below(random, 2))
		*number = setting->least + (uint32_t)random_below(random, range);
}

static void fill_setting(struct random *random, void *base, const struct setting *setting)
{
	void *member = (char *)base + setting->offset;
	struct endpoint *endpoint = member;

	switch (setting->kind) {
	case SETTING_FLAG:
		*(bool *)member = random_below(random, 2);
		break;
	case SETTING_TEXT:
	case SETTING_ESCAPED:
		fill_text(random, member, setting->size);
		break;
	case SETTING_LIST:
	case SETTING_PORTS:
	case SETTING_ENDPOINTS:
	case SETTING_DESTINATIONS:
		fill_list(random, base, setting);
		break;
	case SETTING_NUMBER:
	case SETTING_TUNNEL_PORT:
		fill_number(random, member, setting);
		break;
	case SETTING_POWER:
		*(uint32_t *)member = 1u << random_below(random, 11);
		break;
	case SETTING_REAL:
		if (random_below(random, 2))
			*(double *)member = (double)random_next(random) / (double)(1ull << 40);
		break;
	case SETTING_WORD:
		fill_word(random, member, setting);
		break;
	case SETTING_ENDPOINT:
		if (random_below(random, 2))
			config_parse_endpoint("[2001:db8::1]:99", endpoint);
		break;
	default:
		break;
	}
}

static void fill(struct random *random, const struct schema *schema, void *base)
{
	for (size_t i = 0; i < schema->count; i++)
		fill_setting(random, base, &schema->settings[i]);
}

static void set_random(struct random *random)
{
	config = config_default;
	fill(random, &schema_config, &config);
	config.share_count = 1 + (uint32_t)random_below(random, UINT32_MAX);
	config.share_index = (uint32_t)random_below(random, config.share_count);
	config.are_tunnels_set = random_below(random, 2);
	config.tunnels =
		config.are_tunnels_set ? (uint32_t)random_below(random, TUNNEL_ALL + 1) : 0;
	for (uint64_t i = random_below(random, 4); i > 0; i--) {
		struct config_output *output = outputs_add(&config);

		fill(random, &schema_output, output);
		if (output->kind == OUTPUT_TCP && output->transport == OUTPUT_OVER_UDP)
			output->transport = OUTPUT_OVER_TLS; /* what is complete is not so */
		assert_true(outputs_settle(output, error));
	}
}

/* What is random is no rule, nor a place to listen. */
static void clear_checked(void)
{
	for (size_t i = 0; i < schema_config.count; i++)
		if (schema_config.settings[i].check)
			setting_clear(&config, &schema_config.settings[i]);
}

static void assert_outputs_survive_in_a_file(void)
{
	clear_checked();
	assert_true(config_print(&config, CONFIG_TEXT_FILE, text, sizeof(text)) > 0);
	parse_again(CONFIG_TEXT_FILE);
	assert_int_equal(config.output_count, again.output_count);
	for (uint32_t i = 0; i < config.output_count; i++) {
		again.outputs[i].endpoint = config.outputs[i].endpoint; /* the preflight's */
		again.outputs[i].line = again.outputs[i].column = 0;
	}
	assert_int_equal(memcmp(config.outputs, again.outputs, sizeof(config.outputs)), 0);
}

static void test_random_configurations_survive(void **state)
{
	struct random random = {{1, 2, 3, 4}};

	(void)state;
	for (int i = 0; i < 300; i++) {
		set_random(&random);
		assert_printed_again();
		assert_outputs_survive_in_a_file();
	}
}

static void fill_texts(const struct schema *schema, void *base)
{
	for (const struct setting *setting = schema->settings;
	     setting < schema->settings + schema->count; setting++) {
		char *member = (char *)base + setting->offset;

		if (setting->kind != SETTING_TEXT && setting->kind != SETTING_ESCAPED &&
		    setting->kind != SETTING_LIST)
			continue;
		memset(member, 0xff, setting->size - 1);
		for (size_t end = CONFIG_TEXT_MAX - 1; end < setting->size - 1;
		     end += CONFIG_TEXT_MAX)
			member[end] = '\n';
	}
}

static void test_the_longest_configuration_with_an_output_fits(void **state)
{
	(void)state;
	config = config_default;
	fill_texts(&schema_config, &config);
	config.destination_count = CONFIG_DESTINATIONS_MAX;
	for (size_t i = 0; i < CONFIG_DESTINATIONS_MAX; i++)
		memset(config.destinations[i].text, 'a', sizeof(config.destinations[i].text) - 1);
	fill_texts(&schema_output, outputs_add(&config));
	config.outputs[0].kind = OUTPUT_FILE;
	config.outputs[0].transport = OUTPUT_OVER_UDP;
	assert_true(config_print(&config, CONFIG_TEXT_HANDED_OVER, text, sizeof(text)) > 0);
}

static void test_text_that_does_not_fit_is_an_error(void **state)
{
	char small[64];

	(void)state;
	assert_int_equal(
		config_print(&config_default, CONFIG_TEXT_HANDED_OVER, small, sizeof(small)),
		-ENOSPC);
	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		config.outputs[i] = config.outputs[0];
		config.output_count = (uint32_t)i + 1;
	}
	assert_int_equal(config_print(&config, CONFIG_TEXT_HANDED_OVER, text, sizeof(text)),
			 -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printed_text_parses_to_the_same),
		cmocka_unit_test(test_a_printed_file_has_no_key_of_the_preflight),
		cmocka_unit_test(test_a_printed_file_has_of_outputs_what_is_not_the_default),
		cmocka_unit_test(test_what_is_handed_over_has_every_key_of_an_output),
		cmocka_unit_test(test_every_text_survives),
		cmocka_unit_test(test_rules_survive),
		cmocka_unit_test(test_thousands_of_rules_survive),
		cmocka_unit_test(test_characters_are_printed_as_they_are),
		cmocka_unit_test(test_random_configurations_survive),
		cmocka_unit_test(test_the_longest_configuration_with_an_output_fits),
		cmocka_unit_test(test_text_that_does_not_fit_is_an_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
