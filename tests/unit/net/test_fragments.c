/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "net/fragments.h"

#define SECOND INT64_C(1000000000)

static const struct fragments_limits small_limits = {
	.entry_count = 4, .buffer_bytes = 8 * 2048, .piece_count = 6, .timeout_ns = 30 * SECOND};

/* A table, and the sum of all that it counted. */
struct table {
	struct fragments *fragments;
	void *memory;
	struct packet whole;
	struct piece_counts counts;
	uint64_t step;
	int64_t now_ns;
};

static uint8_t pattern[65536 + 256 * 7];

static const uint8_t *bytes_of(uint32_t id)
{
	return pattern + id % 256 * 7;
}

static void table_open(struct table *table, const struct fragments_limits *limits)
{
	static const struct hash_key key = {{1, 2}};

	*table = (struct table){.now_ns = 5 * SECOND};
	table->memory = aligned_alloc(64, (fragments_memory_size(limits) + 63) & ~(size_t)63);
	assert_non_null(table->memory);
	memset(table->memory, 0, fragments_memory_size(limits));
	table->fragments = fragments_open(table->memory, limits, &key, 0);
}

static void table_close(struct table *table)
{
	fragments_close(table->fragments);
	free(table->memory);
}

static uint32_t dropped(const struct table *table)
{
	uint32_t sum = 0;

	for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
		sum += table->counts.dropped[cause];
	return sum;
}

static void check_ledger(const struct table *table)
{
	assert_int_equal(table->counts.in,
			 table->counts.used + dropped(table) + fragments_held(table->fragments));
}

static struct packet piece(uint32_t id, uint32_t offset, uint32_t length, bool more)
{
	return (struct packet){
		.source = {{192, 0, 2, 1}, 4},
		.destination = {{192, 0, 2, 2}, 4},
		.protocol = IPPROTO_UDP,
		.nesting = 1,
		.more_fragments = more,
		.fragment_id = id,
		.fragment_offset = offset,
		.payload = {bytes_of(id) + offset, length},
	};
}

static bool add_packet(struct table *table, const struct packet *packet)
{
	bool is_complete = fragments_add(table->fragments, packet, ++table->step, table->now_ns,
					 &table->whole, &table->counts);

	check_ledger(table);
	return is_complete;
}

static bool add(struct table *table, uint32_t id, uint32_t offset, uint32_t length, bool more)
{
	struct packet packet = piece(id, offset, length, more);

	return add_packet(table, &packet);
}

static bool expire(struct table *table)
{
	bool is_more =
		fragments_expire(table->fragments, ++table->step, table->now_ns, &table->counts);

	check_ledger(table);
	return is_more;
}

static void check_whole(const struct table *table, uint32_t id, size_t length)
{
	assert_int_equal(table->whole.payload.length, length);
	assert_memory_equal(table->whole.payload.data, bytes_of(id), length);
}

static uint64_t held(const struct table *table)
{
	return fragments_held(table->fragments);
}

static void test_fragments_join_a_datagram(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	assert_false(add(&table, 7, 0, 1480, true));
	assert_int_equal(held(&table), 1);
	assert_true(add(&table, 7, 1480, 33, false));
	check_whole(&table, 7, 1513);
	assert_int_equal(table.counts.used, 2);
	assert_int_equal(held(&table), 0);
	assert_int_equal(table.whole.source.bytes[3], 1);
	assert_int_equal(table.whole.destination.bytes[3], 2);
	assert_int_equal(table.whole.protocol, IPPROTO_UDP);
	assert_int_equal(table.whole.nesting, 1);
	assert_false(table.whole.is_cut);
	assert_false(table.whole.more_fragments);
	assert_int_equal(table.whole.fragment_id, 0);
	assert_int_equal(table.whole.fragment_offset, 0);
	table_close(&table);
}

static void try_orders(struct table *table, uint32_t *places, int count, int *tried)
{
	if (count == 5) {
		for (int i = 0; i < 5; i++)
			assert_int_equal(add(table, (uint32_t)*tried, places[i] * 800,
					     places[i] == 4 ? 13 : 800, places[i] != 4),
					 i == 4);
		check_whole(table, (uint32_t)*tried, 3213);
		(*tried)++;
	}
	for (uint32_t place = 0; place < 5 && count < 5; place++) {
		bool is_taken = false;

		for (int i = 0; i < count; i++)
			is_taken |= places[i] == place;
		places[count] = place;
		if (!is_taken)
			try_orders(table, places, count + 1, tried);
	}
}

static void test_fragments_join_in_any_order(void **state)
{
	struct table table;
	uint32_t places[5];
	int tried = 0;

	(void)state;
	table_open(&table, &small_limits);
	try_orders(&table, places, 0, &tried);
	assert_int_equal(tried, 120);
	assert_int_equal(table.counts.used, 600);
	assert_int_equal(dropped(&table), 0);
	table_close(&table);
}

