/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/bench/score.h"

#define MS INT64_C(1000000)

static const struct answer success = {ANSWER_RECORDS, 0};
static const struct answer missing = {ANSWER_EMPTY, 3};

static void test_score_counts_all_but_successes_as_failed(void **state)
{
	struct score score = {.timeouts = 2, .lost = 1, .unfinished = 50, .foreign = 9};

	(void)state;
	score_answer(&score, success, 2 * MS);
	score_answer(&score, missing, 5 * MS);
	assert_int_equal(score.successful, 1);
	assert_int_equal(score_failed(&score), 4);
	assert_int_equal(score_attempted(&score), 5);
	assert_int_equal(score_answers(&score), 2);
	assert_int_equal(score.rcodes[0], 1);
	assert_int_equal(score.rcodes[3], 1);
}

static void test_score_times_successes_apart(void **state)
{
	struct score score = {0};

	(void)state;
	score_answer(&score, missing, 1 * MS);
	score_answer(&score, success, 4 * MS);
	score_answer(&score, success, 2 * MS);
	score_answer(&score, success, 3 * MS);
	score_answer(&score, missing, 9 * MS);
	assert_int_equal(score.success_least_ns, 2 * MS);
	assert_int_equal(score.success_most_ns, 4 * MS);
	assert_int_equal(score.success_sum_ns, 9 * MS);
	assert_int_equal(score.most_ns, 9 * MS);
}

static void test_score_has_quantiles_of_all_answers(void **state)
{
	struct score score = {0};

	(void)state;
	for (int i = 1; i <= 1000; i++)
		score_answer(&score, i % 2 ? success : missing, i * MS / 10);
	assert_true(score_quantile(&score, 0.5) > 0.048 && score_quantile(&score, 0.5) < 0.052);
	assert_true(score_quantile(&score, 0.99) > 0.096 && score_quantile(&score, 0.99) < 0.1);
}

static void test_score_has_no_quantile_beyond_the_slowest(void **state)
{
	struct score score = {0};

	(void)state;
	assert_true(score_quantile(&score, 0.5) == 0);
	score_answer(&score, success, 10 * MS);
	assert_true(score_quantile(&score, 0.999) <= 0.01);
	assert_true(score_quantile(&score, 1) == 0.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_score_counts_all_but_successes_as_failed),
		cmocka_unit_test(test_score_times_successes_apart),
		cmocka_unit_test(test_score_has_quantiles_of_all_answers),
		cmocka_unit_test(test_score_has_no_quantile_beyond_the_slowest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
