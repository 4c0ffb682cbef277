/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "rules/pattern.h"

static struct pattern_scratch *scratch;
static char error[PATTERN_ERROR_MAX];

static int setup(void **state)
{
	(void)state;
	scratch = pattern_scratch_new();
	return !scratch;
}

static int teardown(void **state)
{
	(void)state;
	pattern_scratch_free(scratch);
	return 0;
}

static struct slice text_slice(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

static bool is_match(const char *text, enum pattern_kind kind, const char *subject)
{
	struct pattern *pattern = pattern_new(text, kind, error);
	bool is_matched;

	assert_non_null(pattern);
	is_matched = pattern_match(pattern, scratch, text_slice(subject));
	pattern_free(pattern);
	return is_matched;
}

static bool is_in_name(const char *text, const char *name)
{
	return is_match(text, PATTERN_IN_NAME, name);
}

static void test_pattern_matches_anywhere_in_any_case(void **state)
{
	(void)state;
	assert_true(is_in_name("EXAMPLE", "www.example.org."));
	assert_true(is_in_name("^www\\.", "WWW.example.org."));
	assert_false(is_in_name("^example", "www.example.org."));
	assert_true(is_in_name("", "."));
	assert_true(is_in_name("^\\.$", "."));
}

/* spec/sentry.md 9 */
static void test_published_rule_sets_work(void **state)
{
	(void)state;
	assert_true(is_in_name("^(.*).xxx", "axxxb.com."));
	assert_false(is_in_name("^(.*).xxx", "xxx.com."));
	assert_true(is_in_name("^www.google.com", "www.google.com.evil.org."));
	assert_true(is_in_name("^(.*)porn|foo|bar(.*).(.*)", "a.food.org."));
	assert_true(is_in_name("com.$", "example.com."));
	assert_true(is_in_name("^(?!www).*$", "ftp.example.com."));
}

static void test_final_dollar_is_before_the_root_too(void **state)
{
	(void)state;
	assert_true(is_in_name("com$", "example.com."));
	assert_true(is_in_name("com\\.$", "example.com."));
	assert_false(is_in_name("com$", "example.community."));
	assert_false(is_in_name("example$", "example.com."));
	assert_true(is_in_name("a\\\\\\\\$", "a\\\\."));
	assert_true(is_in_name("\\$", "a$b."));
	assert_false(is_in_name("com\\$", "example.com."));
	assert_true(is_in_name("$", "."));
	assert_true(is_in_name("org$|com$", "example.com."));
	assert_false(is_in_name("org$|com$", "example.org.")); /* only the final one */
}

/* spec/sentry.md 4.2: expressions are Python's. */
static void test_quantifier_may_lack_its_least_number(void **state)
{
	(void)state;
	assert_true(is_in_name("^a{,3}\\.$", "aaa."));
	assert_true(is_in_name("^a{,3}\\.$", "."));
	assert_false(is_in_name("^a{,3}\\.$", "aaaa."));
	assert_true(is_in_name("^(a{,1}b{,12}){,2}c{,}$", "abbabccc."));
	assert_true(is_match("^a{,2}$", PATTERN_AT_START, "aa"));
	assert_false(is_match("^a{,2}$", PATTERN_AT_START, "aaa"));
}

static void test_braces_that_are_no_quantifier_stay_characters(void **state)
{
	static const char *const texts[] = {"^a\\{,5}$",     "^a[{],5}$",
					    "^\\Qa{,5}\\E$", "^[]a[:alpha:]]\\{,5}$",
					    "^a\\{[,]5}$",   "^a[^]x]?{[,5}]*$"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_true(is_match(texts[i], PATTERN_AT_START, "a{,5}"));
	assert_true(is_match("^[a{,5}]+$", PATTERN_AT_START, ",{5}a"));
	assert_false(is_match("^[a{,5}]+$", PATTERN_AT_START, "0"));
	assert_true(is_match("^a{,b}$", PATTERN_AT_START, "a{,b}"));
	assert_true(is_match("^a{,5$", PATTERN_AT_START, "a{,5"));
}

static void test_start_anchors_any_text(void **state)
{
	(void)state;
	assert_true(is_match("res", PATTERN_AT_START, "resolver-1"));
	assert_true(is_match("RES.*1", PATTERN_AT_START, "resolver-1"));
	assert_false(is_match("solver", PATTERN_AT_START, "resolver-1"));
	assert_false(is_match("a|solver", PATTERN_AT_START, "resolver-1"));
	assert_true(is_match("resolver-1$", PATTERN_AT_START, "resolver-1"));
	assert_false(is_match("resolver-1$", PATTERN_AT_START, "resolver-1\n"));
	assert_false(is_match("resolver$", PATTERN_AT_START, "resolver."));
	assert_true(is_match("^$", PATTERN_AT_START, ""));
}

static void test_subject_is_octets(void **state)
{
	struct pattern *pattern = pattern_new("^r.\\xff\\x00.$", PATTERN_AT_START, error);

	(void)state;
	assert_true(pattern_match(pattern, scratch,
				  (struct slice){(const uint8_t *)"R\200\377\0\303", 5}));
	assert_true(pattern_match(pattern, scratch,
				  (struct slice){(const uint8_t *)"r\377\377\0.", 5}));
	assert_false(pattern_match(pattern, scratch, (struct slice){NULL, 0}));
	pattern_free(pattern);
}

static void assert_wrong(const char *text, const char *expected)
{
	assert_null(pattern_new(text, PATTERN_IN_NAME, error));
	assert_string_equal(error, expected);
}

static void test_wrong_patterns_are_told(void **state)
{
	char text[1000];

	(void)state;
	assert_wrong("(abc.de", "(abc.de: missing closing parenthesis at 7");
	assert_wrong("(com$", "(com$: missing closing parenthesis at 5");
	assert_wrong("a{,2}(", "a{,2}(: missing closing parenthesis at 6");
	assert_wrong("*", "*: quantifier does not follow a repeatable item at 0");
	memset(text, '(', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_null(pattern_new(text, PATTERN_IN_NAME, error));
	assert_true(strlen(error) < sizeof(error));
	assert_null(pattern_new("(*UTF)a", PATTERN_IN_NAME, error));
}

static void test_groups_are_what_they_took(void **state)
{
	struct pattern *two = pattern_new("^(a+)(x)?\\.(b+)", PATTERN_IN_NAME, error);
	struct pattern *none = pattern_new("b", PATTERN_IN_NAME, error);
	struct slice subject = text_slice("aaa.bb.org."), group;

	(void)state;
	assert_true(pattern_match(two, scratch, subject));
	group = pattern_group(scratch, subject, 1);
	assert_int_equal(group.length, 3);
	assert_ptr_equal(group.data, subject.data);
	assert_int_equal(pattern_group(scratch, subject, 2).length, 0);
	group = pattern_group(scratch, subject, 3);
	assert_int_equal(group.length, 2);
	assert_ptr_equal(group.data, subject.data + 4);
	assert_int_equal(pattern_group(scratch, subject, 4).length, 0);
	assert_int_equal(pattern_group(scratch, subject, 99).length, 0);
	assert_true(pattern_match(none, scratch, subject));
	assert_int_equal(pattern_group(scratch, subject, 1).length, 0);
	pattern_free(two);
	pattern_free(none);
}

static void test_more_groups_than_are_kept_do_no_harm(void **state)
{
	struct slice subject = text_slice("abcdefghijkl.");
	struct pattern *pattern =
		pattern_new("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)", PATTERN_IN_NAME, error);

	(void)state;
	assert_true(pattern_match(pattern, scratch, subject));
	assert_ptr_equal(pattern_group(scratch, subject, 9).data, subject.data + 8);
	assert_int_equal(pattern_group(scratch, subject, 10).length, 0);
	pattern_free(pattern);
}

static void test_pattern_that_takes_too_long_is_given_up(void **state)
{
	struct pattern *pattern = pattern_new("^(a|aa)+$", PATTERN_IN_NAME, error);
	char name[256];
	int64_t start;

	(void)state;
	memset(name, 'a', sizeof(name) - 2);
	memcpy(name + sizeof(name) - 2, "!", 2);
	assert_int_equal(pattern_limits_reached(scratch), 0);
	start = clock_monotonic_ns();
	assert_false(pattern_match(pattern, scratch, text_slice(name)));
	printf("# given up after %lld us\n", (long long)(clock_monotonic_ns() - start) / 1000);
	assert_int_equal(pattern_limits_reached(scratch), 1);
	assert_false(pattern_match(pattern, scratch, text_slice("b.")));
	assert_true(pattern_match(pattern, scratch, text_slice("aaaa.")));
	assert_int_equal(pattern_limits_reached(scratch), 1);
	pattern_free(pattern);
}

/* How often a limit ends the match with the longest text of a name: 250 octets 0x01. */
static uint64_t limits_of(const char *text, bool has_code)
{
	uint64_t before = pattern_limits_reached(scratch);
	struct pattern *pattern = has_code ? pattern_new(text, PATTERN_IN_NAME, error)
					   : pattern_parse(text, PATTERN_IN_NAME, error);
	char name[1005];

	for (size_t i = 0; i < 1003; i++)
		name[i] = "\\001"[i % 4];
	strcpy(name + 1003, ".");
	assert_non_null(pattern);
	assert_false(pattern_match(pattern, scratch, text_slice(name)));
	pattern_free(pattern);
	return pattern_limits_reached(scratch) - before;
}

/* PCRE2 counts anew at each octet where a match may start: all of them together took 46 ms. */
static void test_limit_holds_for_all_starts_together(void **state)
{
	static const char *const texts[] = {
		"(.{1,200}){2}[xz]", ".{1,36}.{1,36}.{1,36}[xz]", "(*NO_JIT)(.{1,200}){2}[xz]",
		"(*NO_JIT).{1,36}.{1,36}.{1,36}[xz]", "(*NO_START_OPT).*.{1,200}[xz]"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(limits_of(texts[i], true), 1);
		assert_int_equal(limits_of(texts[i], false), 1);
	}
	assert_int_equal(limits_of("^(.{1,200}){2}[xz]", true), 0);
	assert_int_equal(limits_of("(.*)(.{1,20})[xz]", true), 0); /* one start as well */
}

static void test_ordinary_patterns_match_in_the_longest_names(void **state)
{
	static const char *const texts[] = {"ads[0-9]*\\.",	   "(a|b)+\\.ads7",
					    "([ab]+\\.)+ads7\\.x", "(.*)b(.*)ads(.*)x$",
					    "[^.]+\\.[^.]+\\.x$",  "(.+)\\.(.+)\\.x$",
					    "\\bads7\\b",	   "b.*\\.ads7\\.x"};
	uint64_t before = pattern_limits_reached(scratch);
	char name[255];

	(void)state;
	for (size_t i = 0; i < 246; i++)
		name[i] = "abbaabbababbaabbaab."[i % 20];
	strcpy(name + 246, ".ads7.x.");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_true(is_in_name(texts[i], name));
	assert_int_equal(pattern_limits_reached(scratch), before);
}

/* Octets that are written as four make the longest texts: no way past a pattern. */
static void test_linear_patterns_match_in_the_longest_texts(void **state)
{
	static const char *const texts[] = {"ads?(.*)track(.*)", "(.)*track", "(ads)(.|-)*track"};
	char text[1004] = "ads-track.";

	(void)state;
	for (size_t at = strlen(text); at < sizeof(text) - 6; at += 4)
		memcpy(text + at, "\\001", 4);
	memcpy(text + sizeof(text) - 6, ".com.", 6);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct pattern *pattern = pattern_new(texts[i], PATTERN_IN_NAME, error);

		assert_true(pattern_match(pattern, scratch, text_slice(text)));
		pattern_free(pattern);
	}
}

static void test_longest_names_reach_no_limit_of_sane_patterns(void **state)
{
	static const char *const texts[] = {"^((a|b)*\\.)*(a|b)*x", "^(.*)a(.*)b(.*)x$",
					    "(.+)\\.(.+)\\.(.+)\\.x$", "^([a-z0-9-]+\\.)+x$",
					    "^(.*)porn|foo|bar(.*).(.*)"};
	uint64_t before = pattern_limits_reached(scratch);
	char name[255];

	(void)state;
	for (size_t i = 0; i < sizeof(name) - 2; i++)
		name[i] = "abbaabbababbaabbaab."[i % 20];
	name[sizeof(name) - 2] = '.';
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_false(is_in_name(texts[i], name));
	assert_int_equal(pattern_limits_reached(scratch), before);
}

static void test_pattern_is_interpreted_where_there_is_no_machine_code(void **state)
{
	struct pattern *pattern = pattern_new("(*NO_JIT)^(a|aa)+$", PATTERN_IN_NAME, error);
	uint64_t before = pattern_limits_reached(scratch);
	struct slice subject = text_slice("aaaa.");

	(void)state;
	assert_true(pattern_match(pattern, scratch, subject));
	assert_int_equal(pattern_group(scratch, subject, 1).length, 1);
	assert_false(pattern_match(pattern, scratch, text_slice("aab.")));
	assert_int_equal(pattern_limits_reached(scratch), before);
	assert_false(pattern_match(pattern, scratch,
				   text_slice("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab.")));
	assert_int_equal(pattern_limits_reached(scratch), before + 1);
	pattern_free(pattern);
}

/* Executable memory that belongs to no file, by its permissions. */
static unsigned count_pages(const char *permissions)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], found[8];
	unsigned count = 0;
	int name;

	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%*x-%*x %7s %*s %*s %*u %n", found, &name) == 1 &&
		    !strcmp(found, permissions) && !line[name])
			count++;
	fclose(maps);
	return count;
}

