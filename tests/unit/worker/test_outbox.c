/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "ipc/child.h"
#include "ipc/commit.h"
#include "record/reader.h"
#include "worker/export/outbox.h"

static struct config config;
static struct state_head head;
static struct body body;
static struct outbox outbox;
static int receiver;
static const struct address client = {.bytes = {192, 0, 2, 1}, .version = 4};
static const struct address resolver = {.bytes = {192, 0, 2, 53}, .version = 4};

static uint16_t open_receiver(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int bytes = 8 << 20;

	receiver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	assert_int_equal(bind(receiver, (struct sockaddr *)&address, length), 0);
	getsockname(receiver, (struct sockaddr *)&address, &length);
	return ntohs(address.sin_port);
}

static int set_up(void **state)
{
	(void)state;
	config = config_default;
	config.destinations[0].endpoint = (struct endpoint){
		.address = {.bytes = {127, 0, 0, 1}, .version = 4},
		.port = open_receiver(),
	};
	config.destination_count = 1;
	config.input = CONFIG_INPUT_MAPPED;
	memset(&head, 0, sizeof(head));
	memset(&body, 0, sizeof(body));
	assert_true(state_attach(&head));
	assert_int_equal(dup2(socket(AF_INET, SOCK_DGRAM, 0), CHILD_FD_EXPORT4), CHILD_FD_EXPORT4);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(receiver);
	close(CHILD_FD_EXPORT4);
	return 0;
}

/* An answer whose estimate is exactly `estimate`: one root name and as many IPv4 addresses as go,
 * the rest in names. */
static struct dns_answer make_answer(uint32_t estimate)
{
	struct dns_answer answer = {.names_count = 0};
	uint32_t left = estimate - RECORD_SET_FIXED_SIZE;

	answer.ip4s_count = (uint16_t)(left / 4 > 200 ? 200 : (left - 1) / 4);
	left -= 4u * answer.ip4s_count;
	while (left) {
		uint32_t label = left > 64 ? (left < 67 ? 40 : 62) : left - 2;

		if (left == 1) {
			answer.names[answer.names_length++] = 0;
			left--;
		} else {
			answer.names[answer.names_length] = (uint8_t)label;
			memset(&answer.names[answer.names_length + 1], 'a', label);
			answer.names[answer.names_length + 1 + label] = 0;
			answer.names_length += label + 2;
			left -= label + 2;
		}
		answer.names_count++;
	}
	assert_int_equal(record_estimate(&answer), estimate);
	return answer;
}

static void put(uint32_t estimate)
{
	struct dns_answer answer = make_answer(estimate);

	outbox_reserve(&outbox, estimate);
	outbox_stage(&outbox, &client, &resolver, &answer);
	commit_add(&head, COUNTER_MESSAGES_RECORDED, 1);
	commit_apply(&head);
	outbox_settle(&outbox);
}

/* The next datagram: its length, or -1; its sets and sequence. */
static ssize_t receive(uint32_t *sets, uint32_t *sequence)
{
	uint8_t bytes[2048];
	ssize_t length = recv(receiver, bytes, sizeof(bytes), 0);
	struct record_reader reader;
	struct record_set set;
	struct record_stats stats;
	bool is_end = false;

	if (length < 0)
		return -1;
	assert_int_equal(record_reader_open(&reader, (struct slice){bytes, (size_t)length}),
			 RECORD_OK);
	*sequence = reader.sequence;
	*sets = 0;
	if (record_reader_is_stats(&reader)) {
		assert_int_equal(record_reader_stats(&reader, &stats), RECORD_OK);
		return length;
	}
	for (;;) {
		assert_int_equal(record_reader_next(&reader, &set, &is_end), RECORD_OK);
		if (is_end)
			return length;
		++*sets;
	}
}

static void assert_received(ssize_t length, uint32_t sets, uint32_t sequence)
{
	uint32_t got_sets = 0, got_sequence = 0;

	assert_int_equal(receive(&got_sets, &got_sequence), length);
	assert_int_equal(got_sets, sets);
	assert_int_equal(got_sequence, sequence);
}

static void assert_nothing_received(void)
{
	uint32_t sets, sequence;

	assert_int_equal(receive(&sets, &sequence), -1);
}

