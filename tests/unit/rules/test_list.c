/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/random.h"
#include "dns/name.h"
#include "rules/list.h"
#include "rules/names.h"

#define MODEL_ROUNDS 2000
#define MODEL_NAMES  20
#define MODEL_ASKED  50
#define MILLION	     1000000

static const struct hash_key key = {{1, 2}};
static struct names names;
static struct list *list;

static void build(const char *text)
{
	char error[NAMES_ERROR_MAX];

	names_fini(&names);
	free(list);
	assert_int_equal(
		names_parse(&names, (struct slice){(const uint8_t *)text, strlen(text)}, error), 0);
	/* Exactly the size: a sanitizer sees what is read or written behind it. */
	list = malloc(list_size(names_slice(&names)));
	list_build(list, names_slice(&names), &key);
}

static int teardown(void **state)
{
	(void)state;
	names_fini(&names);
	free(list);
	return 0;
}

static bool is_in(const char *text)
{
	uint8_t wire[DNS_NAME_MAX], length, *copy;
	bool is_matched;

	assert_true(name_parse(text, wire, &length));
	copy = malloc(length);
	memcpy(copy, wire, length);
	is_matched = list_match(list, (struct slice){copy, length});
	free(copy);
	return is_matched;
}

static void test_name_matches_itself_and_all_below(void **state)
{
	(void)state;
	build("example.org\nwww.example.net\n");
	assert_int_equal(list_count(list), 2);
	assert_true(is_in("example.org"));
	assert_true(is_in("www.example.org"));
	assert_true(is_in("a.b.c.d.e.f.example.org"));
	assert_true(is_in("www.example.net"));
	assert_true(is_in("x.www.example.net"));
	assert_false(is_in("example.net"));
	assert_false(is_in("ftp.example.net"));
	assert_false(is_in("org"));
	assert_false(is_in("."));
	assert_false(is_in("example.org.evil"));
	assert_false(is_in("badexample.org"));
	assert_false(is_in("example.orgx"));
}

static void test_case_of_letters_does_not_matter(void **state)
{
	(void)state;
	build("ExAmPlE.oRg\nexample.ORG");
	assert_int_equal(list_count(list), 1);
	assert_true(is_in("www.EXAMPLE.org"));
	assert_false(is_in("www.exampl\\005.org")); /* E without its upper bits */
	build("a\\091b");
	assert_true(is_in("A\\091B"));
	assert_false(is_in("A\\123B")); /* { is [ with another bit, and no letter */
}

static void test_labels_are_not_their_text(void **state)
{
	(void)state;
	build("b.org\na\\.c.net");
	assert_false(is_in("a\\.b.org"));
	assert_true(is_in("a\\.c.net"));
	assert_false(is_in("a.c.net"));
	build("\\003org");
	assert_false(is_in("org"));
}

static void test_root_is_everything(void **state)
{
	(void)state;
	build(".");
	assert_true(is_in("."));
	assert_true(is_in("a.b"));
	assert_true(list_match(list, (struct slice){NULL, 0}));
	assert_int_equal(list_count(list), 1);
	build("a\n.\n.");
	assert_true(is_in("b"));
	assert_int_equal(list_count(list), 2);
}

static void test_empty_list_matches_nothing(void **state)
{
	(void)state;
	build("");
	assert_int_equal(list_count(list), 0);
	assert_false(is_in("."));
	assert_false(is_in("a"));
	assert_false(list_match(list, (struct slice){NULL, 0}));
	build("a");
	assert_false(list_match(list, (struct slice){NULL, 0}));
}

static void test_every_octet_is_kept_apart(void **state)
{
	(void)state;
	for (unsigned in = 0; in < 256; in++) {
		uint8_t wire[] = {2, (uint8_t)in, 'x', 0};

		free(list);
		list = malloc(list_size((struct slice){wire, sizeof(wire)}));
		list_build(list, (struct slice){wire, sizeof(wire)}, &key);
		for (unsigned asked = 0; asked < 256; asked++) {
			uint8_t other[] = {1, 0, 2, (uint8_t)asked, 'X', 0};
			bool is_same = in == asked ||
				       (in >= 'A' && in <= 'Z' && asked == in + 32) ||
				       (in >= 'a' && in <= 'z' && asked == in - 32);

			assert_int_equal(list_match(list, (struct slice){other, sizeof(other)}),
					 is_same);
		}
	}
}

static void test_longest_names_are_found(void **state)
{
	uint8_t most[DNS_NAME_MAX] = {0}, longest[DNS_NAME_MAX] = {0};

	(void)state;
	for (size_t at = 0; at + 1 < sizeof(most); at += 2)
		most[at] = 1;
	for (size_t at = 0; at + 1 < sizeof(longest); at += 64)
		longest[at] = at < 192 ? 63 : 61;
	for (size_t i = 0; i < 2; i++) {
		struct slice name = {i ? most : longest, DNS_NAME_MAX};

		free(list);
		list = malloc(list_size(name));
		list_build(list, name, &key);
		assert_true(list_match(list, name));
		assert_false(list_match(list, (struct slice){i ? longest : most, DNS_NAME_MAX}));
	}
}