static void test_code_can_be_executed_and_not_written(void **state)
{
	struct pattern *patterns[300];
	char text[64];

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "^(a|b)*x%zu.*(c|d)+\\.org$", i);
		patterns[i] = pattern_new(text, PATTERN_IN_NAME, error);
		assert_non_null(patterns[i]);
		assert_int_equal(count_pages("rwxp"), 0);
	}
	assert_true(count_pages("r-xp") > 0);
	for (size_t i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "aabx%zu.d.org.", i);
		assert_true(pattern_match(patterns[i], scratch, text_slice(text)));
		pattern_free(patterns[i]);
		assert_int_equal(count_pages("rwxp"), 0);
	}
}

static void test_many_patterns_are_compiled_at_once(void **state)
{
	struct pattern *patterns[1001];
	int64_t start = clock_monotonic_ns();
	char text[64];

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "^(.*)name%zu.com", i);
		patterns[i] = pattern_parse(text, PATTERN_IN_NAME, error);
		assert_non_null(patterns[i]);
	}
	patterns[1000] = NULL;
	assert_true(pattern_match(patterns[7], scratch, text_slice("name7.com.")));
	patterns_compile(patterns, 1001);
	printf("# compiled in %lld us\n", (long long)(clock_monotonic_ns() - start) / 1000);
	assert_int_equal(count_pages("rwxp"), 0);
	assert_true(count_pages("r-xp") > 0);
	for (size_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "www.name%zu.com.", i);
		assert_true(pattern_match(patterns[i], scratch, text_slice(text)));
		assert_false(pattern_match(patterns[i], scratch, text_slice("name.com.")));
	}
	patterns_free(patterns, 1001);
	assert_int_equal(count_pages("rwxp"), 0);
}