static void test_datagram_is_sent_at_its_target(void **state)
{
	(void)state;
	outbox_open(&outbox, &config, &head, &body);
	for (int i = 0; i < 12; i++)
		put(100);
	outbox_send(&outbox);
	assert_received(8 + 12 * 100, 12, 1);
	put(100);
	outbox_send(&outbox);
	assert_nothing_received();
	outbox_finish(&outbox, 100);
	assert_received(108, 1, 2);
}

static void test_set_that_does_not_fit_opens_the_next_datagram(void **state)
{
	(void)state;
	outbox_open(&outbox, &config, &head, &body);
	put(1000);
	put(491); /* 1008 + 491 < 1500: fits */
	put(1000);
	put(492); /* does not */
	outbox_finish(&outbox, 100);
	assert_received(8 + 1000 + 492, 2, 1);
	assert_received(8 + 1000, 1, 2);
	assert_received(8 + 492, 1, 3);
}

static void test_largest_set_fits_alone(void **state)
{
	(void)state;
	outbox_open(&outbox, &config, &head, &body);
	put(RECORD_ESTIMATE_MAX);
	outbox_send(&outbox);
	assert_received(1500, 1, 1);
}

static void test_largest_payload_is_kept_but_for_single_sets(void **state)
{
	(void)state;
	config.payload_max = 1000;
	outbox_open(&outbox, &config, &head, &body);
	put(500);
	put(491); /* 508 + 491 < 1000 */
	put(1200);
	put(60);
	outbox_finish(&outbox, 100);
	assert_received(1000, 2, 1);
	assert_received(1208, 1, 2);
	assert_received(68, 1, 3);
}

static void test_segments_have_one_size_and_zero_tails(void **state)
{
	(void)state;
	config.segment_size = 1400;
	outbox_open(&outbox, &config, &head, &body);
	for (int i = 0; i < 13 * 100; i++)
		put(104);
	put(1450);
	put(100);
	outbox_finish(&outbox, 100);
	for (uint32_t i = 1; i <= 100; i++)
		assert_received(1400, 13, i);
	assert_received(1460, 1, 101);
	assert_received(1400, 1, 102);
	assert_nothing_received();
	assert_int_equal(state_counter(&head, COUNTER_SENDS), 102);
	assert_int_equal(state_counter(&head, COUNTER_RECORDS_SENT), 1302);
}

static void test_stats_share_the_sequence(void **state)
{
	struct record_stats stats = {.captured = 1, .sample_rate = 2};

	(void)state;
	outbox_open(&outbox, &config, &head, &body);
	put(100);
	outbox_stats(&outbox, &stats);
	put(100);
	outbox_finish(&outbox, 100);
	assert_received(108, 1, 1);
	assert_received(RECORD_STATS_SIZE, 0, 2);
	assert_received(108, 1, 3);
}

static void test_every_destination_gets_every_datagram(void **state)
{
	(void)state;
	config.destinations[1] = config.destinations[2] = config.destinations[0];
	config.destination_count = 3;
	outbox_open(&outbox, &config, &head, &body);
	for (int i = 0; i < 12 * 70; i++)
		put(100);
	outbox_finish(&outbox, 100);
	assert_int_equal(state_counter(&head, COUNTER_DATAGRAMS_DATA), 70);
	assert_int_equal(state_counter(&head, COUNTER_SENDS), 210);
	for (int i = 0; i < 210; i++) {
		uint32_t sets, sequence;

		assert_int_equal(receive(&sets, &sequence), 1208);
	}
	assert_nothing_received();
}

static void test_failed_sends_are_counted(void **state)
{
	(void)state;
	config.destinations[1] = config.destinations[0];
	config.destinations[1].endpoint.address =
		(struct address){.bytes = {255, 255, 255, 255}, .version = 4};
	config.destination_count = 2; /* broadcast is not allowed on the socket: EACCES */
	outbox_open(&outbox, &config, &head, &body);
	put(100);
	outbox_finish(&outbox, 100);
	assert_received(108, 1, 1);
	assert_int_equal(state_counter(&head, COUNTER_SENDS), 1);
	assert_int_equal(state_counter(&head, COUNTER_SENDS_FAILED_OTHER), 1);
	assert_int_equal(state_counter(&head, COUNTER_RECORDS_SENT), 1);
}

static void test_records_that_went_nowhere_are_dropped(void **state)
{
	(void)state;
	config.destinations[0].endpoint.address =
		(struct address){.bytes = {255, 255, 255, 255}, .version = 4};
	outbox_open(&outbox, &config, &head, &body);
	put(100);
	outbox_finish(&outbox, 100);
	assert_int_equal(state_counter(&head, COUNTER_RECORDS_DROPPED), 1);
	assert_int_equal(state_counter(&head, COUNTER_RECORDS_SENT), 0);
}

