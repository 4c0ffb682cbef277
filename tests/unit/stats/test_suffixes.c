/* SPDX-License-Identifier: BSD-3-Clause */
/* Against libpsl, a reader of the list by another hand, for the whole list. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libpsl.h>

#include "dns/name.h"
#include "stats/punycode.h"
#include "stats/suffixes.h"
#include "tests/lib/file.h"

#define LIST "/usr/share/publicsuffix/public_suffix_list.dat"

static struct slice text_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* The registered domain of a name, "" when it is a suffix itself. */
static const char *registered(const struct suffixes *suffixes, const char *name)
{
	static char text[DNS_NAME_TEXT_MAX];
	uint8_t wire[DNS_NAME_MAX], length;
	struct suffixes_split split;

	assert_true(name_parse(name, wire, &length));
	split = suffixes_split(suffixes, (struct slice){wire, length});
	assert_int_equal(suffixes_registered(suffixes, (struct slice){wire, length}),
			 split.registered);
	assert_true(split.registered < length && split.tld < length);
	name_format(wire + split.registered, text);
	return text;
}

static void test_suffixes_follow_the_rules(void **state)
{
	struct suffixes *suffixes = suffixes_new(text_of("// a comment\n"
							 "com\r\n"
							 "co.uk and what follows a blank\n"
							 "\n"
							 "*.ck\n"
							 "!www.ck\n"
							 "a.*.b\n"
							 "!\n"
							 "..\n"
							 "рф\n"
							 "jp\n"
							 "*.kobe.jp"));

	(void)state;
	assert_int_equal(suffixes_count(suffixes), 7);
	assert_string_equal(registered(suffixes, "www.example.com"), "example.com");
	assert_string_equal(registered(suffixes, "WWW.Example.COM"), "Example.COM");
	assert_string_equal(registered(suffixes, "example.com"), "example.com");
	assert_string_equal(registered(suffixes, "com"), "com");
	assert_string_equal(registered(suffixes, "."), "");
	assert_string_equal(registered(suffixes, "a.b.example.co.uk"), "example.co.uk");
	assert_string_equal(registered(suffixes, "a.b.example.uk"), "example.uk");
	assert_string_equal(registered(suffixes, "a.b.c.ck"), "b.c.ck");
	assert_string_equal(registered(suffixes, "c.ck"), "c.ck");
	assert_string_equal(registered(suffixes, "a.www.ck"), "www.ck");
	assert_string_equal(registered(suffixes, "a.b.c.d.kobe.jp"), "c.d.kobe.jp");
	assert_string_equal(registered(suffixes, "a.b.example.xn--p1ai"), "example.xn--p1ai");
	assert_string_equal(registered(suffixes, "host.lan.unknown"), "lan.unknown");
	assert_true(suffixes_is_tld(suffixes, text_of("CoM")));
	assert_true(suffixes_is_tld(suffixes, text_of("ck")));
	assert_false(suffixes_is_tld(suffixes, text_of("co")));
	assert_false(suffixes_is_tld(suffixes, text_of("")));
	suffixes_free(suffixes);
}

static void test_suffixes_without_a_list_cut_at_the_last_label(void **state)
{
	struct suffixes *suffixes = suffixes_new((struct slice){0});

	(void)state;
	assert_int_equal(suffixes_count(suffixes), 0);
	assert_string_equal(registered(suffixes, "a.example.co.uk"), "co.uk");
	assert_false(suffixes_is_tld(suffixes, text_of("com")));
	suffixes_free(suffixes);
}

static void test_suffixes_of_the_longest_names(void **state)
{
	struct suffixes *suffixes = suffixes_new(text_of("a\na.a\na.a.a\n"));
	uint8_t wire[DNS_NAME_MAX] = {0};

	(void)state;
	for (uint32_t i = 0; i < 254; i += 2) {
		wire[i] = 1;
		wire[i + 1] = 'a';
	}
	assert_int_equal(suffixes_registered(suffixes, (struct slice){wire, DNS_NAME_MAX}), 246);
	suffixes_free(suffixes);
}

static void compare(const struct suffixes *suffixes, const psl_ctx_t *psl, const char *name)
{
	const char *wanted = psl_registrable_domain(psl, name);

	if (strcmp(registered(suffixes, name), wanted ? wanted : name) != 0)
		fail_msg("%s: %s, libpsl says %s", name, registered(suffixes, name), wanted);
}

/* Each rule as a name, and with labels in front of it. What a wildcard stands behind is a suffix
 * for libpsl, but not by the list's own algorithm. */
static void compare_line(const struct suffixes *suffixes, const psl_ctx_t *psl, char *line)
{
	char rule[256] = "", name[300];
	uint8_t label[PUNYCODE_LABEL_MAX];
	bool is_wildcard;

	line[strcspn(line, " \t\r\n")] = '\0';
	if (!*line || !strncmp(line, "//", 2))
		return;
	line += *line == '!';
	is_wildcard = !strncmp(line, "*.", 2);
	line += is_wildcard ? 2 : 0;
	for (char *part = strtok(line, "."); part; part = strtok(NULL, ".")) {
		uint8_t length = punycode_encode(text_of(part), label);

		assert_true(length);
		snprintf(rule + strlen(rule), sizeof(rule) - strlen(rule), "%s%.*s",
			 *rule ? "." : "", length, (const char *)label);
	}
	if (!is_wildcard)
		compare(suffixes, psl, rule);
	snprintf(name, sizeof(name), "one.%s", rule);
	compare(suffixes, psl, name);
	snprintf(name, sizeof(name), "two.one.%s", rule);
	compare(suffixes, psl, name);
	snprintf(name, sizeof(name), "www.three.two.one.%s", rule);
	compare(suffixes, psl, name);
}

static void test_suffixes_agree_with_libpsl(void **state)
{
	psl_ctx_t *psl = psl_load_file(LIST);
	FILE *file = fopen(LIST, "r");
	struct suffixes *suffixes;
	struct slice text;
	char line[512];

	(void)state;
	if (!psl || !file) {
		print_message(LIST " is not installed\n");
		skip();
	}
	assert_int_equal(file_map(LIST, &text), 0);
	suffixes = suffixes_new(text);
	assert_int_equal(suffixes_count(suffixes),
			 psl_suffix_count(psl) + psl_suffix_exception_count(psl));
	while (fgets(line, sizeof(line), file))
		compare_line(suffixes, psl, line);
	fclose(file);
	suffixes_free(suffixes);
	psl_free(psl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suffixes_follow_the_rules),
		cmocka_unit_test(test_suffixes_without_a_list_cut_at_the_last_label),
		cmocka_unit_test(test_suffixes_of_the_longest_names),
		cmocka_unit_test(test_suffixes_agree_with_libpsl),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
