/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "net/chunks.h"

#define COUNT 16u

struct chain {
	uint32_t head, tail, length;
};

struct store {
	struct chunks chunks;
	void *memory;
};

static uint8_t pattern[COUNT * CHUNK_BYTES];
static uint8_t out[COUNT * CHUNK_BYTES];

static const struct chain empty = {CHUNK_NONE, CHUNK_NONE, 0};

static void fill_pattern(void)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + i / 251);
}

static void store_open(struct store *store)
{
	store->memory = calloc(1, chunks_memory_size(COUNT));
	assert_non_null(store->memory);
	chunks_open(&store->chunks, store->memory, COUNT);
	chunks_sweep(&store->chunks);
}

static void store_close(struct store *store)
{
	chunks_close(&store->chunks);
	free(store->memory);
}

/* As a successor does it. */
static void store_reopen(struct store *store, const struct chain *chains, size_t count)
{
	chunks_close(&store->chunks);
	chunks_open(&store->chunks, store->memory, COUNT);
	for (size_t i = 0; i < count; i++) {
		assert_true(chunks_mark(&store->chunks, chains[i].head, chains[i].length));
		assert_int_equal(chains[i].length ? chains[i].tail : CHUNK_NONE,
				 chunks_tail(&store->chunks, chains[i].head, chains[i].length));
	}
	chunks_sweep(&store->chunks);
}

static bool append(struct store *store, struct chain *chain, uint32_t more, uint64_t step)
{
	if (!chunks_append(&store->chunks, &chain->head, &chain->tail, chain->length,
			   pattern + chain->length, more, step))
		return false;
	chain->length += more;
	return true;
}

static void check(const struct store *store, const struct chain *chain)
{
	chunks_copy(&store->chunks, chain->head, 0, out, chain->length);
	assert_memory_equal(out, pattern, chain->length);
}

static void test_chunks_give_back_what_was_appended(void **state)
{
	static const uint32_t sizes[] = {1, 2046, 1, 1, 2047, 2048, 2049, 4096, 5000, 8, 1480};
	struct chain chain = empty;
	struct store store;

	(void)state;
	store_open(&store);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		assert_true(append(&store, &chain, sizes[i], 1));
		check(&store, &chain);
		assert_int_equal(chunks_available(&store.chunks, 1),
				 COUNT - (chain.length + CHUNK_BYTES - 1) / CHUNK_BYTES);
	}
	store_close(&store);
}

static void test_chunks_copy_any_part(void **state)
{
	struct chain chain = empty;
	struct store store;

	(void)state;
	store_open(&store);
	assert_true(append(&store, &chain, 3 * CHUNK_BYTES, 1));
	for (uint32_t offset = 0; offset <= chain.length; offset += 256)
		for (uint32_t length = 0; offset + length <= chain.length; length += 128) {
			chunks_copy(&store.chunks, chain.head, offset, out, length);
			assert_memory_equal(out, pattern + offset, length);
		}
	store_close(&store);
}

static void test_chunks_append_fails_whole_when_full(void **state)
{
	struct chain chain = empty, other = empty;
	struct store store;

	(void)state;
	store_open(&store);
	assert_true(append(&store, &chain, 14 * CHUNK_BYTES + 1, 1));
	assert_false(append(&store, &other, CHUNK_BYTES + 1, 1));
	assert_memory_equal(&other, &empty, sizeof(empty));
	assert_int_equal(chunks_available(&store.chunks, 1), 1);
	assert_true(append(&store, &chain, CHUNK_BYTES - 1, 1));
	assert_int_equal(chunks_available(&store.chunks, 1), 1);
	assert_true(append(&store, &other, CHUNK_BYTES, 1));
	assert_false(append(&store, &other, 1, 1));
	assert_true(append(&store, &other, 0, 1));
	check(&store, &chain);
	check(&store, &other);
	store_close(&store);
}

static void test_chunks_let_go_wait_for_the_next_step(void **state)
{
	struct chain chain = empty, other = empty;
	struct store store;

	(void)state;
	store_open(&store);
	assert_true(append(&store, &chain, COUNT * CHUNK_BYTES, 1));
	chunks_release(&store.chunks, chain.head, chain.length, 2);
	assert_int_equal(chunks_available(&store.chunks, 2), 0);
	assert_false(append(&store, &other, 1, 2));
	check(&store, &chain);
	assert_int_equal(chunks_available(&store.chunks, 3), COUNT);
	assert_true(append(&store, &other, COUNT * CHUNK_BYTES, 3));
	store_close(&store);
}

static void test_chunks_of_the_step_before_are_free_when_more_go(void **state)
{
	struct chain chains[COUNT];
	struct store store;

	(void)state;
	store_open(&store);
	for (uint32_t i = 0; i < COUNT; i++) {
		chains[i] = empty;
		assert_true(append(&store, &chains[i], 1, 1));
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		chunks_release(&store.chunks, chains[i].head, chains[i].length, 2 + i);
		assert_int_equal(chunks_available(&store.chunks, 2 + i), i);
	}
	store_close(&store);
}

