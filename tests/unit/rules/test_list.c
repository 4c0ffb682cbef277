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

/* Of exactly the size that is read: a sanitizer sees what is read or written behind it. */
static void list_make(void)
{
	size_t size = list_size(&names);
	struct list *made = malloc(size);

	list_build(made, &names, &key);
	assert_true(list_bytes(made) <= size);
	list = malloc(list_bytes(made));
	memcpy(list, made, list_bytes(made));
	free(made);
	assert_true(list_check(list, list_bytes(list)));
}

static void build_wire(const void *wire, size_t length)
{
	names_fini(&names);
	free(list);
	assert_int_equal(
		names_add_wire(&names, (struct slice){wire, length}, NAMES_SAY_BOTH(NAMES_IN)), 0);
	list_make();
}

static void build(const char *text)
{
	char error[NAMES_ERROR_MAX];

	names_fini(&names);
	free(list);
	assert_int_equal(
		names_parse(&names, (struct slice){(const uint8_t *)text, strlen(text)}, error), 0);
	list_make();
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

		build_wire(wire, sizeof(wire));
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

		build_wire(name.data, name.length);
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
	size = list_bytes(list);
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

struct entry {
	char name[16];
	uint8_t say;
};

static void build_entries(const struct entry *entries, unsigned count)
{
	names_fini(&names);
	free(list);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(names_add(&names,
					   (struct slice){(const uint8_t *)entries[i].name,
							  strlen(entries[i].name)},
					   entries[i].say),
				 0);
	list_make();
}

#define BUILD(...)                                         \
	build_entries((const struct entry[]){__VA_ARGS__}, \
		      sizeof((const struct entry[]){__VA_ARGS__}) / sizeof(struct entry))

#define ITSELF(word) NAMES_SAY(word, NAMES_NOTHING)
#define BELOW(word)  NAMES_SAY(NAMES_NOTHING, word)
#define BOTH(word)   NAMES_SAY_BOTH(word)

static void test_entry_covers_itself_or_what_is_below(void **state)
{
	(void)state;
	BUILD({"one.org", ITSELF(NAMES_IN)}, {"two.org", BELOW(NAMES_IN)});
	assert_true(is_in("one.org"));
	assert_false(is_in("www.one.org"));
	assert_false(is_in("two.org"));
	assert_true(is_in("www.two.org"));
	assert_true(is_in("a.b.c.two.org"));
	assert_false(is_in("org"));
	BUILD({".", BELOW(NAMES_IN)});
	assert_false(is_in("."));
	assert_true(is_in("a"));
	assert_int_equal(list_count(list), 1);
	BUILD({".", ITSELF(NAMES_IN)});
	assert_true(is_in("."));
	assert_false(is_in("a"));
}

static void test_two_entries_of_one_name_are_one(void **state)
{
	(void)state;
	BUILD({"a.org", ITSELF(NAMES_IN)}, {"A.org", BELOW(NAMES_IN)}, {"a.org", ITSELF(NAMES_IN)});
	assert_int_equal(list_count(list), 1);
	assert_true(is_in("a.org"));
	assert_true(is_in("b.a.org"));
	BUILD({"a.org", BOTH(NAMES_OUT)}, {"a.org", BOTH(NAMES_IN)});
	assert_false(is_in("a.org"));
	BUILD({"a.org", BOTH(NAMES_IN)}, {"a.org", ITSELF(NAMES_OUT)});
	assert_false(is_in("a.org"));
	assert_true(is_in("b.a.org"));
}

static void test_longest_entry_that_covers_a_name_decides(void **state)
{
	(void)state;
	BUILD({"b.c", BOTH(NAMES_IN)}, {"a.b.c", BOTH(NAMES_OUT)}, {"x.a.b.c", ITSELF(NAMES_IN)},
	      {"y.b.c", ITSELF(NAMES_OUT)});
	assert_true(is_in("b.c"));
	assert_true(is_in("z.b.c"));
	assert_false(is_in("a.b.c"));
	assert_false(is_in("z.a.b.c"));
	assert_true(is_in("x.a.b.c"));
	assert_false(is_in("z.x.a.b.c"));
	assert_false(is_in("y.b.c"));
	assert_true(is_in("z.y.b.c"));
	BUILD({".", BOTH(NAMES_IN)}, {"org", BOTH(NAMES_OUT)}, {"a.org", BOTH(NAMES_IN)});
	assert_true(is_in("."));
	assert_true(is_in("com"));
	assert_false(is_in("b.org"));
	assert_true(is_in("b.a.org"));
}

static void test_exception_above_all_is_above_longer_entries(void **state)
{
	(void)state;
	BUILD({"c", BOTH(NAMES_OUT_ABOVE_ALL)}, {"a.b.c", BOTH(NAMES_IN)}, {"d", BOTH(NAMES_IN)});
	assert_false(is_in("c"));
	assert_false(is_in("a.b.c"));
	assert_false(is_in("x.a.b.c"));
	assert_true(is_in("d"));
	BUILD({"a.b.c", BOTH(NAMES_OUT_ABOVE_ALL)}, {"b.c", BOTH(NAMES_IN)});
	assert_true(is_in("b.c"));
	assert_false(is_in("a.b.c"));
}

static void test_important_entries_are_above_exceptions(void **state)
{
	(void)state;
	BUILD({"c", BOTH(NAMES_IN_IMPORTANT)}, {"b.c", BOTH(NAMES_OUT_ABOVE_ALL)},
	      {"a.b.c", BOTH(NAMES_OUT_IMPORTANT)}, {"x.a.b.c", BOTH(NAMES_IN_IMPORTANT)});
	assert_true(is_in("c"));
	assert_true(is_in("b.c"));
	assert_false(is_in("a.b.c"));
	assert_false(is_in("x.a.b.c"));
}

/* What a list is to say of a name: all entries are asked, none is looked up. */
static bool is_in_entries(const struct entry *entries, unsigned count, const char *name)
{
	size_t longest = 0;
	unsigned word = 0;

	for (unsigned i = 0; i < count; i++) {
		bool is_root = !strcmp(entries[i].name, ".");
		size_t length = is_root ? 0 : strlen(entries[i].name);
		unsigned says = strcasecmp(name, entries[i].name) ? entries[i].say >> 4
								  : entries[i].say & 0xf;

		if (!says || !is_at_or_below(name, entries[i].name))
			continue;
		if (says > NAMES_OUT || word > NAMES_OUT)
			word = says > word ? says : word;
		else if (length > longest || !word)
			word = says, longest = length;
		else if (length == longest && says > word)
			word = says;
	}
	return word == NAMES_IN || word == NAMES_IN_IMPORTANT;
}

static void test_exceptions_are_as_in_a_naive_list(void **state)
{
	struct random random = {{15, 6, 7, 8}};
	struct entry entries[MODEL_NAMES];
	unsigned matched = 0;
	char asked[16];

	(void)state;
	for (unsigned round = 0; round < MODEL_ROUNDS; round++) {
		unsigned count = (unsigned)random_below(&random, MODEL_NAMES);
		unsigned words = 2 + (unsigned)random_below(&random, NAMES_OUT_IMPORTANT);

		for (unsigned i = 0; i < count; i++) {
			random_name(&random, entries[i].name);
			entries[i].say = NAMES_SAY(random_below(&random, words),
						   random_below(&random, words));
			if (!entries[i].say)
				entries[i].say = BOTH(NAMES_IN);
		}
		build_entries(entries, count);
		for (unsigned i = 0; i < MODEL_ASKED; i++) {
			bool expected;

			random_name(&random, asked);
			expected = is_in_entries(entries, count, asked);
			assert_int_equal(is_in(asked), expected);
			matched += expected;
		}
	}
	assert_true(matched > MODEL_ROUNDS * MODEL_ASKED / 10);
	assert_true(matched < MODEL_ROUNDS * MODEL_ASKED * 9 / 10);
}

static void test_cut_list_is_none(void **state)
{
	size_t size;

	(void)state;
	build("example.org\nb.c.d\n");
	size = list_bytes(list);
	for (size_t cut = 0; cut < size; cut++) {
		void *copy = malloc(cut ? cut : 1);

		memcpy(copy, list, cut);
		assert_false(list_check(copy, cut));
		free(copy);
	}
}

/* Each octet of a list, changed to others: what is still a list can be asked, by a sanitizer. */
static void test_changed_list_is_none_or_harmless(void **state)
{
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
	uint8_t *octets;

	(void)state;
	build(".\nexample.org\nb.c.d\n");
	octets = (uint8_t *)list;
	for (size_t at = 0, size = list_bytes(list); at < size; at++) {
		uint8_t kept = octets[at];

		for (size_t i = 0; i < sizeof(values); i++) {
			octets[at] = values[i];
			if (list_check(list, size)) {
				is_in("www.example.org");
				is_in("b.c.d");
				is_in(".");
			}
			octets[at] = kept;
		}
		octets[at] ^= 0x10;
		if (at < 8)
			assert_false(list_check(list, size));
		octets[at] = kept;
	}
	assert_true(list_check(list, list_bytes(list)));
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
	size = list_size(&names);
	list = malloc(size);
	start = clock_monotonic_ns();
	list_build(list, &names, &key);
	built_ns = clock_monotonic_ns() - start;
	assert_int_equal(list_count(list), MILLION);
	assert_true(size <= 64 * MILLION);
	start = clock_monotonic_ns();
	for (size_t at = 1; at < names.length;) {
		struct slice rest = {names.bytes + at, names.length - at};
		size_t length = name_wire_length(rest);

		assert_true(list_match(list, (struct slice){rest.data, length}));
		at += length + 1;
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
		cmocka_unit_test(test_entry_covers_itself_or_what_is_below),
		cmocka_unit_test(test_two_entries_of_one_name_are_one),
		cmocka_unit_test(test_longest_entry_that_covers_a_name_decides),
		cmocka_unit_test(test_exception_above_all_is_above_longer_entries),
		cmocka_unit_test(test_important_entries_are_above_exceptions),
		cmocka_unit_test(test_exceptions_are_as_in_a_naive_list),
		cmocka_unit_test(test_cut_list_is_none),
		cmocka_unit_test(test_changed_list_is_none_or_harmless),
		cmocka_unit_test(test_million_names_take_64_bytes_each),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, teardown);
}
