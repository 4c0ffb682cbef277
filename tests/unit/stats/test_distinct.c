/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "stats/distinct.h"
#include "stats/key.h"

static const struct hash_key hash_key = {{3, 5}};
static struct distinct a, b;

static void add(struct distinct *distinct, uint64_t from, uint64_t to)
{
	for (; from < to; from++)
		distinct_add(distinct, key_of_hash(hash_bytes(&hash_key, &from, sizeof(from))));
}

static int clear(void **state)
{
	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	return 0;
}

static void assert_near(uint64_t value, double wanted, double share)
{
	assert_true((double)value > wanted * (1 - share) && (double)value < wanted * (1 + share));
}

static void test_distinct_is_exact_up_to_4096(void **state)
{
	(void)state;
	assert_int_equal(distinct_count(&a), 0);
	for (uint64_t i = 0; i < DISTINCT_EXACT_MAX; i++) {
		add(&a, i, i + 1);
		add(&a, i / 2, i / 2 + 1);
		assert_int_equal(distinct_count(&a), i + 1);
	}
}

static void test_distinct_is_within_two_percent_of_everything(void **state)
{
	uint64_t at = 0;

	(void)state;
	for (uint64_t to = 5000; to < 6000000; to += to / 5) {
		add(&a, at, to);
		at = to;
		assert_near(distinct_count(&a), (double)to, 0.02);
	}
}

static void test_distinct_merge_is_the_union(void **state)
{
	(void)state;
	add(&a, 0, 2000);
	add(&b, 1000, 3000);
	distinct_merge(&a, &b);
	assert_int_equal(distinct_count(&a), 3000);
	add(&b, 3000, 7000);
	distinct_merge(&a, &b);
	assert_near(distinct_count(&a), 7000, 0.02);
	clear(NULL);
	add(&a, 0, 3000);
	add(&b, 3000, 6000);
	distinct_merge(&a, &b);
	assert_near(distinct_count(&a), 6000, 0.02);
}

static void test_distinct_merge_survives_any_memory(void **state)
{
	(void)state;
	memset(&b, 0xff, sizeof(b));
	distinct_merge(&a, &b);
	distinct_count(&a);
	clear(NULL);
	for (uint32_t i = 0; i < DISTINCT_SLOTS; i++)
		b.exact[i] = i + 1;
	b.exact_count = 1;
	distinct_merge(&a, &b);
	distinct_count(&a);
	distinct_add(&b, UINT64_MAX); /* its places are all taken */
}

static void test_distinct_repair_counts_again(void **state)
{
	(void)state;
	add(&a, 0, 1000);
	a.exact_count--;
	distinct_repair(&a);
	assert_int_equal(distinct_count(&a), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_distinct_is_exact_up_to_4096, clear),
		cmocka_unit_test_setup(test_distinct_is_within_two_percent_of_everything, clear),
		cmocka_unit_test_setup(test_distinct_merge_is_the_union, clear),
		cmocka_unit_test_setup(test_distinct_merge_survives_any_memory, clear),
		cmocka_unit_test_setup(test_distinct_repair_counts_again, clear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
