/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/questions.h"

static struct questions questions;

static void load(const char *text)
{
	char path[] = "/tmp/test_questions.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	questions_load(&questions, path, 1);
	unlink(path);
}

static void assert_question(uint32_t number, const char *wire, size_t length)
{
	struct slice found = questions_at(&questions, number);

	assert_int_equal(found.length, length);
	assert_memory_equal(found.data, wire, length);
}

static void test_questions_are_those_of_a_file_in_order(void **state)
{
	(void)state;
	load("# rank,domain\n1,b.org\n\nA.org AAAA\n.");
	assert_int_equal(questions.count, 3);
	assert_question(0, "\1b\3org\0\0\1\0\1", 11);
	assert_question(1, "\1A\3org\0\0\34\0\1", 11);
	assert_question(2, "\0\0\1\0\1", 5);
	questions_fini(&questions);
}

static void test_questions_of_a_large_file_are_all_kept(void **state)
{
	size_t room = 1 << 20, length = 0;
	char *text = malloc(room);
	char wire[32];

	(void)state;
	for (int i = 10000; i < 60000; i++)
		length += (size_t)snprintf(text + length, room - length, "%d,n%d.com\n", i, i);
	load(text);
	free(text);
	assert_int_equal(questions.count, 50000);
	for (uint32_t i = 0; i < questions.count; i++) {
		snprintf(wire, sizeof(wire), "\6n%u\3com", i + 10000);
		assert_memory_equal(questions_at(&questions, i).data, wire, 12);
		assert_int_equal(questions_at(&questions, i).length, 16);
	}
	questions_fini(&questions);
}

static int compare(const void *a, const void *b)
{
	const struct slice *one = a, *other = b;

	if (one->length != other->length)
		return one->length < other->length ? -1 : 1;
	return memcmp(one->data, other->data, one->length);
}

static void test_built_in_names_are_valid_and_differ(void **state)
{
	static struct slice sorted[QUESTIONS_KNOWN];

	(void)state;
	questions_load_known(&questions, 28);
	assert_int_equal(questions.count, QUESTIONS_KNOWN);
	assert_question(0, "\6google\3com\0\0\34\0\1", 16);
	assert_question(368, "\5host1\7example\3com\0\0\34\0\1", 23);
	for (uint32_t i = 0; i < QUESTIONS_KNOWN; i++)
		sorted[i] = questions_at(&questions, i);
	qsort(sorted, QUESTIONS_KNOWN, sizeof(*sorted), compare);
	for (uint32_t i = 1; i < QUESTIONS_KNOWN; i++)
		assert_int_not_equal(compare(&sorted[i - 1], &sorted[i]), 0);
	questions_fini(&questions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions_are_those_of_a_file_in_order),
		cmocka_unit_test(test_questions_of_a_large_file_are_all_kept),
		cmocka_unit_test(test_built_in_names_are_valid_and_differ),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