static void test_successor_sends_only_what_was_not_sent(void **state)
{
	(void)state;
	outbox_open(&outbox, &config, &head, &body);
	for (int i = 0; i < 3 * 12; i++)
		put(100);
	/* Killed when the kernel had sent the first of three datagrams. */
	outbox_send(&outbox);
	while (recv(receiver, &(char){0}, 1, 0) >= 0)
		;
	commit_set(&head, STATE_SENT, 1);
	commit_set(&head, (enum state_word)(STATE_COUNTERS + COUNTER_SENDS), 0);
	commit_apply(&head);
	body.batch.first = 1;
	body.batch.messages[0].msg_len = 1208;
	body.batch.messages[1].msg_len = 0;
	body.batch.messages[2].msg_len = 0;
	outbox_open(&outbox, &config, &head, &body);
	outbox_send(&outbox);
	assert_received(1208, 12, 2);
	assert_received(1208, 12, 3);
	assert_nothing_received();
	assert_int_equal(state_counter(&head, COUNTER_SENDS), 3);
	assert_int_equal(state_get(&head, STATE_SENT), 4);
}

/* A run of segments can be refused as a whole and still go out one by one. */
static void test_successor_keeps_the_layout_of_a_batch_that_is_not_segmented(void **state)
{
	(void)state;
	config.segment_size = 1400;
	outbox_open(&outbox, &config, &head, &body);
	outbox.udp.is_segmenting = false; /* refused before */
	for (int i = 0; i < 3 * 13; i++)
		put(104);
	/* Killed when the kernel had sent the first of three datagrams. */
	outbox_send(&outbox);
	while (recv(receiver, &(char){0}, 1, 0) >= 0)
		;
	commit_set(&head, STATE_SENT, 1);
	commit_set(&head, (enum state_word)(STATE_COUNTERS + COUNTER_SENDS), 0);
	commit_apply(&head);
	body.batch.first = 1;
	body.batch.messages[1].msg_len = 0;
	body.batch.messages[2].msg_len = 0;
	outbox_open(&outbox, &config, &head, &body);
	outbox_send(&outbox);
	assert_received(1400, 13, 2);
	assert_received(1400, 13, 3);
	assert_nothing_received();
	assert_int_equal(state_counter(&head, COUNTER_SENDS), 3);
}

static void test_segments_go_one_by_one_where_they_cannot_be_cut(void **state)
{
	(void)state;
	config.segment_size = 1400;
	/* Without checksums the kernel refuses to segment. */
	assert_int_equal(
		setsockopt(CHILD_FD_EXPORT4, SOL_SOCKET, SO_NO_CHECK, &(int){1}, sizeof(int)), 0);
	outbox_open(&outbox, &config, &head, &body);
	for (int i = 0; i < 3 * 13; i++)
		put(104);
	outbox_finish(&outbox, 100);
	for (uint32_t i = 1; i <= 3; i++)
		assert_received(1400, 13, i);
	assert_nothing_received();
	assert_false(outbox.udp.is_segmenting);
	assert_int_equal(state_counter(&head, COUNTER_SENDS), 3);
}

/* Killed, or held up by a full buffer, when the first of three segments had gone out by itself. */
static void leave_a_run_in_the_middle(void)
{
	config.segment_size = 1400;
	outbox_open(&outbox, &config, &head, &body);
	for (int i = 0; i < 3 * 13; i++)
		put(104);
	outbox_send(&outbox);
	while (recv(receiver, &(char){0}, 1, 0) >= 0)
		;
	memset(&head.words[STATE_COUNTERS], 0, COUNTER_END * sizeof(head.words[0]));
	commit_set(&head, STATE_SENT, 1);
	commit_apply(&head);
	body.batch.first = 1;
	body.batch.messages[0].msg_len = OUTBOX_APART + OUTBOX_SEGMENT;
	outbox_open(&outbox, &config, &head, &body);
	outbox_send(&outbox);
}

static void test_segments_go_on_behind_the_last_that_was_sent(void **state)
{
	(void)state;
	leave_a_run_in_the_middle();
	assert_received(1400, 13, 2);
	assert_received(1400, 13, 3);
	assert_nothing_received();
	assert_int_equal(state_counter(&head, COUNTER_SENDS), 3);
	assert_int_equal(state_counter(&head, COUNTER_RECORDS_SENT), 39);
}