static void test_fragments_join_the_largest_datagram(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &fragments_default_limits);
	for (uint32_t offset = 0; offset + 1480 < 65535; offset += 1480)
		assert_false(add(&table, 1, offset, 1480, true));
	assert_true(add(&table, 1, 65120, 415, false));
	check_whole(&table, 1, 65535);
	table_close(&table);
}

static void test_fragments_give_out_a_datagram_of_one_piece(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	assert_true(add(&table, 1, 0, 5, false));
	check_whole(&table, 1, 5);
	assert_int_equal(table.counts.used, 1);
	table_close(&table);
}

static void test_fragments_keep_datagrams_apart(void **state)
{
	static const struct fragments_limits limits = {8, 1 << 20, 8, SECOND};
	struct packet first = piece(1, 0, 8, true), last = piece(1, 8, 8, false);
	struct packet others[6];
	struct table table;

	(void)state;
	table_open(&table, &limits);
	assert_false(add_packet(&table, &first));
	for (int i = 0; i < 6; i++)
		others[i] = last;
	others[0].fragment_id++;
	others[1].protocol++;
	others[2].source.bytes[15]++;
	others[3].destination.bytes[0]++;
	others[4].source.version = others[4].destination.version = 6;
	others[5].fragment_id += 0x10000;
	for (int i = 0; i < 6; i++)
		assert_false(add_packet(&table, &others[i]));
	assert_true(add_packet(&table, &last));
	assert_int_equal(held(&table), 6);
	table_close(&table);
}

static void test_fragments_drop_exact_duplicates(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	assert_false(add(&table, 1, 8, 8, true));
	assert_false(add(&table, 1, 8, 8, true));
	assert_false(add(&table, 1, 8, 8, false)); /* its claim to be the last goes with it */
	assert_int_equal(table.counts.dropped[PIECE_DUPLICATE], 2);
	assert_false(add(&table, 1, 16, 3, false));
	assert_false(add(&table, 1, 16, 3, false));
	assert_int_equal(table.counts.dropped[PIECE_DUPLICATE], 3);
	assert_true(add(&table, 1, 0, 8, true));
	check_whole(&table, 1, 19);
	table_close(&table);
}

