/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "stats/key.h"
#include "stats/table.h"

static const struct table_shape shape = {.entries = 1024, .words = 1, .text_bytes = 8};
static const struct hash_key hash_key = {{3, 5}};

static struct table make_table(void)
{
	void *memory = aligned_alloc(64, table_size(&shape));
	struct table table;

	assert_non_null(memory);
	memset(memory, 0, table_size(&shape));
	table_open(&table, memory, &shape);
	return table;
}

static uint64_t key_of(uint64_t number)
{
	return key_of_hash(hash_bytes(&hash_key, &number, sizeof(number)));
}

static uint32_t count(struct table *table, uint64_t number, uint32_t draw)
{
	uint64_t key = key_of(number);
	uint32_t slot = table_find(table, key);

	if (slot != TABLE_NONE) {
		table_touch(table, slot, 1);
	} else {
		slot = table_admit(table, key, 1, draw);
		if (slot == TABLE_NONE)
			return slot;
		memcpy(table_text(table, slot), &number, sizeof(number));
		table_keep(table, slot, key, 1);
	}
	table_entry(table, slot)->words[0]++;
	return slot;
}

static void test_table_that_is_half_full_counts_exactly(void **state)
{
	struct table table = make_table();

	(void)state;
	for (uint64_t round = 0; round < 3; round++)
		for (uint64_t number = 0; number < 400; number++)
			assert_int_not_equal(count(&table, number, 0), TABLE_NONE);
	assert_int_equal(table.totals->evictions, 0);
	for (uint64_t number = 0; number < 400; number++) {
		uint32_t slot = table_find(&table, key_of(number));

		assert_int_not_equal(slot, TABLE_NONE);
		assert_int_equal(table_entry(&table, slot)->words[0], 3);
		assert_int_equal(table_entry(&table, slot)->error, 0);
		assert_memory_equal(table_text(&table, slot), &number, sizeof(number));
	}
	assert_int_equal(table_find(&table, key_of(400)), TABLE_NONE);
	free(table.totals);
}

static void test_table_admits_in_place_of_the_least(void **state)
{
	struct table table = make_table();
	uint64_t key = key_of(0), number = 1;
	uint32_t set = table_set_of(&table, key), slot;

	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		slot = count(&table, 0, 0);
	for (; table.totals->evictions == 0; number++)
		if (table_set_of(&table, key_of(number)) == set)
			slot = count(&table, number, 0);
	assert_int_equal(table_entry(&table, slot)->error, 1);
	assert_int_equal(table_entry(&table, slot)->words[0], 1);
	assert_int_not_equal(table_find(&table, key), TABLE_NONE);
	/* the least has 1: a draw of the upper half is refused */
	while (table_set_of(&table, key_of(number)) != set)
		number++;
	assert_int_equal(count(&table, number, UINT32_MAX), TABLE_NONE);
	assert_int_equal(table.totals->untracked, 1);
	assert_int_not_equal(count(&table, number, INT32_MAX), TABLE_NONE);
	free(table.totals);
}

/* Against a least of 1, 3 of 4 times. */
static void test_table_admits_a_weight_as_many(void **state)
{
	struct table table = make_table();
	uint32_t set = table_set_of(&table, key_of(0)), slot;
	uint64_t number = 0;

	(void)state;
	for (int kept = 0; kept < TABLE_WAYS; number++)
		if (table_set_of(&table, key_of(number)) == set)
			kept += count(&table, number, 0) != TABLE_NONE;
	while (table_set_of(&table, key_of(number)) != set)
		number++;
	assert_int_equal(table_admit(&table, key_of(number), 3, 0xc0000000), TABLE_NONE);
	assert_int_equal(table.totals->untracked, 3);
	slot = table_admit(&table, key_of(number), 3, 0xbfffffff);
	assert_int_not_equal(slot, TABLE_NONE);
	assert_int_equal(table.totals->evictions, 1);
	table_keep(&table, slot, key_of(number), 3);
	assert_int_equal(table.sets[set].counts[slot % TABLE_WAYS], 4);
	table_touch(&table, slot, 3);
	assert_int_equal(table.sets[set].counts[slot % TABLE_WAYS], 7);
	free(table.totals);
}

static void test_table_repair_gives_up_what_is_not_whole(void **state)
{
	struct table table = make_table();
	uint32_t whole = count(&table, 0, 0), other = count(&table, 1, 0), unkept;

	(void)state;
	unkept = table_admit(&table, key_of(2), 1, 0);
	assert_int_equal(table_find(&table, key_of(2)), TABLE_NONE);
	table_entry(&table, unkept)->key = key_of(2);
	table_entry(&table, other)->key++;
	table_repair(&table);
	assert_int_equal(table_find(&table, key_of(0)), whole);
	assert_int_equal(table_find(&table, key_of(1)), TABLE_NONE);
	assert_int_equal(table_entry(&table, unkept)->key, 0);
	assert_int_equal(table_entry(&table, other)->key, 0);
	free(table.totals);
}

static void test_table_of_one_entry_works(void **state)
{
	const struct table_shape least = {.entries = 0, .words = 1, .text_bytes = 8};
	void *memory = aligned_alloc(64, table_size(&least));
	struct table table;

	(void)state;
	assert_non_null(memory);
	memset(memory, 0, table_size(&least));
	table_open(&table, memory, &least);
	for (uint64_t number = 0; number < 100; number++)
		count(&table, number, (uint32_t)number * 40503u << 16);
	assert_int_equal(table.entry_count, TABLE_WAYS);
	assert_int_equal(table.totals->evictions + table.totals->untracked, 100 - TABLE_WAYS);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_that_is_half_full_counts_exactly),
		cmocka_unit_test(test_table_admits_in_place_of_the_least),
		cmocka_unit_test(test_table_admits_a_weight_as_many),
		cmocka_unit_test(test_table_repair_gives_up_what_is_not_whole),
		cmocka_unit_test(test_table_of_one_entry_works),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
