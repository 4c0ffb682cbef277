/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "ipc/commit.h"
#include "ipc/ledger.h"

struct worker {
	struct state_head head;
	struct state_watch watch;
};

static void count(struct worker *worker, enum counter counter, uint64_t value)
{
	worker->head.words[STATE_COUNTERS + (int)counter] += value;
}

/* Queries of clients: one for each of what they can become. */
static void add_proxy(struct worker *worker)
{
	for (int i = COUNTER_PROXY_CACHED; i <= COUNTER_PROXY_PRIVATE; i++) {
		count(worker, (enum counter)i, 1);
		count(worker, COUNTER_PROXY_QUERIES, 1);
	}
	worker->head.words[STATE_PROXY_WAITING] = 2;
	count(worker, COUNTER_PROXY_QUERIES, 2);
}

/* A worker that recorded 5 of 8 packets and sent 3 of those records. */
static struct worker make_worker(void)
{
	struct worker worker = {.watch = {.kernel_packets = 12, .kernel_drops = 1}};

	assert_true(state_attach(&worker.head));
	count(&worker, COUNTER_PACKETS_READ, 8);
	count(&worker, COUNTER_PACKETS_NOT_DNS, 2);
	count(&worker, COUNTER_PACKETS_MESSAGE, 6);
	count(&worker, COUNTER_MESSAGES_IN, 6);
	count(&worker, COUNTER_MESSAGES_RECORDED, 5);
	count(&worker, COUNTER_MESSAGES_NO_ADDRESS, 1);
	count(&worker, COUNTER_RECORDS_SENT, 3);
	worker.head.words[STATE_OPEN_SETS] = 2;
	count(&worker, COUNTER_DATAGRAMS_DATA, 1);
	count(&worker, COUNTER_DATAGRAMS_DONE, 1);
	count(&worker, COUNTER_SENDS_DUE, 2);
	count(&worker, COUNTER_SENDS, 1);
	count(&worker, COUNTER_SENDS_FAILED_REFUSED, 1);
	worker.head.words[STATE_SEQUENCE] = 2;
	worker.head.words[STATE_SENT] = 2;
	add_proxy(&worker);
	return worker;
}

static void test_every_line_adds_up(void **state)
{
	struct worker worker = make_worker();
	struct ledger ledger = {0};

	(void)state;
	ledger_add(&ledger, &worker.head, &worker.watch, 3);
	assert_true(ledger_adds_up(&ledger, true));
	ledger_add(&ledger, &worker.head, &worker.watch, 3);
	assert_true(ledger_adds_up(&ledger, true));
	assert_int_equal(ledger_counter(&ledger, COUNTER_PACKETS_READ), 16);
}

static void test_what_is_missing_is_told_where_it_is(void **state)
{
	static const struct {
		enum counter counter;
		const char *stage;
	} cases[] = {
		{COUNTER_PACKETS_NOT_DNS, "decode"},	   {COUNTER_PIECES_IN, "reassembly"},
		{COUNTER_MESSAGES_NO_ADDRESS, "messages"}, {COUNTER_RECORDS_DROPPED, "export"},
		{COUNTER_DATAGRAMS_STATS, "datagrams"},	   {COUNTER_SENDS, "sends"},
		{COUNTER_MESSAGES_REASSEMBLED, "sources"}, {COUNTER_PACKETS_OTHER_SHARE, "ring"},
		{COUNTER_PROXY_QUERIES, "proxy"},	   {COUNTER_PROXY_PRIVATE, "proxy"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ledger_line lines[LEDGER_LINES_MAX];
		struct worker worker = make_worker();
		struct ledger ledger = {0};
		uint32_t line_count;

		count(&worker, cases[i].counter, 1);
		ledger_add(&ledger, &worker.head, &worker.watch, 3);
		assert_false(ledger_adds_up(&ledger, true));
		line_count = ledger_make(&ledger, true, lines);
		for (uint32_t line = 0; line < line_count; line++)
			assert_int_equal(lines[line].missing != 0,
					 !strcmp(lines[line].stage, cases[i].stage));
	}
}

static void test_a_file_has_no_line_for_the_ring(void **state)
{
	struct ledger_line lines[LEDGER_LINES_MAX];
	struct worker worker = make_worker();
	struct ledger ledger = {0};

	(void)state;
	worker.watch = (struct state_watch){0};
	ledger_add(&ledger, &worker.head, &worker.watch, 0);
	assert_true(ledger_adds_up(&ledger, false));
	assert_false(ledger_adds_up(&ledger, true));
	ledger_make(&ledger, false, lines);
	assert_string_equal(lines[0].stage, "decode");
	ledger_make(&ledger, true, lines);
	assert_string_equal(lines[0].stage, "ring");
}

static void test_what_is_beside_the_proxys_line_is_not_in_it(void **state)
{
	struct worker worker = make_worker();
	struct ledger ledger = {0};

	(void)state;
	for (int i = COUNTER_PROXY_PRIVATE + 1; i < COUNTER_END; i++)
		if (counter_name((enum counter)i) &&
		    !strncmp(counter_name((enum counter)i), "proxy_", 6))
			count(&worker, (enum counter)i, 5);
	ledger_add(&ledger, &worker.head, &worker.watch, 3);
	assert_true(ledger_adds_up(&ledger, true));
}

static void test_no_two_counters_share_a_number(void **state)
{
	static const int numbers[] = {
#define COUNTER(number, id, name, help) number,
#include "ipc/counters.def"
#undef COUNTER
	};
	int seen[COUNTER_END] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_in_range(numbers[i], 0, COUNTER_END - 1);
		assert_int_equal(seen[numbers[i]]++, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_line_adds_up),
		cmocka_unit_test(test_what_is_missing_is_told_where_it_is),
		cmocka_unit_test(test_a_file_has_no_line_for_the_ring),
		cmocka_unit_test(test_what_is_beside_the_proxys_line_is_not_in_it),
		cmocka_unit_test(test_no_two_counters_share_a_number),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
