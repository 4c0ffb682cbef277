/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/read/sequence.h"

static struct sequence sequence;

static void take(const uint32_t *numbers, size_t count)
{
	sequence = (struct sequence){0};
	for (size_t i = 0; i < count; i++)
		sequence_take(&sequence, numbers[i]);
}

static void assert_state(uint32_t last, uint64_t total, int64_t lost, uint64_t out_of_order)
{
	assert_int_equal(sequence.last, last);
	assert_int_equal(sequence.total, total);
	assert_int_equal(sequence.lost, lost);
	assert_int_equal(sequence.out_of_order, out_of_order);
}

static void test_sequence_begins_with_any_number(void **state)
{
	(void)state;
	take((const uint32_t[]){4000000000}, 1);
	assert_state(4000000000, 1, 0, 0);
}

static void test_sequence_counts_a_gap_as_lost(void **state)
{
	(void)state;
	take((const uint32_t[]){1, 2, 3, 7}, 4);
	assert_state(7, 4, 3, 0);
}

static void test_sequence_takes_a_late_one_back(void **state)
{
	(void)state;
	take((const uint32_t[]){1, 4, 2, 3, 5}, 5);
	assert_state(5, 5, 0, 2);
}

static void test_sequence_counts_a_duplicate_in_the_total_alone(void **state)
{
	(void)state;
	take((const uint32_t[]){1, 2, 2, 3}, 4);
	assert_state(3, 4, 0, 0);
}

static void test_sequence_goes_on_behind_the_wrap(void **state)
{
	(void)state;
	take((const uint32_t[]){UINT32_MAX - 1, UINT32_MAX, 0, 2, 1}, 5);
	assert_state(2, 5, 0, 1);
}

static void test_sequence_tells_what_is_new(void **state)
{
	(void)state;
	sequence = (struct sequence){0};
	assert_true(sequence_take(&sequence, 0));
	assert_false(sequence_take(&sequence, 0));
	assert_true(sequence_take(&sequence, 2));
	assert_false(sequence_take(&sequence, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence_begins_with_any_number),
		cmocka_unit_test(test_sequence_counts_a_gap_as_lost),
		cmocka_unit_test(test_sequence_takes_a_late_one_back),
		cmocka_unit_test(test_sequence_counts_a_duplicate_in_the_total_alone),
		cmocka_unit_test(test_sequence_goes_on_behind_the_wrap),
		cmocka_unit_test(test_sequence_tells_what_is_new),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