static void test_fragments_discard_a_datagram_with_an_overlap(void **state)
{
	static const struct {
		uint32_t offset, length;
		bool more;
	} overlaps[] = {
		{16, 16, true}, {32, 16, true}, {16, 40, true}, {24, 8, true},	{32, 8, true},
		{24, 24, true}, {32, 1, false}, {24, 9, false}, {0, 25, false}, {0, 48, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(overlaps) / sizeof(*overlaps); i++) {
		struct table table;

		table_open(&table, &small_limits);
		assert_false(add(&table, 1, 0, 8, true));
		assert_false(add(&table, 1, 24, 16, true));
		assert_false(
			add(&table, 1, overlaps[i].offset, overlaps[i].length, overlaps[i].more));
		assert_int_equal(table.counts.dropped[PIECE_OVERLAP], 3);
		assert_int_equal(held(&table), 0);
		table_close(&table);
	}
}

static void test_fragments_remember_what_was_discarded(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	assert_false(add(&table, 1, 0, 16, true));
	assert_false(add(&table, 1, 8, 16, true));
	table.now_ns += 30 * SECOND;
	assert_false(expire(&table));
	assert_false(add(&table, 1, 0, 16, true));
	assert_false(add(&table, 1, 16, 16, false));
	assert_int_equal(table.counts.dropped[PIECE_OVERLAP], 4);
	table.now_ns += 1;
	assert_false(add(&table, 1, 0, 16, true));
	assert_true(add(&table, 1, 16, 16, false));
	check_whole(&table, 1, 32);
	table_close(&table);
}

static void test_fragments_drop_invalid_pieces_alone(void **state)
{
	struct packet cut = piece(1, 8, 8, false);
	struct packet far = piece(1, 0, 8, true);
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	assert_false(add(&table, 1, 0, 8, true));
	assert_false(add(&table, 1, 8, 0, true));
	assert_false(add(&table, 1, 8, 0, false));
	assert_false(add(&table, 1, 8, 7, true));
	assert_false(add(&table, 1, 8, 9, true));
	assert_false(add(&table, 1, 65528, 8, false));
	assert_false(add(&table, 1, 8, 65528, false));
	cut.is_cut = true;
	assert_false(add_packet(&table, &cut));
	far.fragment_offset = 65536;
	assert_false(add_packet(&table, &far));
	far.fragment_offset = UINT32_MAX - 7;
	assert_false(add_packet(&table, &far));
	assert_int_equal(table.counts.dropped[PIECE_INVALID], 9);
	assert_int_equal(held(&table), 1);
	assert_true(add(&table, 1, 8, 8, false));
	table_close(&table);
}

static void test_fragments_drop_data_behind_the_end_alone(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	assert_false(add(&table, 1, 8, 8, false));
	assert_false(add(&table, 1, 16, 8, true));
	assert_false(add(&table, 1, 24, 8, true));
	assert_int_equal(table.counts.dropped[PIECE_INVALID], 2);
	assert_true(add(&table, 1, 0, 8, true));
	check_whole(&table, 1, 16);
	table_close(&table);
}

static void test_fragments_discard_a_datagram_with_two_ends(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	assert_false(add(&table, 1, 8, 8, false));
	assert_false(add(&table, 1, 16, 8, false)); /* another end */
	assert_false(add(&table, 2, 24, 8, true));
	assert_false(add(&table, 2, 8, 8, false)); /* an end before data */
	assert_false(add(&table, 3, 24, 8, false));
	assert_false(add(&table, 3, 8, 8, false)); /* an end before the end */
	assert_int_equal(table.counts.dropped[PIECE_INVALID], 6);
	assert_int_equal(held(&table), 0);
	assert_false(add(&table, 1, 0, 8, true));
	assert_int_equal(table.counts.dropped[PIECE_OVERLAP], 1);
	table_close(&table);
}

static void test_fragments_discard_a_datagram_of_too_many_pieces(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	for (uint32_t i = 0; i < 6; i++) {
		assert_false(add(&table, 1, i * 8, 8, true));
		assert_false(add(&table, 2, i * 8, 8, true));
	}
	assert_true(add(&table, 2, 48, 8, false)); /* the last one need not be held */
	check_whole(&table, 2, 56);
	assert_false(add(&table, 1, 48, 8, true));
	assert_int_equal(table.counts.dropped[PIECE_INVALID], 7);
	assert_int_equal(held(&table), 0);
	table_close(&table);
}

static void test_fragments_expire_what_is_older_than_the_timeout(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	assert_false(expire(&table));
	assert_false(add(&table, 1, 0, 8, true));
	table.now_ns += 20 * SECOND;
	assert_false(add(&table, 1, 8, 8, true));
	assert_false(add(&table, 2, 8, 8, true));
	table.now_ns += 10 * SECOND;
	assert_false(expire(&table));
	assert_int_equal(held(&table), 3);
	table.now_ns += 1;
	assert_false(expire(&table));
	assert_int_equal(held(&table), 1);
	assert_int_equal(table.counts.dropped[PIECE_AGE], 2);
	table_close(&table);
}

static void test_fragments_never_join_with_what_is_too_old(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	assert_false(add(&table, 1, 0, 8, true));
	table.now_ns += 30 * SECOND + 1;
	assert_false(add(&table, 1, 8, 8, false));
	assert_int_equal(table.counts.dropped[PIECE_AGE], 1);
	assert_true(add(&table, 1, 0, 8, true));
	table_close(&table);
}

static void test_fragments_expire_a_few_at_a_time(void **state)
{
	struct table table;
	int calls = 1;

	(void)state;
	table_open(&table, &fragments_default_limits);
	for (uint32_t id = 0; id < 1000; id++)
		assert_false(add(&table, id, 0, 8, true));
	table.now_ns += 31 * SECOND;
	for (; expire(&table); calls++)
		assert_true(held(&table) + (uint64_t)calls * 16 >= 1000);
	assert_true(calls > 10);
	assert_int_equal(held(&table), 0);
	assert_int_equal(table.counts.dropped[PIECE_AGE], 1000);
	table_close(&table);
}

static void test_fragments_evict_the_oldest_entry(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	for (uint32_t id = 0; id < 5; id++)
		assert_false(add(&table, id, 0, 8, true));
	assert_int_equal(table.counts.dropped[PIECE_ENTRIES], 1);
	assert_int_equal(held(&table), 4);
	assert_true(add(&table, 1, 8, 8, false));
	assert_false(add(&table, 0, 8, 8, false));
	table_close(&table);
}

static void test_fragments_evict_the_oldest_bytes_of_others(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	assert_false(add(&table, 0, 0, 2048, true));
	assert_false(add(&table, 1, 0, 6 * 2048, true));
	assert_false(add(&table, 2, 0, 2048, true)); /* full */
	assert_false(add(&table, 0, 2048, 2048, true));
	assert_int_equal(table.counts.dropped[PIECE_BYTES],
			 1); /* not its own, though that is the oldest */
	assert_false(add(&table, 0, 4096, 4 * 2048, true));
	assert_int_equal(table.counts.dropped[PIECE_BYTES], 1);
	assert_false(add(&table, 0, 6 * 2048, 2048, true));
	assert_int_equal(held(&table), 5);
	assert_false(add(&table, 0, 7 * 2048, 2048, true));
	assert_int_equal(table.counts.dropped[PIECE_BYTES], 2);
	assert_false(add(&table, 0, 8 * 2048, 8, true)); /* all by itself too big */
	assert_int_equal(table.counts.dropped[PIECE_BYTES], 3);
	assert_true(add(&table, 0, 8 * 2048, 8, false)); /* the last one need not be held */
	check_whole(&table, 0, 8 * 2048 + 8);
	table_close(&table);
}

static void test_fragments_drop_a_piece_when_one_step_takes_all_room(void **state)
{
	struct packet packet;
	struct table table;

	(void)state;
	table_open(&table, &small_limits);
	table.step = 1;
	for (uint32_t id = 0; id < 100; id++) {
		packet = piece(id, 0, 8, true);
		assert_false(
			fragments_add(table.fragments, &packet, 1, 0, &table.whole, &table.counts));
		check_ledger(&table);
		assert_true(held(&table) <= 4);
	}
	assert_false(add(&table, 1000, 0, 8, true));
	assert_true(add(&table, 1000, 8, 8, false));
	for (uint32_t id = 0; id < 100; id++) {
		packet = piece(id, 0, 8 * 2048, true);
		assert_false(fragments_add(table.fragments, &packet, table.step, 0, &table.whole,
					   &table.counts));
		check_ledger(&table);
		assert_true(held(&table) <= 4);
	}
	assert_false(add(&table, 1000, 0, 8, true));
	assert_true(add(&table, 1000, 8, 8, false));
	table_close(&table);
}

static void test_fragments_bound_a_million_first_pieces(void **state)
{
	struct table table;

	(void)state;
	table_open(&table, &fragments_default_limits);
	for (uint32_t id = 0; id < 1000000; id++) {
		assert_false(add(&table, id, 0, 1480, true));
		assert_true(held(&table) <= 1024);
	}
	assert_int_equal(table.counts.dropped[PIECE_ENTRIES], 1000000 - 1024);
	table_close(&table);
}

/* A datagram inside a datagram: the piece lies in the buffer that the outer one was joined in. */
static void test_fragments_join_what_comes_out_of_a_datagram(void **state)
{
	struct table table;
	struct packet inner;

	(void)state;
	table_open(&table, &small_limits);
	assert_false(add(&table, 1, 0, 80, true));
	assert_false(add(&table, 9, 160, 80, false));
	assert_true(add(&table, 9, 0, 160, true));
	inner = piece(1, 80, 160, false);
	inner.payload.data = memmove((uint8_t *)(uintptr_t)table.whole.payload.data + 20,
				     inner.payload.data, 160);
	assert_true(fragments_add(table.fragments, &inner, table.step, table.now_ns, &table.whole,
				  &table.counts));
	check_whole(&table, 1, 240);
	table_close(&table);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragments_join_a_datagram),
		cmocka_unit_test(test_fragments_join_in_any_order),
		cmocka_unit_test(test_fragments_join_the_largest_datagram),
		cmocka_unit_test(test_fragments_give_out_a_datagram_of_one_piece),
		cmocka_unit_test(test_fragments_keep_datagrams_apart),
		cmocka_unit_test(test_fragments_drop_exact_duplicates),
		cmocka_unit_test(test_fragments_discard_a_datagram_with_an_overlap),
		cmocka_unit_test(test_fragments_remember_what_was_discarded),
		cmocka_unit_test(test_fragments_drop_invalid_pieces_alone),
		cmocka_unit_test(test_fragments_drop_data_behind_the_end_alone),
		cmocka_unit_test(test_fragments_discard_a_datagram_with_two_ends),
		cmocka_unit_test(test_fragments_discard_a_datagram_of_too_many_pieces),
		cmocka_unit_test(test_fragments_expire_what_is_older_than_the_timeout),
		cmocka_unit_test(test_fragments_never_join_with_what_is_too_old),
		cmocka_unit_test(test_fragments_expire_a_few_at_a_time),
		cmocka_unit_test(test_fragments_evict_the_oldest_entry),
		cmocka_unit_test(test_fragments_evict_the_oldest_bytes_of_others),
		cmocka_unit_test(test_fragments_drop_a_piece_when_one_step_takes_all_room),
		cmocka_unit_test(test_fragments_bound_a_million_first_pieces),
		cmocka_unit_test(test_fragments_join_what_comes_out_of_a_datagram),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 31 + i / 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
