/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "stats/pairs.h"

#define TIMEOUT_NS (5 * NANOSECONDS_PER_SECOND)
#define START_NS   (INT64_C(1700000000) * NANOSECONDS_PER_SECOND)

static const struct hash_key key = {{1, 2}};

struct rig {
	struct pairs pairs;
	void *memory;
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->memory =
		mmap(NULL, PAIRS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pairs_attach(&rig->pairs, rig->memory, &key, TIMEOUT_NS);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	munmap(rig->memory, PAIRS_BYTES);
	free(rig);
	return 0;
}

/* A query by number: client, port, id and name follow from it. */
static struct event make(uint32_t number, int64_t time_ns)
{
	static uint8_t name[] = "\7example\3com";
	struct event event = {
		.time_ns = time_ns,
		.latency_ns = EVENT_NO_LATENCY,
		.query_address = {{10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				   (uint8_t)number},
				  4},
		.response_address = {{192, 0, 2, 1}, 4},
		.query_port = (uint16_t)(number * 7),
		.response_port = 53,
		.id = (uint16_t)(number * 13),
		.type = 1,
		.class = 1,
		.kind = EVENT_CLIENT_QUERY,
		.protocol = EVENT_UDP,
		.length = 29,
		.qname = {name, sizeof(name)},
	};

	return event;
}

static void add(struct rig *rig, uint32_t number, int64_t time_ns)
{
	struct event event = make(number, time_ns);

	pairs_add_query(&rig->pairs, &event, number);
}

/* The latency that is found, or -1. */
static int64_t match(struct rig *rig, uint32_t number, int64_t time_ns)
{
	struct event event = make(number, time_ns);

	event.kind = EVENT_CLIENT_RESPONSE;
	return pairs_match(&rig->pairs, &event, number) ? event.latency_ns : -1;
}

static uint32_t expire(struct rig *rig, int64_t now_ns)
{
	struct event event;
	uint64_t at = 0;
	uint32_t count = 0;

	while (pairs_expire(&rig->pairs, now_ns, &at, &event)) {
		assert_true(event.is_unanswered);
		assert_int_equal(event.latency_ns, now_ns - event.time_ns);
		assert_int_equal(event.qname.length, 13);
		count++;
	}
	return count;
}

static void test_a_response_gets_its_querys_latency(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, START_NS);
	add(rig, 2, START_NS + 5);
	assert_int_equal(match(rig, 1, START_NS + 1000), 1000);
	assert_int_equal(match(rig, 1, START_NS + 2000), -1); /* it had its response */
	assert_int_equal(match(rig, 3, START_NS), -1);
	assert_int_equal(match(rig, 2, START_NS), 0); /* before its query by the clock */
	assert_int_equal(pairs_counts(rig->memory).matched, 2);
	assert_int_equal(pairs_counts(rig->memory).unmatched, 2);
}

static void test_address_port_id_type_and_name_must_be_the_same(void **state)
{
	struct rig *rig = *state;
	struct event query = make(1, START_NS), other;

	pairs_add_query(&rig->pairs, &query, 1);
	for (int change = 0; change < 6; change++) {
		other = make(1, START_NS);
		other.query_address.bytes[0] ^= change == 0;
		other.response_address.bytes[3] ^= change == 1;
		other.query_port ^= change == 2;
		other.id ^= change == 3;
		other.type ^= change == 4;
		assert_false(pairs_match(&rig->pairs, &other, change == 5 ? 2 : 1));
	}
	other = make(1, START_NS);
	assert_true(pairs_match(&rig->pairs, &other, 1));
}

static void test_a_repeated_query_is_the_same(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, START_NS);
	add(rig, 1, START_NS + 1000);
	assert_int_equal(match(rig, 1, START_NS + 3000), 3000);
	assert_int_equal(expire(rig, START_NS + 2 * TIMEOUT_NS), 0);
}

static void test_queries_expire_once_each(void **state)
{
	struct rig *rig = *state;

	for (uint32_t i = 0; i < 1000; i++)
		add(rig, i, START_NS + i);
	for (uint32_t i = 0; i < 1000; i += 2)
		assert_true(match(rig, i, START_NS + 5000) >= 0);
	assert_int_equal(expire(rig, START_NS + 4 * NANOSECONDS_PER_SECOND), 0);
	assert_int_equal(expire(rig, START_NS + TIMEOUT_NS + 499), 250);
	assert_int_equal(expire(rig, START_NS + TIMEOUT_NS + 2000), 250);
	assert_int_equal(expire(rig, START_NS + 9 * TIMEOUT_NS), 0);
	assert_int_equal(pairs_counts(rig->memory).unanswered, 500);
	assert_int_equal(match(rig, 1, START_NS + 5000), -1);
}

