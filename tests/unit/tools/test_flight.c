/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tools/bench/flight.h"

static void test_flight_has_room_for_so_many(void **state)
{
	struct flight *flight = flight_new(10, 3);
	uint32_t rooms[3] = {0};

	(void)state;
	for (uint32_t lane = 0; lane < 3; lane++) {
		while (flight_take(flight, lane))
			rooms[lane]++;
		assert_true(flight_is_full(flight, lane));
		assert_in_range(rooms[lane], 3, 4);
	}
	assert_int_equal(rooms[0] + rooms[1] + rooms[2], 10);
	assert_int_equal(flight_count(flight), 10);
	flight_free(flight);
}

static void test_flight_finds_what_is_out_in_its_lane(void **state)
{
	struct flight *flight = flight_new(2000, 2);
	struct flight_query *queries[2000];

	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		queries[i] = flight_take(flight, i % 2);
		assert_int_equal(queries[i]->lane, i % 2);
	}
	for (uint32_t i = 0; i < 2000; i++)
		assert_ptr_equal(flight_find(flight, i % 2, queries[i]->id), queries[i]);
	flight_free(flight);
}

static void test_flight_finds_no_other_id(void **state)
{
	struct flight *flight = flight_new(5, 1);
	uint32_t found = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		flight_take(flight, 0);
	for (uint32_t id = 0; id <= UINT16_MAX; id++)
		found += flight_find(flight, 0, (uint16_t)id) != NULL;
	assert_int_equal(found, 3);
	flight_free(flight);
}

static void test_flight_does_not_find_what_is_over(void **state)
{
	struct flight *flight = flight_new(1, 1);
	struct flight_query *query = flight_take(flight, 0);
	uint16_t id = query->id;

	(void)state;
	flight_end(flight, query);
	assert_null(flight_find(flight, 0, id));
	assert_int_equal(flight_count(flight), 0);
	query = flight_take(flight, 0);
	assert_int_not_equal(query->id, id);
	assert_null(flight_find(flight, 0, id));
	flight_free(flight);
}

static void test_flight_uses_all_ids_before_one_again(void **state)
{
	static bool is_used[UINT16_MAX + 1];
	struct flight *flight = flight_new(1, 1);

	(void)state;
	for (uint32_t i = 0; i <= UINT16_MAX; i++) {
		struct flight_query *query = flight_take(flight, 0);

		assert_false(is_used[query->id]);
		is_used[query->id] = true;
		flight_end(flight, query);
	}
	flight_free(flight);
}

static void test_flight_keeps_the_order_of_sending(void **state)
{
	struct flight *flight = flight_new(4, 2);
	struct flight_query *a = flight_take(flight, 0), *b = flight_take(flight, 1);
	struct flight_query *c = flight_take(flight, 0);

	(void)state;
	assert_ptr_equal(flight_oldest(flight), a);
	flight_end(flight, b);
	flight_end(flight, a);
	assert_ptr_equal(flight_oldest(flight), c);
	b = flight_take(flight, 1);
	assert_ptr_equal(flight_oldest(flight), c);
	flight_end(flight, c);
	assert_ptr_equal(flight_oldest(flight), b);
	flight_end(flight, b);
	assert_null(flight_oldest(flight));
	flight_free(flight);
}

static void test_flight_ends_a_lane_and_no_other(void **state)
{
	struct flight *flight = flight_new(8, 2);

	(void)state;
	for (int i = 0; i < 3; i++)
		flight_take(flight, 0);
	flight_take(flight, 1);
	assert_int_equal(flight_end_lane(flight, 0), 3);
	assert_int_equal(flight_end_lane(flight, 0), 0);
	assert_int_equal(flight_count(flight), 1);
	assert_int_equal(flight_oldest(flight)->lane, 1);
	flight_free(flight);
}

/* Against an array of what must be out, in the order of taking. */
static void test_flight_keeps_its_books_at_random(void **state)
{
	struct flight *flight = flight_new(40, 3);
	struct flight_query *out[40];
	uint32_t count = 0;

	(void)state;
	srandom(1);
	for (int step = 0; step < 200000; step++) {
		struct flight_query *query = NULL;

		if (random() % 2)
			query = flight_take(flight, (uint32_t)random() % 3);
		if (query) {
			out[count++] = query;
		} else if (count) {
			uint32_t at = (uint32_t)random() % count;

			assert_ptr_equal(flight_find(flight, out[at]->lane, out[at]->id), out[at]);
			flight_end(flight, out[at]);
			for (count--; at < count; at++)
				out[at] = out[at + 1];
		}
		assert_int_equal(flight_count(flight), count);
		assert_ptr_equal(flight_oldest(flight), count ? out[0] : NULL);
	}
	flight_free(flight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flight_has_room_for_so_many),
		cmocka_unit_test(test_flight_finds_what_is_out_in_its_lane),
		cmocka_unit_test(test_flight_finds_no_other_id),
		cmocka_unit_test(test_flight_does_not_find_what_is_over),
		cmocka_unit_test(test_flight_uses_all_ids_before_one_again),
		cmocka_unit_test(test_flight_keeps_the_order_of_sending),
		cmocka_unit_test(test_flight_ends_a_lane_and_no_other),
		cmocka_unit_test(test_flight_keeps_its_books_at_random),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
