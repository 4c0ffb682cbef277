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
#include "dns/name.h"
#include "rules/lists.h"

#define MILLION 1000000u

static const struct hash_key key = {{5, 6}};
static struct lists_report reports[LISTS_MAX];
static const struct lists *lists;
static void *memory;
static size_t size;

static struct slice slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* Takes a copy of exactly the size, so that a sanitizer sees every read too far. */
static void compile(const struct lists_source *sources, uint32_t count)
{
	void *compiled = lists_compile(sources, count, &key, reports, &size);

	assert_non_null(compiled);
	free(memory);
	memory = malloc(size);
	memcpy(memory, compiled, size);
	free(compiled);
	lists = lists_open(memory, size);
	assert_non_null(lists);
}

static int teardown(void **state)
{
	(void)state;
	free(memory);
	memory = NULL;
	return 0;
}

static bool has(uint32_t number, const char *text)
{
	uint8_t wire[DNS_NAME_MAX], length;

	assert_true(name_parse(text, wire, &length));
	return lists_match(lists, number, (struct slice){wire, length});
}

static void compile_three(void)
{
	const struct lists_source sources[] = {
		{.name = "ads",
		 .format = LIST_AUTO,
		 .text = slice_of("||ads.example^\n@@||ok.ads.example^\n##.ad\na..b\n")},
		{.name = "empty", .format = LIST_AUTO, .text = slice_of("# nothing\n")},
		{.name = "hosts",
		 .format = LIST_HOSTS,
		 .text = slice_of("0.0.0.0 a.example b.example\n::1 a.example\n")},
	};

	compile(sources, 3);
}

static void test_each_list_has_its_names(void **state)
{
	(void)state;
	compile_three();
	assert_int_equal(lists_count(lists), 3);
	assert_true(has(0, "x.ads.example"));
	assert_false(has(0, "ok.ads.example"));
	assert_false(has(0, "a.example"));
	assert_false(has(1, "ads.example"));
	assert_false(has(1, "."));
	assert_true(has(2, "A.example"));
	assert_false(has(2, "x.a.example"));
	assert_int_equal(lists_entries(lists, 0), 2);
	assert_int_equal(lists_entries(lists, 1), 0);
	assert_int_equal(lists_entries(lists, 2), 2);
}

static void test_reports_tell_what_became_of_each(void **state)
{
	(void)state;
	memset(reports, 0xff, sizeof(reports));
	compile_three();
	assert_int_equal(reports[0].format, LIST_ADBLOCK);
	assert_int_equal(reports[0].entries, 2);
	assert_int_equal(reports[0].left_out, 1);
	assert_int_equal(reports[0].bad, 1);
	assert_int_equal(reports[0].first_bad, 4);
	assert_string_equal(reports[0].problem, "a..b is no name");
	assert_int_equal(reports[1].entries, 0);
	assert_int_equal(reports[2].entries, 2);
	assert_int_equal(reports[2].bad, 0);
	assert_string_equal(reports[2].problem, "");
}

static void test_list_is_found_by_its_name(void **state)
{
	struct lists_source source = {.name = "x"};

	(void)state;
	compile_three();
	assert_int_equal(lists_find(lists, "ads"), 0);
	assert_int_equal(lists_find(lists, "hosts"), 2);
	assert_int_equal(lists_find(lists, "Hosts"), -1);
	assert_int_equal(lists_find(lists, ""), -1);
	assert_string_equal(lists_name(lists, 1), "empty");
	memset(source.name, 'n', sizeof(source.name) - 1);
	compile(&source, 1);
	assert_int_equal(lists_find(lists, source.name), 0);
}

static void test_list_has_what_is_told_of_it(void **state)
{
	char path[2 * LISTS_TEXT_MAX];
	const struct lists_source sources[] = {
		{.name = "a", .file = "/lists/a", .remark = "/lists/b: is empty"},
		{.name = "b", .file = path},
		{.name = "c"},
	};

	(void)state;
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	compile(sources, 3);
	assert_string_equal(lists_file(lists, 0), "/lists/a");
	assert_string_equal(lists_remark(lists, 0), "/lists/b: is empty");
	path[LISTS_TEXT_MAX - 1] = '\0';
	assert_string_equal(lists_file(lists, 1), path);
	assert_string_equal(lists_remark(lists, 1), "");
	assert_string_equal(lists_file(lists, 2), "");
}

static void test_there_may_be_no_list(void **state)
{
	(void)state;
	compile(NULL, 0);
	assert_int_equal(lists_count(lists), 0);
	assert_int_equal(lists_find(lists, "ads"), -1);
}

static void test_there_may_be_as_many_as_are_allowed(void **state)
{
	static struct lists_source sources[LISTS_MAX];
	char text[LISTS_MAX][20];

	(void)state;
	for (unsigned i = 0; i < LISTS_MAX; i++) {
		sprintf(sources[i].name, "list%u", i);
		sources[i].text = slice_of(text[i]);
		sources[i].text.length = (size_t)sprintf(text[i], "n%u.example", i);
	}
	compile(sources, LISTS_MAX);
	for (unsigned i = 0; i < LISTS_MAX; i++)
		for (unsigned k = 0; k < LISTS_MAX; k++)
			assert_int_equal(has(i, text[k]), i == k);
}