/* Far more than fit: those that wait are kept while others are done. */
static void test_one_that_waits_outlives_many_that_do_not(void **state)
{
	struct rig *rig = *state;

	add(rig, 0, START_NS);
	for (uint32_t i = 1; i < 300000; i++) {
		add(rig, i, START_NS + i);
		assert_int_equal(match(rig, i, START_NS + i + 20), 20);
	}
	assert_int_equal(match(rig, 0, START_NS + 1000), 1000);
	assert_int_equal(pairs_counts(rig->memory).given_up, 0);
}

static void test_when_all_wait_the_oldest_is_given_up_and_counted(void **state)
{
	struct rig *rig = *state;
	struct pairs_counts counts;
	uint32_t count = 200000, matched = 0;

	for (uint32_t i = 0; i < count; i++)
		add(rig, i, START_NS + i);
	for (uint32_t i = 0; i < count; i++)
		matched += match(rig, i, START_NS + count) >= 0;
	counts = pairs_counts(rig->memory);
	assert_true(matched > 20000);
	assert_int_equal(counts.matched, matched);
	/* A full set of hints hides a query that is there: then it expires unanswered. */
	assert_int_equal(matched + counts.given_up + expire(rig, START_NS + 3 * TIMEOUT_NS), count);
}

static void test_a_successor_goes_on_and_another_key_begins_anew(void **state)
{
	struct rig *rig = *state;
	struct hash_key other = {{3, 4}};

	add(rig, 1, START_NS);
	pairs_attach(&rig->pairs, rig->memory, &key, TIMEOUT_NS);
	assert_int_equal(match(rig, 1, START_NS + 7), 7);
	add(rig, 1, START_NS);
	pairs_attach(&rig->pairs, rig->memory, &other, TIMEOUT_NS);
	assert_int_equal(match(rig, 1, START_NS + 7), -1);
}

/* A writer is killed anywhere; a successor finds all its queries but the one it was at. */
static void test_a_kill_costs_one_query_at_most(void **state)
{
	struct rig *rig = *state;
	volatile uint32_t *reached =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct random random;

	assert_int_equal(random_init(&random), 0);
	for (int round = 0; round < 50; round++) {
		uint32_t first = (uint32_t)round * 1000000, found = 0, count;
		pid_t child = fork();

		if (child == 0)
			prctl(PR_SET_PDEATHSIG, SIGKILL); /* also of a test that fails */
		if (child == 0)
			for (uint32_t i = first;; i++) {
				add(rig, i, START_NS + i);
				if (i >= first + 1000)
					match(rig, i - 1000, START_NS + i);
				*reached = i;
			}
		usleep((useconds_t)random_below(&random, 5000));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		pairs_attach(&rig->pairs, rig->memory, &key, TIMEOUT_NS);
		count = *reached > first ? *reached - first : 0;
		count = count < 1000 ? count : 1000;
		for (uint32_t i = 0; i < count; i++)
			found += match(rig, *reached - i, START_NS + *reached) >= 0;
		assert_true(found + 2 >= count);
		expire(rig, INT64_MAX / 2);
	}
	munmap((void *)reached, 4096);
}

/* Whatever lies there, nothing is read or written outside. */
static void test_damaged_memory_does_no_harm(void **state)
{
	struct rig *rig = *state;
	struct random random;
	uint8_t *bytes = rig->memory;

	assert_int_equal(random_init(&random), 0);
	for (int round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 100000; i++)
			add(rig, i, START_NS + i);
		for (uint32_t i = 64; i < PAIRS_BYTES; i += 1 + (uint32_t)random_below(&random, 64))
			bytes[i] = (uint8_t)random_next(&random);
		pairs_attach(&rig->pairs, rig->memory, &key, TIMEOUT_NS);
		for (uint32_t i = 0; i < 100000; i++) {
			add(rig, i, START_NS + i);
			match(rig, i / 2, START_NS + i);
		}
		struct event event;
		uint64_t at = 0;

		while (pairs_expire(&rig->pairs, START_NS + 2 * TIMEOUT_NS, &at, &event))
			;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_response_gets_its_querys_latency, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_address_port_id_type_and_name_must_be_the_same,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_repeated_query_is_the_same, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_queries_expire_once_each, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_that_waits_outlives_many_that_do_not,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_when_all_wait_the_oldest_is_given_up_and_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_successor_goes_on_and_another_key_begins_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_kill_costs_one_query_at_most, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_memory_does_no_harm, set_up,
						tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
