/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/proxy/pendings.h"

static const struct hash_key key = {{1, 2}};
static struct random_stock stock;

static struct pending_key ask(const char *wire, uint16_t type)
{
	return (struct pending_key){
		.name = {(const uint8_t *)wire, strlen(wire) + 1}, .type = type, .class = 1};
}

/* A new one, or NULL. */
static struct pending *add(struct pendings *pendings, const struct pending_key *what)
{
	bool is_new;
	struct pending *pending = pendings_find_or_add(pendings, what, &is_new);

	assert_true(is_new);
	return pending;
}

static void test_pending_is_found_by_all_that_it_depends_on(void **state)
{
	struct pendings *pendings = pendings_new(16, &key);
	struct pending_key first = ask("\1a\4test", 1), other = first;
	struct pending *pending = add(pendings, &first);

	(void)state;
	assert_non_null(pending);
	assert_ptr_equal(pendings_find(pendings, &first), pending);
	other.type = 28;
	assert_null(pendings_find(pendings, &other));
	other = first, other.is_dnssec_ok = true;
	assert_null(pendings_find(pendings, &other));
	other = first, other.is_checking_disabled = true;
	assert_null(pendings_find(pendings, &other));
	other = first, other.is_recursion_desired = true;
	assert_null(pendings_find(pendings, &other));
	other = first, other.group = 1;
	assert_null(pendings_find(pendings, &other));
	assert_ptr_equal(pendings_find_question(pendings, first.name, 1, 1, NULL), pending);
	assert_null(pendings_find_question(pendings, first.name, 1, 1, pending));
	pendings_remove(pendings, pending);
	assert_null(pendings_find(pendings, &first));
	pendings_free(pendings);
}

static void test_pending_has_room_for_as_many_as_were_wanted(void **state)
{
	struct pendings *pendings = pendings_new(3, &key);
	struct asker asker = {.question.question_length = 6};
	struct pending_key keys[4];
	struct pending *pending;
	char names[4][4] = {"\1a", "\1b", "\1c", "\1d"};

	(void)state;
	for (int i = 0; i < 4; i++)
		keys[i] = ask(names[i], 1);
	for (int i = 0; i < 3; i++)
		assert_non_null(add(pendings, &keys[i]));
	assert_null(add(pendings, &keys[3]));
	pending = pendings_find(pendings, &keys[0]);
	for (int i = 0; i < 3; i++)
		assert_true(pendings_wait(pendings, pending, &asker));
	assert_false(pendings_wait(pendings, pending, &asker));
	assert_int_equal(pendings_askers(pendings), 3);
	assert_int_equal(pendings_count(pendings), 3);
	pendings_remove(pendings, pending);
	assert_int_equal(pendings_askers(pendings), 0);
	pending = add(pendings, &keys[3]);
	assert_non_null(pending);
	assert_true(pendings_wait(pendings, pending, &asker));
	pendings_free(pendings);
}

static uint32_t wait_as(struct pendings *pendings, struct pending *pending, struct address client,
			uint32_t times)
{
	struct asker asker = {.client.address = client, .question.question_length = 6};
	uint32_t waiting = 0;

	while (waiting < times && pendings_wait(pendings, pending, &asker))
		waiting++;
	return waiting;
}

/* Threats F-3: by one name, or by many. */
static void test_pending_leaves_room_beside_who_asks_without_end(void **state)
{
	const struct address one = {.bytes = {192, 0, 2, 1}, .version = 4};
	const struct address other = {.bytes = {192, 0, 2, 2}, .version = 4};
	const struct address six = {.bytes = {0x20, 1, 0xd, 0xb8, [15] = 1}, .version = 6};
	const struct address neighbour = {.bytes = {0x20, 1, 0xd, 0xb8, [15] = 2}, .version = 6};
	struct pendings *pendings = pendings_new(160, &key);
	struct pending_key asked = ask("\1a", 1), another = ask("\1b", 1);
	struct pending *pending = add(pendings, &asked), *second = add(pendings, &another);

	(void)state;
	assert_int_equal(wait_as(pendings, pending, one, 160), 120);
	assert_int_equal(wait_as(pendings, second, one, 1), 0);
	assert_int_equal(wait_as(pendings, second, other, 160), 11);
	assert_int_equal(wait_as(pendings, second, six, 5), 5);
	assert_int_equal(wait_as(pendings, second, neighbour, 160), 6); /* of one network */
	pendings_dismiss(pendings, pending);
	assert_int_equal(pendings_askers(pendings), 22);
	assert_ptr_equal(pendings_find(pendings, &asked), pending);
	assert_int_equal(wait_as(pendings, pending, one, 1), 1);
	pendings_remove(pendings, pending);
	pendings_remove(pendings, second);
	pending = add(pendings, &asked);
	assert_int_equal(wait_as(pendings, pending, other, 160), 120);
	pendings_free(pendings);
}