static void test_copy_of_a_list_has_what_it_had(void **state)
{
	struct lists_source sources[] = {
		{.name = "new", .format = LIST_AUTO, .text = slice_of("new.example\n")},
		{.name = "kept", .format = LIST_HOSTS},
	};
	static const struct hash_key other_key = {{7, 8}};
	void *before, *after;
	size_t after_size;

	(void)state;
	compile_three();
	before = memory;
	memory = NULL;
	sources[1].text = lists_copy(lists, 0);
	sources[1].is_copy = true;
	after = lists_compile(sources, 2, &other_key, reports, &after_size);
	memset(before, 0xff, size);
	free(before);
	lists = lists_open(after, after_size);
	assert_non_null(lists);
	assert_true(has(0, "x.new.example"));
	assert_true(has(1, "x.ads.example"));
	assert_false(has(1, "ok.ads.example"));
	assert_int_equal(reports[1].entries, 2);
	assert_int_equal(reports[1].bad, 0);
	assert_int_equal(lists_find(lists, "kept"), 1);
	free(after);
}

static void test_damaged_copy_is_refused(void **state)
{
	struct lists_source source = {.name = "damaged", .is_copy = true};
	size_t ignored;
	uint8_t *copy;

	(void)state;
	compile_three();
	source.text = lists_copy(lists, 0);
	copy = malloc(source.text.length);
	memcpy(copy, source.text.data, source.text.length);
	source.text.data = copy;
	source.text.length--;
	assert_null(lists_compile(&source, 1, &key, reports, &ignored));
	source.text.length++;
	copy[0] ^= 1;
	assert_null(lists_compile(&source, 1, &key, reports, &ignored));
	free(copy);
}

/* Whoever writes a file of a list has no say in how its octets are looked up. */
static void test_file_with_octets_of_a_list_is_text(void **state)
{
	struct lists_source source = {.name = "file", .format = LIST_NAMES};
	uint8_t *copy;

	(void)state;
	compile_three();
	source.text = lists_copy(lists, 0);
	copy = malloc(source.text.length);
	memcpy(copy, source.text.data, source.text.length);
	source.text.data = copy;
	compile(&source, 1);
	assert_int_equal(reports[0].format, LIST_NAMES);
	assert_int_equal(lists_entries(lists, 0), 0);
	assert_true(reports[0].bad > 0);
	free(copy);
}

static void test_memory_that_is_cut_is_refused(void **state)
{
	(void)state;
	compile_three();
	assert_null(lists_open(NULL, 0));
	for (size_t cut = 0; cut + 8 <= size; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, memory, cut);
		assert_null(lists_open(copy, cut));
		free(copy);
	}
}

static void test_memory_at_an_odd_place_is_refused(void **state)
{
	uint8_t *moved;

	(void)state;
	compile_three();
	moved = malloc(size + 8);
	for (size_t at = 0; at <= 8; at++) {
		memcpy(moved + at, memory, size);
		assert_int_equal(lists_open(moved + at, size) != NULL, at % 8 == 0);
	}
	free(moved);
}

/* Each octet, changed: what is still opened can be asked, and a sanitizer looks on. */
static void test_memory_that_is_changed_is_refused_or_harmless(void **state)
{
	static const uint8_t values[] = {0, 1, 8, 0x7f, 0x80, 0xff};
	uint8_t *octets;

	(void)state;
	compile_three();
	octets = memory;
	for (size_t at = 0; at < size; at++) {
		uint8_t kept = octets[at];

		for (size_t i = 0; i < sizeof(values); i++) {
			octets[at] = values[i];
			lists = lists_open(memory, size);
			for (uint32_t n = 0; lists && n < lists_count(lists); n++) {
				lists_find(lists, "none");
				assert_true(strlen(lists_name(lists, n)) < LISTS_NAME_MAX);
				assert_true(strlen(lists_file(lists, n)) < LISTS_TEXT_MAX);
				assert_true(strlen(lists_remark(lists, n)) < LISTS_TEXT_MAX);
				has(n, "x.ok.ads.example");
				has(n, "b.example");
				has(n, ".");
			}
		}
		octets[at] = kept;
	}
}

static void test_million_hosts_take_64_bytes_each(void **state)
{
	struct lists_source source = {.name = "million", .format = LIST_AUTO};
	char *text = malloc(MILLION * 48), *end = text, name[64];
	int64_t begun_ns;

	(void)state;
	for (unsigned i = 0; i < MILLION; i++)
		end += sprintf(end, "0.0.0.0 ads%u.tr%x.example\n", i % 97, i * 2654435761u);
	source.text = (struct slice){(const uint8_t *)text, (size_t)(end - text)};
	begun_ns = clock_monotonic_ns();
	compile(&source, 1);
	printf("# %zu bytes a name, compiled in %lld ms\n", size / MILLION,
	       (long long)(clock_monotonic_ns() - begun_ns) / 1000000);
	assert_int_equal(lists_entries(lists, 0), MILLION);
	assert_true(size <= 64 * MILLION);
	for (unsigned i = 0; i < MILLION; i += 1009) {
		sprintf(name, "ads%u.tr%x.example", i % 97, i * 2654435761u);
		assert_true(has(0, name));
		assert_false(has(0, strchr(name, '.') + 1));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_list_has_its_names),
		cmocka_unit_test(test_reports_tell_what_became_of_each),
		cmocka_unit_test(test_list_is_found_by_its_name),
		cmocka_unit_test(test_list_has_what_is_told_of_it),
		cmocka_unit_test(test_there_may_be_no_list),
		cmocka_unit_test(test_there_may_be_as_many_as_are_allowed),
		cmocka_unit_test(test_copy_of_a_list_has_what_it_had),
		cmocka_unit_test(test_damaged_copy_is_refused),
		cmocka_unit_test(test_file_with_octets_of_a_list_is_text),
		cmocka_unit_test(test_memory_that_is_cut_is_refused),
		cmocka_unit_test(test_memory_at_an_odd_place_is_refused),
		cmocka_unit_test(test_memory_that_is_changed_is_refused_or_harmless),
		cmocka_unit_test(test_million_hosts_take_64_bytes_each),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, teardown);
}