static void test_what_matches_no_name_is_doubtful(void **state)
{
	static const char *const sound[] = {
		"^(.*)$",     "com$",	   "com.$|org\\.$", "a\\$|b",	 "[a $]b", "\\Qa $\\Eb",
		"^$|a",	      "(?x)a b",   "(?i-s)a",	    "a\\ b",	 "a ?b *", "(.*)$|a",
		"(?ix: a b)", "a[^.]+$|b", "a\\w$|b",	    "(?x) a # b"};
	static const char *const blanks[] = {"name is in ads", "foo with",  "a|b c",	"(?i)a b",
					     "(?:x y)",	       "(?<x>a) b", "(?-x)a b", "a +"};
	static const char *const dollars[] = {"a$|b$", "(com|net)$|org", "(com$)", "a-$|b",
					      "a+$|b"};

	(void)state;
	for (size_t i = 0; i < sizeof(sound) / sizeof(*sound); i++)
		if (pattern_doubt(sound[i]) != PATTERN_SOUND)
			fail_msg("%s", sound[i]);
	for (size_t i = 0; i < sizeof(blanks) / sizeof(*blanks); i++)
		if (pattern_doubt(blanks[i]) != PATTERN_HAS_BLANK)
			fail_msg("%s", blanks[i]);
	for (size_t i = 0; i < sizeof(dollars) / sizeof(*dollars); i++)
		if (pattern_doubt(dollars[i]) != PATTERN_HAS_DOLLAR)
			fail_msg("%s", dollars[i]);
}

