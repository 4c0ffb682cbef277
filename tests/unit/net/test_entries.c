/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "net/entries.h"

#define LIMIT 100u

static const struct entries_shape shape = {
	.limit = LIMIT, .key_bytes = 8, .state_bytes = 16, .body_bytes = 8};

struct table {
	struct entries entries;
	void *memory;
};

static void table_attach(struct table *table, uint64_t committed_step)
{
	struct hash_key key = {{(uint64_t)rand(), (uint64_t)rand()}};

	entries_open(&table->entries, table->memory, &shape, &key, committed_step);
}

static void table_open(struct table *table)
{
	table->memory = aligned_alloc(64, entries_memory_size(&shape));
	assert_non_null(table->memory);
	memset(table->memory, 0, entries_memory_size(&shape));
	table_attach(table, 0);
	entries_sweep(&table->entries);
}

static void table_reopen(struct table *table, uint64_t committed_step)
{
	entries_close(&table->entries);
	table_attach(table, committed_step);
	entries_sweep(&table->entries);
}

static void table_close(struct table *table)
{
	entries_close(&table->entries);
	free(table->memory);
}

static uint32_t find(const struct table *table, uint64_t key)
{
	return entries_find(&table->entries, &key, entries_hash(&table->entries, &key));
}

static uint32_t begin(struct table *table, uint64_t key, uint64_t step)
{
	return entries_begin(&table->entries, &key, entries_hash(&table->entries, &key), step);
}

static uint64_t value(const struct table *table, uint64_t key)
{
	return *(const uint64_t *)entries_state(&table->entries, find(table, key));
}

static void set(struct table *table, uint64_t key, uint64_t to, uint64_t step)
{
	*(uint64_t *)entries_change(&table->entries, find(table, key), step) = to;
}

static void end(struct table *table, uint64_t key, uint64_t step)
{
	entries_end(&table->entries, find(table, key), step);
}

static void test_entries_are_found_by_key(void **state)
{
	struct table table;

	(void)state;
	table_open(&table);
	assert_int_equal(find(&table, 1), ENTRY_NONE);
	for (uint64_t key = 0; key < LIMIT; key++)
		assert_int_not_equal(begin(&table, key, 1), ENTRY_NONE);
	for (uint64_t key = 0; key < LIMIT; key++) {
		assert_memory_equal(entries_key(&table.entries, find(&table, key)), &key, 8);
		assert_int_equal(value(&table, key), 0);
	}
	for (uint64_t key = 0; key < LIMIT; key += 2)
		end(&table, key, 2);
	for (uint64_t key = 0; key < LIMIT; key++)
		assert_int_equal(find(&table, key) == ENTRY_NONE, key % 2 == 0);
	assert_int_equal(entries_used(&table.entries), LIMIT / 2);
	table_close(&table);
}

static void check_order(const struct table *table, const uint64_t *keys, size_t count)
{
	uint32_t index = table->entries.oldest;

	for (size_t i = 0; i < count; i++, index = entries_newer(&table->entries, index))
		assert_int_equal(index, find(table, keys[i]));
	assert_int_equal(index, ENTRY_NONE);
}

static void test_entries_stand_in_the_order_of_birth(void **state)
{
	struct table table;

	(void)state;
	table_open(&table);
	assert_int_equal(table.entries.oldest, ENTRY_NONE);
	for (uint64_t key = 1; key <= 6; key++)
		begin(&table, key, 1);
	end(&table, 1, 2);
	end(&table, 3, 2);
	end(&table, 6, 2);
	begin(&table, 7, 3);
	begin(&table, 3, 3);
	check_order(&table, (const uint64_t[]){2, 4, 5, 7, 3}, 5);
	table_reopen(&table, 3);
	check_order(&table, (const uint64_t[]){2, 4, 5, 7, 3}, 5);
	begin(&table, 9, 4);
	check_order(&table, (const uint64_t[]){2, 4, 5, 7, 3, 9}, 6);
	end(&table, 2, 5);
	end(&table, 9, 5);
	check_order(&table, (const uint64_t[]){4, 5, 7, 3}, 4);
	table_close(&table);
}

