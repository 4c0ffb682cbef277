/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "aggregator/outputs/output.h"
#include "aggregator/outputs/spool.h"
#include "base/clock.h"
#include "ipc/memory.h"

/* What an output does in front of its kind: the kind here takes a record when it is told to. */
static struct output output;
static struct config_output config;
static struct output_host host;
static struct suffixes *suffixes;
static struct output_account account, committed;
static char error[CONFIG_ERROR_MAX];
static int queue_fd, spool_fd, takes;
static unsigned int ticks;
static const uint8_t wire_name[] = "\3www\7example\3com";

static bool kind_open(struct output *of, char *problem)
{
	(void)of;
	(void)problem;
	return true;
}

static void kind_do(struct output *of)
{
	(void)of;
}

static void kind_write(struct output *of)
{
	struct iovec record;
	uint64_t next;

	while (takes && queue_peek(&of->queue, *of->queue.tail, &record, 1, 1, &next) == 1) {
		takes--;
		output_written(of, 1, record.iov_len, next);
	}
}

static void kind_tick(struct output *of, int64_t now_ns)
{
	(void)of;
	(void)now_ns;
	ticks++;
}

static bool kind_is_idle(const struct output *of)
{
	(void)of;
	return true;
}

static size_t kind_encode(struct output *of, const struct event *shown, struct slice message,
			  uint8_t *out)
{
	(void)of;
	(void)shown;
	if (message.length)
		memcpy(out, message.data, message.length);
	return message.length > 8 ? OUTPUT_TOO_BIG : message.length;
}

#define KIND                                                                         \
	.open = kind_open, .start = kind_do, .write = kind_write, .tick = kind_tick, \
	.is_idle = kind_is_idle, .close = kind_do

const struct output_ops output_stdout = {KIND}, output_file = {KIND}, output_tcp = {KIND},
			output_syslog = {KIND}, output_metrics = {KIND},
			output_records = {KIND, .encode = kind_encode};

static void commit(void *argument)
{
	(void)argument;
	committed = account;
}

static void open_it(void)
{
	static const struct hash_key key = {{1, 2}};

	if (!output_open(&output, 0, &config, &host, &account, queue_fd, spool_fd, &key, error))
		fail_msg("%s", error);
}

static int set_up(void **state)
{
	(void)state;
	memset(&account, 0, sizeof(account));
	memset(&output, 0, sizeof(output));
	config = config_output_default;
	config.kind = OUTPUT_FILE;
	config.queue_mib = 1;
	config.spool_mib = 1;
	strcpy(config.name, "test");
	suffixes = suffixes_new((struct slice){(const uint8_t *)"com", 3});
	host = (struct output_host){.loop = loop_new(), .commit = commit, .suffixes = suffixes};
	queue_fd = memory_create("queue", 1 << 20);
	spool_fd = -1;
	takes = 0;
	ticks = 0;
	return queue_fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (output.ops)
		output_close(&output);
	loop_free(host.loop);
	suffixes_free(suffixes);
	close(queue_fd);
	if (spool_fd >= 0)
		close(spool_fd);
	return 0;
}

static struct event make_event(void)
{
	struct event event = {
		.time_ns = 1600282313591736000,
		.latency_ns = EVENT_NO_LATENCY,
		.type = 1,
		.class = 1,
		.kind = EVENT_CLIENT_QUERY,
		.protocol = EVENT_UDP,
		.qname = {wire_name, sizeof(wire_name)},
	};

	assert_true(address_parse("198.51.100.7", &event.query_address));
	return event;
}

static void take(uint32_t count)
{
	struct event event = make_event();

	while (count--)
		assert_true(output_take(&output, &event));
}

/* The first record of the queue, without its newline. */
static const char *first(void)
{
	static char text[FORMAT_RECORD_MAX];
	struct iovec record;
	uint64_t next;

	assert_int_equal(queue_peek(&output.queue, account.tail, &record, 1, 1, &next), 1);
	memcpy(text, record.iov_base, record.iov_len);
	text[record.iov_len - 1] = '\0';
	return text;
}

static void assert_adds_up(void)
{
	assert_int_equal(account.read, account.written + account.filtered + account.sampled_out +
					       account.dropped_full + account.dropped_failed +
					       account.dropped_too_big + account.dropped_damaged +
					       account.lost + account.queued + account.spooled);
}

static void test_event_becomes_a_record_and_is_written(void **state)
{
	(void)state;
	strcpy(config.fields, "qname\nquery-ip");
	open_it();
	take(2);
	assert_string_equal(first(), "www.example.com. 198.51.100.7");
	assert_int_equal(account.queued, 2);
	assert_false(output_is_idle(&output));
	takes = 2;
	output_flush(&output);
	assert_int_equal(account.written, 2);
	assert_int_equal(committed.tail, committed.head);
	assert_int_equal(account.bytes_written, 60);
	assert_true(output_is_idle(&output));
	output_tick(&output, 1);
	assert_int_equal(ticks, 1);
	assert_adds_up();
}

