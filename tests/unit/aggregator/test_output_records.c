/* SPDX-License-Identifier: BSD-3-Clause */
#include "output_rig.h"

#include <sys/socket.h>

#include "base/cursor.h"
#include "record/reader.h"
#include "record/set.h"
#include "tests/lib/dns_build.h"

static int receiver;
static struct dns_build build;
static uint8_t datagram[2048];

static int set_up(void **state)
{
	struct sockaddr_storage address;
	socklen_t length;
	int error = rig_set_up(state);

	address_parse("127.0.0.1", &rig.config.endpoint.address);
	length = endpoint_to_sockaddr(&rig.config.endpoint, &address);
	receiver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(receiver, (struct sockaddr *)&address, length), 0);
	getsockname(receiver, (struct sockaddr *)&address, &length);
	assert_true(endpoint_from_sockaddr(&address, &rig.config.endpoint));
	endpoint_format(&rig.config.endpoint, rig.config.address);
	return error;
}

static int tear_down(void **state)
{
	privacy_free(rig.output.privacy);
	rig.output.privacy = NULL;
	close(receiver);
	return rig_tear_down(state);
}

static struct event make_event(uint32_t addresses)
{
	struct event event = {.kind = EVENT_CLIENT_RESPONSE};

	dns_build_start(&build, 1, DNS_BUILD_ANSWERED);
	dns_build_question(&build, "www.example.com", 1);
	dns_build_alias(&build, "www.example.com", 5, "real.example.net");
	for (uint32_t i = 0; i < addresses; i++)
		dns_build_address(&build, "real.example.net",
				  addresses < 100 ? "192.0.2.1" : "2001:db8::1");
	address_parse("198.51.100.7", &event.query_address);
	address_parse("192.0.2.53", &event.response_address);
	event.message = dns_build_message(&build);
	event.length = (uint32_t)event.message.length;
	return event;
}

/* As output_take does it, without all that comes before. */
static size_t push(const struct event *event)
{
	uint8_t *room = queue_reserve(&rig.output.queue, FORMAT_RECORD_MAX);
	size_t length;

	assert_non_null(room);
	length = output_records.encode(&rig.output, event, event->message, room);
	if (length != OUTPUT_NOTHING && length != OUTPUT_TOO_BIG) {
		queue_push(&rig.output.queue, length);
		rig.account.queued++;
	}
	return length;
}

static void push_many(int count)
{
	struct event event = make_event(1);

	while (count--)
		push(&event);
	output_records.write(&rig.output);
}

/* The number of sets of the next datagram; 0 when there is none. */
static uint8_t receive(uint32_t *sequence, ssize_t *length)
{
	*length = recv(receiver, datagram, sizeof(datagram), 0);
	if (*length < 0)
		return 0;
	assert_int_equal(datagram[0], RECORD_VERSION);
	*sequence = be32_load(datagram + 4);
	return datagram[1];
}

static void test_what_is_not_full_goes_with_the_tick(void **state)
{
	uint32_t sequence;
	ssize_t length;

	(void)state;
	rig_open(&output_records);
	push_many(3);
	assert_int_equal(receive(&sequence, &length), 0);
	assert_int_equal(rig.account.queued, 3);
	output_records.tick(&rig.output, 0);
	assert_int_equal(receive(&sequence, &length), 3);
	assert_int_equal(sequence, 1);
	assert_int_equal(length, rig.account.bytes_written);
	assert_int_equal(rig.committed.written, 3);
	assert_int_equal(rig.committed.sequence, 1);
	push_many(1);
	output_records.tick(&rig.output, 0);
	assert_int_equal(receive(&sequence, &length), 1);
	assert_int_equal(sequence, 2);
	assert_true(rig_is_done());
}

