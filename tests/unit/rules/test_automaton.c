/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "rules/automaton.h"

#define NUMBERS_MAX 65536

static struct numbered_literal literals[NUMBERS_MAX];
static size_t literal_count;

static void add(const char *text, uint16_t number)
{
	struct numbered_literal *literal = &literals[literal_count++];

	literal->number = number;
	literal->literal.length = (uint8_t)strlen(text);
	memcpy(literal->literal.text, text, strlen(text));
}

static struct slice text_slice(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* expected: the numbers, with a blank before each. */
static void assert_numbers(struct automaton *automaton, const char *text, const char *expected)
{
	uint64_t words[2] = {0};
	char found[512] = "";

	automaton_scan(automaton, text_slice(text), words);
	for (unsigned i = 0; i < 128; i++)
		if (words[i / 64] >> i % 64 & 1)
			sprintf(found + strlen(found), " %u", i);
	if (strcmp(found, expected) != 0)
		fail_msg("%s:%s", text, found);
}

static void test_all_literals_in_a_text_are_told(void **state)
{
	struct automaton *automaton;

	(void)state;
	literal_count = 0;
	add("he", 0);
	add("she", 1);
	add("his", 2);
	add("hers", 127);
	add("rs.", 64);
	add("xyz", 3);
	automaton = automaton_new(literals, literal_count);
	assert_numbers(automaton, "ushers.", " 0 1 64 127");
	assert_numbers(automaton, "ushers", " 0 1 127");
	assert_numbers(automaton, "this.", " 2");
	assert_numbers(automaton, "shis", " 2");
	assert_numbers(automaton, "h.e", "");
	assert_numbers(automaton, "", "");
	assert_numbers(automaton, "xxyxyzz", " 3");
	assert_numbers(automaton, "hhhe\303\200she", " 0 1");
	automaton_free(automaton);
}

static void test_case_of_the_text_does_not_matter(void **state)
{
	struct automaton *automaton;

	(void)state;
	literal_count = 0;
	add("az-09_", 1);
	add("[@{`", 2);
	automaton = automaton_new(literals, literal_count);
	assert_numbers(automaton, "AZ-09_", " 1");
	assert_numbers(automaton, "aZ-09_", " 1");
	assert_numbers(automaton, "[@{`", " 2");
	assert_numbers(automaton, "{`[@", ""); /* they differ by the bit of case */
	assert_numbers(automaton, "AZ\01509_", "");
	automaton_free(automaton);
}

static void test_literal_may_stand_for_many_numbers(void **state)
{
	struct automaton *automaton;

	(void)state;
	literal_count = 0;
	add("com", 5);
	add("example", 6);
	add("com", 7);
	add("com", 5);
	automaton = automaton_new(literals, literal_count);
	assert_numbers(automaton, "com.com.", " 5 7");
	assert_numbers(automaton, "example.com.", " 5 6 7");
	assert_numbers(automaton, "example.org.", " 6");
	automaton_free(automaton);
}

static void test_without_literals_nothing_is_found(void **state)
{
	struct automaton *automaton = automaton_new(literals, 0);

	(void)state;
	assert_numbers(automaton, "example.com.", "");
	automaton_free(automaton);
}

static void random_text(struct random *random, char *text, unsigned length, unsigned letters)
{
	for (unsigned i = 0; i < length; i++)
		text[i] = (char)('a' + random_next(random) % letters);
	text[length] = '\0';
}

/* Short literals of few letters, so that they are in each other in all ways. */
static void test_equals_a_plain_search(void **state)
{
	struct random random = {{1, 2, 3, 4}};
	char text[LITERAL_MAX + 1], name[41];

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct automaton *automaton;

		literal_count = 0;
		for (uint16_t i = 0; i < 64; i++) {
			random_text(&random, text, 2 + (unsigned)(random_next(&random) % 7), 3);
			add(text, i);
		}
		automaton = automaton_new(literals, literal_count);
		for (unsigned i = 0; i < 50; i++) {
			uint64_t word = 0;

			random_text(&random, name, 40, 4);
			automaton_scan(automaton, text_slice(name), &word);
			for (unsigned j = 0; j < 64; j++) {
				const struct literal *literal = &literals[j].literal;

				assert_int_equal(word >> j & 1, memmem(name, 40, literal->text,
								       literal->length) != NULL);
			}
		}
		automaton_free(automaton);
	}
}

/* The table would have 300 MB: their ends are not in it then. */
static void test_too_many_literals_are_cut_and_none_is_missed(void **state)
{
	static uint64_t words[NUMBERS_MAX / 64];
	struct automaton *automaton;
	char text[LITERAL_MAX + 1];
	struct random random = {{5, 6, 7, 8}};
	unsigned found = 0;

	(void)state;
	literal_count = 0;
	for (unsigned i = 0; i < NUMBERS_MAX; i++) {
		random_text(&random, text, LITERAL_MAX, 26);
		add(text, (uint16_t)i);
	}
	automaton = automaton_new(literals, literal_count);
	for (unsigned i = 0; i < NUMBERS_MAX; i += 97) {
		memset(words, 0, sizeof(words));
		automaton_scan(
			automaton,
			(struct slice){(const uint8_t *)literals[i].literal.text, LITERAL_MAX},
			words);
		assert_true(words[i / 64] >> i % 64 & 1);
		for (unsigned j = 0; j < NUMBERS_MAX / 64; j++)
			found += (unsigned)__builtin_popcountll(words[j]);
	}
	printf("# found: %u of %u\n", found, NUMBERS_MAX / 97u + 1);
	assert_true(found < 100 * (NUMBERS_MAX / 97));
	automaton_free(automaton);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_literals_in_a_text_are_told),
		cmocka_unit_test(test_case_of_the_text_does_not_matter),
		cmocka_unit_test(test_literal_may_stand_for_many_numbers),
		cmocka_unit_test(test_without_literals_nothing_is_found),
		cmocka_unit_test(test_equals_a_plain_search),
		cmocka_unit_test(test_too_many_literals_are_cut_and_none_is_missed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