static void test_filters_decide(void **state)
{
	struct event event = make_event(), other = event, timeout = event;

	(void)state;
	strcpy(config.filter.type, "A");
	strcpy(config.except.client, "203.0.113.0/24");
	config.has_except = true;
	open_it();
	other.type = 28;
	timeout.is_unanswered = true;
	output_take(&output, &event);
	output_take(&output, &other);
	output_take(&output, &timeout);
	assert_true(address_parse("203.0.113.1", &event.query_address));
	output_take(&output, &event);
	assert_int_equal(account.filtered, 3);
	assert_int_equal(account.queued, 1);
	assert_adds_up();
}

static void test_patterns_that_give_up_are_counted(void **state)
{
	static const char name[] = "\51aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
	struct event event = make_event();

	(void)state;
	strcpy(config.filter.name_regex, "^(a|aa)+$");
	open_it();
	event.qname = (struct slice){(const uint8_t *)name, sizeof(name)};
	output_take(&output, &event);
	output_take(&output, &event);
	assert_int_equal(account.filtered, 2);
	assert_int_equal(account.given_up, 2);
	assert_adds_up();
}

static void test_unanswered_queries_come_when_wanted(void **state)
{
	struct event event = make_event();

	(void)state;
	config.is_unanswered_wanted = true;
	strcpy(config.fields, "rcode");
	open_it();
	event.is_unanswered = true;
	output_take(&output, &event);
	assert_string_equal(first(), "TIMEOUT");
}

static void test_names_of_a_file_filter(void **state)
{
	struct event event = make_event();
	FILE *file;

	(void)state;
	snprintf(config.filter.name_file, sizeof(config.filter.name_file), "/tmp/test_output.%d",
		 (int)getpid());
	file = fopen(config.filter.name_file, "w");
	assert_non_null(file);
	fputs("# names\nexample.com\n", file);
	fclose(file);
	open_it();
	output_take(&output, &event);
	event.qname = (struct slice){(const uint8_t *)"\3net", 5};
	output_take(&output, &event);
	assert_int_equal(account.queued, 1);
	assert_int_equal(account.filtered, 1);
	unlink(config.filter.name_file);
}

static void test_one_in_so_many_is_taken(void **state)
{
	(void)state;
	config.sample_rate = 4;
	strcpy(config.fields, "id");
	open_it();
	take(10000);
	assert_in_range(account.queued, 2200, 2800);
	assert_adds_up();
}

static void test_privacy_comes_behind_the_filter(void **state)
{
	(void)state;
	strcpy(config.filter.client, "198.51.100.7");
	strcpy(config.fields, "query-ip\nqname");
	config.privacy.client_prefix4 = 24;
	config.privacy.cuts_qname = true;
	open_it();
	take(1);
	assert_string_equal(first(), "198.51.100.0 example.com.");
}

static void test_kind_may_encode_itself(void **state)
{
	struct event event = make_event();

	(void)state;
	config.kind = OUTPUT_RECORDS;
	open_it();
	output_take(&output, &event);
	event.message = (struct slice){wire_name, 4};
	output_take(&output, &event);
	event.message.length = 9;
	output_take(&output, &event);
	assert_int_equal(account.filtered, 1);
	assert_int_equal(account.dropped_too_big, 1);
	assert_int_equal(account.queued, 1);
	assert_adds_up();
}

static void test_full_queue_drops_and_counts(void **state)
{
	(void)state;
	open_it();
	take(20000);
	assert_true(account.dropped_full > 0);
	assert_adds_up();
	takes = 10;
	output_flush(&output);
	take(1);
	assert_adds_up();
}

static void test_run_from_a_file_waits_for_room(void **state)
{
	struct event event = make_event();
	struct output_account before;

	(void)state;
	host.is_waiting_allowed = true;
	open_it();
	while (output_take(&output, &event))
		;
	before = account;
	assert_false(output_take(&output, &event));
	assert_memory_equal(&before, &account, sizeof(account));
	takes = 200;
	output_flush(&output);
	assert_true(output_take(&output, &event));
	assert_int_equal(account.dropped_full, 0);
}

