/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "rules/prefilter.h"

/* expected: the numbers of the patterns that can match, with a blank before each. */
static void assert_found(struct prefilter *prefilter, uint32_t count, const char *name,
			 const char *expected)
{
	char found[1024] = "";

	prefilter_scan(prefilter, (struct slice){(const uint8_t *)name, strlen(name)});
	for (uint32_t i = prefilter_next(prefilter, 0); i < count;
	     i = prefilter_next(prefilter, i + 1))
		sprintf(found + strlen(found), " %u", i);
	if (strcmp(found, expected) != 0)
		fail_msg("%s:%s", name, found);
}

static void test_patterns_without_a_literal_are_always_tried(void **state)
{
	static const char *const patterns[] = {
		"^(.*)youtube.com", NULL, "^(.*)porn|foo|bar(.*).(.*)", "^[a-z]\\.", "^(.*).xxx",
	};
	struct prefilter *prefilter = prefilter_new(patterns, 5);

	(void)state;
	assert_found(prefilter, 5, "www.example.", " 1 3");
	assert_found(prefilter, 5, "www.YouTube.com.", " 0 1 3");
	assert_found(prefilter, 5, "foo.xxx.", " 1 2 3 4");
	assert_found(prefilter, 5, ".", " 1 3");
	prefilter_free(prefilter);
}

static void test_patterns_are_found_beyond_the_first_word(void **state)
{
	static char texts[300][16];
	const char *patterns[300];
	struct prefilter *prefilter;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		snprintf(texts[i], sizeof(texts[i]), "name%u\\.com", i);
		patterns[i] = texts[i];
	}
	prefilter = prefilter_new(patterns, 300);
	assert_found(prefilter, 300, "name63.com.name64.com.name299.com", " 63 64 299");
	assert_found(prefilter, 300, "name300.com", "");
	assert_int_equal(prefilter_next(prefilter, 300), 300);
	assert_int_equal(prefilter_next(prefilter, 5000), 300);
	prefilter_free(prefilter);
}

static void test_there_may_be_no_literal_and_no_pattern(void **state)
{
	static const char *const patterns[] = {NULL, "a"};
	struct prefilter *none = prefilter_new(patterns, 0), *two = prefilter_new(patterns, 2);

	(void)state;
	assert_found(none, 0, "a.", "");
	assert_int_equal(prefilter_next(none, 0), 0);
	assert_found(two, 2, "b.", " 0 1");
	prefilter_free(none);
	prefilter_free(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns_without_a_literal_are_always_tried),
		cmocka_unit_test(test_patterns_are_found_beyond_the_first_word),
		cmocka_unit_test(test_there_may_be_no_literal_and_no_pattern),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