static void test_segments_that_fail_do_not_undo_those_that_were_sent(void **state)
{
	(void)state;
	config.destinations[0].endpoint.address =
		(struct address){.bytes = {255, 255, 255, 255}, .version = 4};
	leave_a_run_in_the_middle();
	assert_int_equal(state_counter(&head, COUNTER_SENDS), 1);
	assert_int_equal(state_counter(&head, COUNTER_SENDS_FAILED_OTHER), 2);
	assert_int_equal(state_counter(&head, COUNTER_RECORDS_SENT), 13);
	assert_int_equal(state_counter(&head, COUNTER_RECORDS_DROPPED), 26);
}

static void test_segments_that_nobody_can_reach_do_not_end_segmenting(void **state)
{
	(void)state;
	config.segment_size = 1400;
	config.destinations[0].endpoint.address =
		(struct address){.bytes = {255, 255, 255, 255}, .version = 4};
	outbox_open(&outbox, &config, &head, &body);
	for (int i = 0; i < 3 * 13; i++)
		put(104);
	outbox_finish(&outbox, 100);
	assert_int_equal(state_counter(&head, COUNTER_SENDS_FAILED_OTHER), 3);
	assert_true(outbox.udp.is_segmenting);
	assert_non_null(strstr(outbox.notice, strerror(EACCES)));
	assert_null(strstr(outbox.notice, "segment"));
}

static void test_file_has_one_record_per_datagram(void **state)
{
	uint8_t bytes[4096];
	ssize_t length;
	int fd = memfd_create("output", 0);

	(void)state;
	strcpy(config.write_file, "f");
	assert_int_equal(dup2(fd, CHILD_FD_OUTPUT), CHILD_FD_OUTPUT);
	outbox_open(&outbox, &config, &head, &body);
	outbox.now_ns = 5 * NANOSECONDS_PER_SECOND;
	put(100);
	outbox_finish(&outbox, 100);
	length = pread(fd, bytes, sizeof(bytes), 0);
	assert_int_equal(length, SAVEFILE_HEADER_SIZE + SAVEFILE_RECORD_SIZE +
					 SAVEFILE_DATAGRAM_HEAD + 108);
	assert_int_equal(state_get(&head, STATE_FILE_LENGTH), length);
	assert_int_equal(bytes[SAVEFILE_HEADER_SIZE], 5);
	close(fd);
	close(CHILD_FD_OUTPUT);
}

static void test_full_disk_is_counted_and_leaves_whole_records(void **state)
{
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	strcpy(config.write_file, "/dev/full");
	assert_int_equal(dup2(fd, CHILD_FD_OUTPUT), CHILD_FD_OUTPUT);
	outbox_open(&outbox, &config, &head, &body);
	put(100);
	outbox_finish(&outbox, 100);
	assert_int_equal(state_counter(&head, COUNTER_SENDS_FAILED_SPACE), 1);
	assert_int_equal(state_counter(&head, COUNTER_RECORDS_DROPPED), 1);
	assert_int_equal(outbox.write_error, ENOSPC); /* not that a device cannot be cut */
	close(fd);
	close(CHILD_FD_OUTPUT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_datagram_is_sent_at_its_target),
		TEST(test_set_that_does_not_fit_opens_the_next_datagram),
		TEST(test_largest_set_fits_alone),
		TEST(test_largest_payload_is_kept_but_for_single_sets),
		TEST(test_segments_have_one_size_and_zero_tails),
		TEST(test_stats_share_the_sequence),
		TEST(test_every_destination_gets_every_datagram),
		TEST(test_failed_sends_are_counted),
		TEST(test_records_that_went_nowhere_are_dropped),
		TEST(test_successor_sends_only_what_was_not_sent),
		TEST(test_successor_keeps_the_layout_of_a_batch_that_is_not_segmented),
		TEST(test_segments_go_one_by_one_where_they_cannot_be_cut),
		TEST(test_segments_go_on_behind_the_last_that_was_sent),
		TEST(test_segments_that_fail_do_not_undo_those_that_were_sent),
		TEST(test_segments_that_nobody_can_reach_do_not_end_segmenting),
		TEST(test_file_has_one_record_per_datagram),
		TEST(test_full_disk_is_counted_and_leaves_whole_records),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