static void test_spool_takes_what_the_queue_does_not_and_keeps_the_order(void **state)
{
	struct event event = make_event();

	(void)state;
	spool_fd = memfd_create("spool", 0);
	strcpy(config.fields, "id\nidentity\ntimestamp-ns\nmessage\nqname\nquery-ip\ndatetime");
	open_it();
	for (int i = 0; i < 14000; i++) {
		event.time_ns++;
		output_take(&output, &event);
	}
	assert_true(account.spooled > 0);
	assert_int_equal(account.dropped_full, 0);
	assert_adds_up();
	event.time_ns = make_event().time_ns;
	while (account.queued) {
		char expected[64];

		snprintf(expected, sizeof(expected), "0 - %lld CLIENT", (long long)++event.time_ns);
		assert_memory_equal(first(), expected, strlen(expected));
		takes = 1;
		output_flush(&output);
		loop_poll(host.loop);
	}
	assert_int_equal(account.written, 14000);
	assert_true(output_is_idle(&output));
	assert_adds_up();
}

static void test_spool_empties_by_itself(void **state)
{
	(void)state;
	spool_fd = memfd_create("spool", 0);
	open_it();
	take(14000);
	assert_true(account.spooled > 0);
	takes = 20000;
	output_flush(&output);
	for (int i = 0; i < 100 && !output_is_idle(&output); i++)
		loop_poll(host.loop);
	assert_true(output_is_idle(&output));
	assert_int_equal(committed.written + committed.dropped_full, 14000);
}

static void test_damaged_spool_is_counted(void **state)
{
	(void)state;
	spool_fd = memfd_create("spool", 0);
	open_it();
	take(14000);
	assert_int_equal(pwrite(spool_fd, "damage", 6, 40), 6);
	takes = 20000;
	output_flush(&output);
	for (int i = 0; i < 100 && !output_is_idle(&output); i++)
		loop_poll(host.loop);
	assert_true(output_is_idle(&output));
	assert_int_equal(account.dropped_damaged, 1);
	assert_adds_up();
}

static void test_spool_that_somebody_cut_is_counted_and_left(void **state)
{
	(void)state;
	spool_fd = memfd_create("spool", 0);
	open_it();
	take(14000);
	assert_int_equal(ftruncate(spool_fd, 0), 0);
	takes = 20000;
	output_flush(&output);
	for (int i = 0; i < 100 && !output_is_idle(&output); i++)
		loop_poll(host.loop);
	assert_true(output_is_idle(&output));
	assert_true(account.dropped_damaged > 0);
	assert_adds_up();
}

static void test_impossible_positions_begin_clean(void **state)
{
	(void)state;
	account.head = 8;
	account.tail = 16;
	account.read = account.queued = 3;
	open_it();
	assert_int_equal(account.dropped_damaged, 3);
	take(1);
	assert_adds_up();
}

static void test_records_that_are_no_events_are_counted_too(void **state)
{
	(void)state;
	config.kind = OUTPUT_METRICS;
	open_it();
	output_push(&output, "line\n", 5);
	assert_string_equal(first(), "line");
	assert_int_equal(account.queued, 1);
	assert_adds_up();
}

static void assert_refused(const char *expected)
{
	static const struct hash_key key = {{1, 2}};

	assert_false(
		output_open(&output, 0, &config, &host, &account, queue_fd, spool_fd, &key, error));
	assert_memory_equal(error, expected, strlen(expected));
	output.ops = NULL;
}

static void test_what_is_wrong_is_told(void **state)
{
	(void)state;
	strcpy(config.filter.type, "NOTYPE");
	assert_refused("filter.type: NOTYPE is no type: write a name such as AAAA, or "
		       "a number");
	config.filter.type[0] = '\0';
	strcpy(config.fields, "nofield");
	assert_refused("there is no field \"nofield\"");
	config.fields[0] = '\0';
	config.privacy.clients = OUTPUT_CLIENTS_HASHED;
	strcpy(config.privacy.key_file, "/nonexistent");
	assert_refused("/nonexistent: No such file");
	config.privacy.clients = OUTPUT_CLIENTS_AS_THEY_ARE;
	strcpy(config.filter.name_file, "/nonexistent");
	assert_refused("filter.name-file: /nonexistent: No such file");
	config.filter.name_file[0] = '\0';
	config.queue_mib = 2;
	assert_refused("Invalid argument");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_event_becomes_a_record_and_is_written),
		TEST(test_filters_decide),
		TEST(test_patterns_that_give_up_are_counted),
		TEST(test_unanswered_queries_come_when_wanted),
		TEST(test_names_of_a_file_filter),
		TEST(test_one_in_so_many_is_taken),
		TEST(test_privacy_comes_behind_the_filter),
		TEST(test_kind_may_encode_itself),
		TEST(test_full_queue_drops_and_counts),
		TEST(test_run_from_a_file_waits_for_room),
		TEST(test_spool_takes_what_the_queue_does_not_and_keeps_the_order),
		TEST(test_spool_empties_by_itself),
		TEST(test_damaged_spool_is_counted),
		TEST(test_spool_that_somebody_cut_is_counted_and_left),
		TEST(test_impossible_positions_begin_clean),
		TEST(test_records_that_are_no_events_are_counted_too),
		TEST(test_what_is_wrong_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