static void test_full_datagrams_go_at_once(void **state)
{
	uint32_t sequence, expected = 1, sets = 0;
	uint8_t found;
	ssize_t length;

	(void)state;
	rig.config.payload_max = 1000;
	rig_open(&output_records);
	push_many(200);
	while ((found = receive(&sequence, &length)) != 0) {
		assert_int_equal(sequence, expected++);
		assert_in_range(length, 900, 1000);
		sets += found;
	}
	assert_true(sets > 180);
	assert_int_equal(rig.account.written, sets);
	assert_int_equal(rig.account.queued, 200 - sets);
	output_records.tick(&rig.output, 0);
	assert_int_equal(rig.account.written, 200);
}

static void test_set_is_that_of_the_response(void **state)
{
	static const char names[] = "\3www\7example\3com\0\4real\7example\3net";
	struct event event = make_event(2);
	uint32_t sequence;
	ssize_t length;

	(void)state;
	rig_open(&output_records);
	push(&event);
	output_records.tick(&rig.output, 0);
	assert_int_equal(receive(&sequence, &length), 1);
	assert_int_equal(datagram[8], 4);
	assert_int_equal(datagram[9], 2);
	assert_int_equal(datagram[10], 2);
	assert_memory_equal(datagram + 16, "\xc6\x33\x64\x07", 4);
	assert_memory_equal(datagram + 32, "\xc0\x00\x02\x35", 4);
	assert_memory_equal(datagram + 48, names, sizeof(names));
}

static void test_events_without_a_record_are_told(void **state)
{
	struct event event = make_event(0), query = make_event(1);

	(void)state;
	rig_open(&output_records);
	event = make_event(0);
	assert_int_equal(push(&event), OUTPUT_NOTHING);
	query = make_event(1);
	query.kind = EVENT_CLIENT_QUERY;
	assert_int_equal(push(&query), OUTPUT_NOTHING);
	query.kind = EVENT_CLIENT_RESPONSE;
	query.message.length = 0;
	assert_int_equal(push(&query), OUTPUT_NOTHING);
	query = make_event(1);
	query.query_address.version = 0;
	assert_int_equal(push(&query), OUTPUT_NOTHING);
	event = make_event(100);
	assert_int_equal(push(&event), OUTPUT_TOO_BIG);
}

static void test_privacy_is_kept_in_sets(void **state)
{
	static const char names[] = "\7example\3com\0\7example\3net";
	static const struct config_privacy config = {
		.client_prefix4 = 32, .client_prefix6 = 128, .cuts_qname = true};
	struct suffixes *suffixes = suffixes_new((struct slice){(const uint8_t *)"com\nnet", 7});
	struct event event = make_event(1);
	char error[CONFIG_ERROR_MAX];
	uint32_t sequence;
	ssize_t length;

	(void)state;
	rig_open(&output_records);
	rig.output.privacy = privacy_new(&config, suffixes, error);
	address_parse("fd00::1", &event.query_address); /* a hashed one */
	push(&event);
	output_records.tick(&rig.output, 0);
	assert_int_equal(receive(&sequence, &length), 1);
	assert_int_equal(datagram[8], 6);
	assert_memory_equal(datagram + 32, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x35", 16);
	assert_memory_equal(datagram + 48, names, sizeof(names));
	suffixes_free(suffixes);
}

static void test_what_cannot_be_sent_is_lost_and_counted(void **state)
{
	uint32_t sequence;
	ssize_t length;

	(void)state;
	address_parse("255.255.255.255", &rig.config.endpoint.address); /* EACCES */
	rig_open(&output_records);
	push_many(2);
	output_records.tick(&rig.output, 0);
	assert_int_equal(receive(&sequence, &length), 0);
	assert_int_equal(rig.account.dropped_failed, 2);
	assert_int_equal(rig.account.queued, 0);
	assert_int_equal(rig.account.failures, 1);
	assert_int_equal(rig.account.sequence, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_not_full_goes_with_the_tick),
		TEST(test_full_datagrams_go_at_once),
		TEST(test_set_is_that_of_the_response),
		TEST(test_events_without_a_record_are_told),
		TEST(test_privacy_is_kept_in_sets),
		TEST(test_what_cannot_be_sent_is_lost_and_counted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