static void test_list_may_lie_anywhere(void **state)
{
	size_t size;
	uint8_t *moved;

	(void)state;
	build("example.org\nb.c.d\n");
	size = list_size(names_slice(&names));
	moved = malloc(size + 64);
	memcpy(moved + 8, list, size);
	memset(list, 0xff, size);
	free(list);
	list = malloc(size);
	memcpy(list, moved + 8, size);
	free(moved);
	assert_true(is_in("www.example.org"));
	assert_true(is_in("b.c.d"));
	assert_false(is_in("c.d"));
}

/* Up to three labels of letters of which there are few, so that names are often related. */
static void random_name(struct random *random, char *text)
{
	unsigned labels = (unsigned)random_below(random, 4);
	char *end = text;

	for (unsigned i = 0; i < labels; i++) {
		*end++ = "abAB"[random_below(random, 4)];
		if (random_below(random, 2))
			*end++ = "ab"[random_below(random, 2)];
		*end++ = '.';
	}
	if (end == text)
		*end++ = '.';
	*end = '\0';
}

/* On text: the same name, or behind a dot. */
static bool is_at_or_below(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	if (!strcmp(suffix, "."))
		return true;
	return end <= length && !strcasecmp(name + length - end, suffix) &&
	       (end == length || name[length - end - 1] == '.');
}

static void test_list_is_as_a_naive_one(void **state)
{
	struct random random = {{5, 6, 7, 8}};
	char put[MODEL_NAMES][16], asked[16], text[MODEL_NAMES * 16];
	unsigned matched = 0;

	(void)state;
	for (unsigned round = 0; round < MODEL_ROUNDS; round++) {
		unsigned count = (unsigned)random_below(&random, MODEL_NAMES);
		char *end = text;

		*end = '\0';
		for (unsigned i = 0; i < count; i++) {
			do
				random_name(&random, put[i]);
			while (!strcmp(put[i], ".") && random_below(&random, 20));
			end += sprintf(end, "%s\n", put[i]);
		}
		build(text);
		for (unsigned i = 0; i < MODEL_ASKED; i++) {
			bool expected = false;

			random_name(&random, asked);
			for (unsigned k = 0; k < count; k++)
				expected |= is_at_or_below(asked, put[k]);
			assert_int_equal(is_in(asked), expected);
			matched += expected;
		}
	}
	assert_true(matched > MODEL_ROUNDS * MODEL_ASKED / 10);
	assert_true(matched < MODEL_ROUNDS * MODEL_ASKED * 9 / 10);
}

static void test_million_names_take_64_bytes_each(void **state)
{
	char *text = malloc(MILLION * 40), *end = text, name[64], error[NAMES_ERROR_MAX];
	struct random random = {{9, 10, 11, 12}};
	int64_t start = clock_monotonic_ns();
	int64_t read_ns, built_ns, found_ns;
	size_t size;

	(void)state;
	for (unsigned i = 0; i < MILLION; i++)
		end += sprintf(end, "ads%u.tracker-%llx.example\n", i,
			       (unsigned long long)random_next(&random) & 0xffffff);
	names_fini(&names);
	free(list);
	start = clock_monotonic_ns();
	assert_int_equal(
		names_parse(&names, (struct slice){(uint8_t *)text, (size_t)(end - text)}, error),
		0);
	read_ns = clock_monotonic_ns() - start;
	size = list_size(names_slice(&names));
	list = malloc(size);
	start = clock_monotonic_ns();
	list_build(list, names_slice(&names), &key);
	built_ns = clock_monotonic_ns() - start;
	assert_int_equal(list_count(list), MILLION);
	assert_true(size <= 64 * MILLION);
	start = clock_monotonic_ns();
	for (struct slice left = names_slice(&names); left.length;) {
		size_t length = name_wire_length(left);

		assert_true(list_match(list, (struct slice){left.data, length}));
		left.data += length;
		left.length -= length;
	}
	found_ns = clock_monotonic_ns() - start;
	for (unsigned i = 0; i < 1000; i++) {
		sprintf(name, "ads%u.tracker.example", i);
		assert_false(is_in(name));
	}
	printf("# %zu bytes a name; read in %lld ms, built in %lld ms, found in %lld ns each\n",
	       size / MILLION, (long long)read_ns / 1000000, (long long)built_ns / 1000000,
	       (long long)found_ns / MILLION);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_matches_itself_and_all_below),
		cmocka_unit_test(test_case_of_letters_does_not_matter),
		cmocka_unit_test(test_labels_are_not_their_text),
		cmocka_unit_test(test_root_is_everything),
		cmocka_unit_test(test_empty_list_matches_nothing),
		cmocka_unit_test(test_every_octet_is_kept_apart),
		cmocka_unit_test(test_longest_names_are_found),
		cmocka_unit_test(test_list_may_lie_anywhere),
		cmocka_unit_test(test_list_is_as_a_naive_one),
		cmocka_unit_test(test_million_names_take_64_bytes_each),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, teardown);
}