static void test_groups_are_counted(void **state)
{
	struct pattern *patterns[] = {
		pattern_parse("^a|b", PATTERN_IN_NAME, error),
		pattern_parse("(a)(?:b)((c))\\(", PATTERN_IN_NAME, error),
		pattern_parse("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)", PATTERN_IN_NAME, error),
	};

	(void)state;
	assert_int_equal(pattern_group_count(patterns[0]), 0);
	assert_int_equal(pattern_group_count(patterns[1]), 3);
	assert_int_equal(pattern_group_count(patterns[2]), 10);
	patterns_free(patterns, 3);
}

static void test_what_is_known_to_be_everything_matches_it(void **state)
{
	static const char *const texts[] = {
		"^(.*)", "^(.*)$", "^.*",  "^.*$",  "(.*)", "(.*)$", ".*", ".*$", "^(.+)", "^(.+)$",
		"^.+",	 "^.+$",   "(.+)", "(.+)$", ".+",   ".+$",   ".",  "^.",  "^",	   "$",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_true(pattern_is_everything(texts[i]));
		assert_true(is_in_name(texts[i], "."));
		assert_true(is_in_name(texts[i], "www.example.org."));
	}
	assert_false(pattern_is_everything("^.$"));
	assert_false(pattern_is_everything("^(.*)\\.$"));
	assert_false(pattern_is_everything(""));
	assert_false(pattern_is_everything("a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern_matches_anywhere_in_any_case),
		cmocka_unit_test(test_published_rule_sets_work),
		cmocka_unit_test(test_final_dollar_is_before_the_root_too),
		cmocka_unit_test(test_quantifier_may_lack_its_least_number),
		cmocka_unit_test(test_braces_that_are_no_quantifier_stay_characters),
		cmocka_unit_test(test_start_anchors_any_text),
		cmocka_unit_test(test_subject_is_octets),
		cmocka_unit_test(test_wrong_patterns_are_told),
		cmocka_unit_test(test_groups_are_what_they_took),
		cmocka_unit_test(test_more_groups_than_are_kept_do_no_harm),
		cmocka_unit_test(test_pattern_that_takes_too_long_is_given_up),
		cmocka_unit_test(test_limit_holds_for_all_starts_together),
		cmocka_unit_test(test_ordinary_patterns_match_in_the_longest_names),
		cmocka_unit_test(test_linear_patterns_match_in_the_longest_texts),
		cmocka_unit_test(test_longest_names_reach_no_limit_of_sane_patterns),
		cmocka_unit_test(test_pattern_is_interpreted_where_there_is_no_machine_code),
		cmocka_unit_test(test_code_can_be_executed_and_not_written),
		cmocka_unit_test(test_many_patterns_are_compiled_at_once),
		cmocka_unit_test(test_what_matches_no_name_is_doubtful),
		cmocka_unit_test(test_groups_are_counted),
		cmocka_unit_test(test_what_is_known_to_be_everything_matches_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