static void test_chunks_drop_front_keeps_the_rest(void **state)
{
	struct store store;

	(void)state;
	store_open(&store);
	for (uint32_t drop = 0; drop <= 5000; drop += 8) {
		struct chain chain = empty;
		uint32_t offset = drop;
		uint64_t step = drop + 10;

		assert_true(append(&store, &chain, 5000, step));
		chain.head = chunks_drop_front(&store.chunks, chain.head, 5000, &offset, step + 1);
		assert_int_equal(offset, drop == 5000 ? 0 : drop % CHUNK_BYTES);
		chain.length = offset + 5000 - drop;
		chunks_copy(&store.chunks, chain.head, offset, out, 5000 - drop);
		assert_memory_equal(out, pattern + drop, 5000 - drop);
		assert_int_equal(chunks_available(&store.chunks, step + 2),
				 COUNT - (chain.length + CHUNK_BYTES - 1) / CHUNK_BYTES);
		chunks_release(&store.chunks, chain.head, chain.length, step + 2);
		assert_int_equal(chunks_available(&store.chunks, step + 3), COUNT);
	}
	store_close(&store);
}

static void test_chunks_drop_front_at_the_end_gives_none(void **state)
{
	struct chain chain = empty;
	uint32_t offset = 2 * CHUNK_BYTES;
	struct store store;

	(void)state;
	store_open(&store);
	assert_true(append(&store, &chain, offset, 1));
	assert_int_equal(chunks_drop_front(&store.chunks, chain.head, offset, &offset, 1),
			 CHUNK_NONE);
	assert_int_equal(offset, 0);
	assert_int_equal(chunks_drop_front(&store.chunks, CHUNK_NONE, 0, &offset, 1), CHUNK_NONE);
	assert_int_equal(chunks_available(&store.chunks, 2), COUNT);
	store_close(&store);
}

static void test_chunks_mark_refuses_nonsense(void **state)
{
	struct store store;
	uint32_t *next;

	(void)state;
	store_open(&store);
	next = store.chunks.next;
	next[0] = 1;
	next[1] = COUNT; /* leaves the store */
	next[2] = 3;
	next[3] = 2; /* a loop */
	next[4] = 4;
	next[5] = 6;
	next[6] = 7;
	assert_false(chunks_mark(&store.chunks, COUNT, 1));
	assert_false(chunks_mark(&store.chunks, CHUNK_NONE, 1));
	assert_false(chunks_mark(&store.chunks, 0, 2 * CHUNK_BYTES + 1));
	assert_false(chunks_mark(&store.chunks, 2, 2 * CHUNK_BYTES + 1));
	assert_false(chunks_mark(&store.chunks, 4, CHUNK_BYTES + 1));
	assert_false(chunks_mark(&store.chunks, 2, UINT32_MAX));
	assert_true(chunks_mark(&store.chunks, CHUNK_NONE, 0));
	assert_true(chunks_mark(&store.chunks, 7, 1));
	assert_false(chunks_mark(&store.chunks, 5, 2 * CHUNK_BYTES + 1)); /* crosses */
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(store.chunks.marks[i], i == 7);
	assert_true(chunks_mark(&store.chunks, 0, 2 * CHUNK_BYTES));
	assert_true(chunks_mark(&store.chunks, 5, 2 * CHUNK_BYTES));
	assert_int_equal(chunks_tail(&store.chunks, 5, 2 * CHUNK_BYTES), 6);
	assert_int_equal(chunks_tail(&store.chunks, 5, CHUNK_BYTES), 5);
	assert_int_equal(chunks_tail(&store.chunks, 5, 0), CHUNK_NONE);
	store_close(&store);
}

/* A step of a random run: changes copies of the committed chains. */
static void change(struct store *store, struct chain *chains, uint64_t step)
{
	for (int i = rand() % 3; i >= 0; i--) {
		struct chain *chain = &chains[rand() % 4];

		if (rand() % 4) {
			append(store, chain, (uint32_t)rand() % 5000 % (65536 - chain->length),
			       step);
		} else {
			chunks_release(&store->chunks, chain->head, chain->length, step);
			*chain = empty;
		}
	}
}

static void test_chunks_of_a_killed_step_leave_no_trace(void **state)
{
	struct chain committed[4] = {empty, empty, empty, empty};
	struct chain changed[4];
	struct store store;

	(void)state;
	srand(1);
	store_open(&store);
	for (uint64_t step = 1; step < 20000; step++) {
		memcpy(changed, committed, sizeof(changed));
		change(&store, changed, step);
		if (rand() % 3) {
			memcpy(committed, changed, sizeof(changed));
		} else {
			store_reopen(&store, committed, 4);
			step--;
		}
		for (int i = 0; i < 4; i++)
			check(&store, &committed[i]);
	}
	store_close(&store);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks_give_back_what_was_appended),
		cmocka_unit_test(test_chunks_copy_any_part),
		cmocka_unit_test(test_chunks_append_fails_whole_when_full),
		cmocka_unit_test(test_chunks_let_go_wait_for_the_next_step),
		cmocka_unit_test(test_chunks_of_the_step_before_are_free_when_more_go),
		cmocka_unit_test(test_chunks_drop_front_keeps_the_rest),
		cmocka_unit_test(test_chunks_drop_front_at_the_end_gives_none),
		cmocka_unit_test(test_chunks_mark_refuses_nonsense),
		cmocka_unit_test(test_chunks_of_a_killed_step_leave_no_trace),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	fill_pattern();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