static void test_pending_keeps_the_order_of_its_clients(void **state)
{
	struct pendings *pendings = pendings_new(8, &key);
	struct pending_key asked = ask("\1a", 1);
	struct pending *pending = add(pendings, &asked);
	struct asker asker = {.question.question_length = 6};
	uint16_t expected = 1;

	(void)state;
	for (asker.rule = 1; asker.rule <= 5; asker.rule++)
		assert_true(pendings_wait(pendings, pending, &asker));
	for (struct asker *at = pending->first; at; at = at->next)
		assert_int_equal(at->rule, expected++);
	assert_int_equal(expected, 6);
	pendings_free(pendings);
}

static void test_pending_ids_belong_to_one_attempt_at_a_time(void **state)
{
	struct pendings *pendings = pendings_new(8, &key);
	struct pending_key asked = ask("\1a", 1);
	struct pending *pending = add(pendings, &asked);
	struct attempt *found, *attempts[PENDING_ATTEMPTS_MAX];

	(void)state;
	for (int i = 0; i < PENDING_ATTEMPTS_MAX; i++) {
		attempts[i] = pendings_begin_attempt(pendings, pending, &stock);
		assert_non_null(attempts[i]);
		for (int j = 0; j < i; j++)
			assert_int_not_equal(attempts[i]->id, attempts[j]->id);
	}
	assert_null(pendings_begin_attempt(pendings, pending, &stock));
	assert_ptr_equal(pendings_find_id(pendings, attempts[7]->id, &found), pending);
	assert_ptr_equal(found, attempts[7]);
	pendings_end_attempt(pendings, attempts[7]);
	pendings_end_attempt(pendings, attempts[7]);
	assert_null(pendings_find_id(pendings, attempts[7]->id, &found));
	pendings_remove(pendings, pending);
	for (int i = 0; i < PENDING_ATTEMPTS_MAX; i++)
		assert_null(pendings_find_id(pendings, attempts[i]->id, &found));
	pendings_free(pendings);
}

static void test_pending_that_is_answered_still_knows_its_ids(void **state)
{
	struct pendings *pendings = pendings_new(8, &key);
	struct pending_key asked = ask("\1a", 1);
	struct pending *pending = add(pendings, &asked), *second;
	struct attempt *attempt = pendings_begin_attempt(pendings, pending, &stock), *found;
	struct asker asker = {.question.question_length = 6};

	(void)state;
	pendings_wait(pendings, pending, &asker);
	pendings_settle(pendings, pending);
	assert_int_equal(pendings_askers(pendings), 0);
	assert_null(pendings_find(pendings, &asked));
	second = add(pendings, &asked);
	assert_ptr_not_equal(second, pending);
	assert_ptr_equal(pendings_find(pendings, &asked), second);
	assert_ptr_equal(pendings_find_id(pendings, attempt->id, &found), pending);
	pendings_remove(pendings, pending);
	assert_ptr_equal(pendings_find(pendings, &asked), second);
	assert_ptr_equal(pendings_first(pendings), second);
	pendings_free(pendings);
}

/* Z9: ids that are drawn from the kernel are even; chi-square of their upper octets. */
static void test_pending_ids_are_spread_evenly(void **state)
{
	struct pendings *pendings = pendings_new(8, &key);
	struct pending_key asked = ask("\1a", 1);
	struct pending *pending = add(pendings, &asked);
	uint32_t counts[256] = {0};
	const double expected = 1024;
	double chi_square = 0;

	(void)state;
	for (int i = 0; i < 256 * 1024; i++) {
		struct attempt *attempt = pendings_begin_attempt(pendings, pending, &stock);

		counts[attempt->id >> 8]++;
		pendings_end_attempt(pendings, attempt);
		pending->attempt_count = 0;
	}
	for (int i = 0; i < 256; i++)
		chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
	assert_true(chi_square > 140 && chi_square < 400); /* 255 degrees of freedom: p < 1e-6 */
	pendings_free(pendings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pending_is_found_by_all_that_it_depends_on),
		cmocka_unit_test(test_pending_has_room_for_as_many_as_were_wanted),
		cmocka_unit_test(test_pending_leaves_room_beside_who_asks_without_end),
		cmocka_unit_test(test_pending_keeps_the_order_of_its_clients),
		cmocka_unit_test(test_pending_ids_belong_to_one_attempt_at_a_time),
		cmocka_unit_test(test_pending_that_is_answered_still_knows_its_ids),
		cmocka_unit_test(test_pending_ids_are_spread_evenly),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