static void test_entries_that_end_wait_for_the_next_step(void **state)
{
	struct table table;
	uint32_t index;

	(void)state;
	table_open(&table);
	for (uint64_t key = 0; key < table.entries.count; key++)
		assert_int_not_equal(begin(&table, key, 1), ENTRY_NONE);
	assert_int_equal(begin(&table, 1000, 1), ENTRY_NONE);
	index = find(&table, 5);
	end(&table, 5, 2);
	assert_int_equal(begin(&table, 1000, 2), ENTRY_NONE);
	assert_int_equal(begin(&table, 1000, 3), index);
	end(&table, 6, 3);
	end(&table, 7, 4);
	assert_int_not_equal(begin(&table, 1001, 4), ENTRY_NONE);
	assert_int_equal(begin(&table, 1002, 4), ENTRY_NONE);
	table_close(&table);
}

static void test_entries_undo_what_was_not_committed(void **state)
{
	struct table table;

	(void)state;
	table_open(&table);
	begin(&table, 1, 1);
	set(&table, 1, 11, 1);
	begin(&table, 2, 2);
	set(&table, 2, 21, 2);
	set(&table, 1, 12, 2);
	set(&table, 1, 13, 2);
	assert_int_equal(value(&table, 1), 13);
	table_reopen(&table, 2);
	assert_int_equal(value(&table, 1), 13);
	assert_int_equal(value(&table, 2), 21);
	set(&table, 1, 14, 3);
	set(&table, 1, 15, 3);
	end(&table, 2, 3);
	begin(&table, 3, 3);
	table_reopen(&table, 2);
	assert_int_equal(value(&table, 1), 13);
	assert_int_equal(value(&table, 2), 21);
	assert_int_equal(find(&table, 3), ENTRY_NONE);
	begin(&table, 4, 3); /* another step 3, and none of the first one comes back with it */
	table_reopen(&table, 3);
	assert_int_equal(value(&table, 1), 13);
	assert_int_equal(value(&table, 2), 21);
	assert_int_equal(value(&table, 4), 0);
	assert_int_equal(find(&table, 3), ENTRY_NONE);
	assert_int_equal(entries_used(&table.entries), 3);
	table_close(&table);
}

static void test_entries_end_for_good_once_committed(void **state)
{
	struct table table;

	(void)state;
	table_open(&table);
	begin(&table, 1, 1);
	set(&table, 1, 11, 1);
	end(&table, 1, 2);
	table_reopen(&table, 2);
	assert_int_equal(find(&table, 1), ENTRY_NONE);
	table_reopen(&table, 2);
	assert_int_equal(find(&table, 1), ENTRY_NONE);
	assert_int_equal(entries_used(&table.entries), 0);
	begin(&table, 1, 3);
	assert_int_equal(value(&table, 1), 0);
	table_close(&table);
}

static void test_entries_rejected_are_free(void **state)
{
	struct table table;

	(void)state;
	table_open(&table);
	for (uint64_t key = 1; key <= 3; key++)
		begin(&table, key, 1);
	entries_close(&table.entries);
	table_attach(&table, 1);
	for (uint32_t index = 0; index < table.entries.count; index++)
		if (entries_is_used(&table.entries, index) &&
		    *(const uint64_t *)entries_key(&table.entries, index) == 2)
			entries_reject(&table.entries, index);
	entries_sweep(&table.entries);
	check_order(&table, (const uint64_t[]){1, 3}, 2);
	assert_int_equal(find(&table, 2), ENTRY_NONE);
	table_reopen(&table, 1);
	assert_int_equal(find(&table, 2), ENTRY_NONE);
	table_close(&table);
}

static void test_entries_of_an_impossible_order_are_none(void **state)
{
	struct table table;

	(void)state;
	table_open(&table);
	begin(&table, 1, 1);
	begin(&table, 2, 1);
	entries_version(&table.entries, find(&table, 1))->order = UINT64_MAX;
	table_reopen(&table, 1);
	assert_int_equal(find(&table, 1), ENTRY_NONE);
	begin(&table, 3, 2);
	check_order(&table, (const uint64_t[]){2, 3}, 2);
	table_close(&table);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_are_found_by_key),
		cmocka_unit_test(test_entries_stand_in_the_order_of_birth),
		cmocka_unit_test(test_entries_that_end_wait_for_the_next_step),
		cmocka_unit_test(test_entries_undo_what_was_not_committed),
		cmocka_unit_test(test_entries_end_for_good_once_committed),
		cmocka_unit_test(test_entries_rejected_are_free),
		cmocka_unit_test(test_entries_of_an_impossible_order_are_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	srand(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
