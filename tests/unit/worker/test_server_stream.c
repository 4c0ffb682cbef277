/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "loop/loop.h"
#include "worker/proxy/server_stream.h"

#define WAIT_MS	     5000
#define MESSAGES_MAX 4096

static struct loop *loop;
static struct server_stream stream;
static int listener, peer;

/* What the stream said to its owner. */
static struct {
	uint32_t begun, done, ended;
	uint32_t count, lengths[MESSAGES_MAX];
	uint8_t first[MESSAGES_MAX]; /* octet of each message */
	bool has_worked, closes, asks_again;
} seen;

static void on_begin(void *argument)
{
	assert_ptr_equal(argument, &seen);
	assert_int_equal(seen.begun++, seen.done);
}

static void on_message(void *argument, uint8_t *message, size_t length)
{
	assert_ptr_equal(argument, &seen);
	assert_int_equal(seen.begun, seen.done + 1);
	assert_true(seen.count < MESSAGES_MAX);
	seen.lengths[seen.count] = (uint32_t)length;
	seen.first[seen.count++] = length ? message[0] : 0;
	if (seen.closes)
		server_stream_close(&stream);
}

static void on_done(void *argument)
{
	assert_ptr_equal(argument, &seen);
	assert_int_equal(++seen.done, seen.begun);
}

static void on_end(void *argument, bool has_worked)
{
	assert_ptr_equal(argument, &seen);
	assert_false(server_stream_is_open(&stream));
	seen.ended++;
	seen.has_worked = has_worked;
	if (seen.asks_again && seen.ended == 1)
		assert_int_equal(
			server_stream_send(&stream, (struct slice){(const uint8_t *)"again", 5}),
			SERVER_STREAM_TAKEN);
}

static const struct server_stream_ops ops = {on_begin, on_message, on_done, on_end};

static int set_up(void **state)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	socklen_t length = sizeof(struct sockaddr_in);
	struct endpoint endpoint;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	peer = -1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	assert_true(endpoint_from_sockaddr(&address, &endpoint));
	loop = loop_new();
	server_stream_init(&stream, loop, &endpoint, &ops, &seen);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	server_stream_close(&stream);
	loop_free(loop);
	if (peer >= 0)
		close(peer);
	if (listener >= 0)
		close(listener);
	return 0;
}

/* Runs the loop until there is as much as that, or too long. */
static bool run_until(const uint32_t *number, uint32_t wanted)
{
	int64_t end_ns = clock_monotonic_ns() + WAIT_MS * NANOSECONDS_PER_MILLISECOND;

	while (*number < wanted && clock_monotonic_ns() < end_ns) {
		loop_poll(loop);
		poll(NULL, 0, *number < wanted);
	}
	return *number >= wanted;
}

static void run_for_a_moment(void)
{
	for (int i = 0; i < 3; i++) {
		loop_poll(loop);
		poll(NULL, 0, 1);
	}
}

static bool send_text(const char *text)
{
	struct slice message = {(const uint8_t *)text, strlen(text)};

	if (server_stream_send(&stream, message) != SERVER_STREAM_TAKEN)
		return false;
	server_stream_flush(&stream);
	return true;
}

static void accept_peer(void)
{
	struct pollfd ready = {.fd = listener, .events = POLLIN};

	for (int i = 0; i < WAIT_MS && poll(&ready, 1, 1) < 1; i++)
		loop_poll(loop);
	peer = accept(listener, NULL, NULL);
	assert_true(peer >= 0);
}

static void take_at_peer(const char *text)
{
	char bytes[64] = "";
	struct pollfd ready = {.fd = peer, .events = POLLIN};

	for (int i = 0; i < WAIT_MS && poll(&ready, 1, 1) < 1; i++)
		loop_poll(loop);
	assert_int_equal(recv(peer, bytes, 2 + strlen(text), MSG_WAITALL), 2 + strlen(text));
	assert_int_equal(be16_load((const uint8_t *)bytes), strlen(text));
	assert_memory_equal(bytes + 2, text, strlen(text));
}

static void begin(void)
{
	assert_true(send_text("query"));
	accept_peer();
	take_at_peer("query");
}

static void say(const void *bytes, size_t length)
{
	assert_int_equal(send(peer, bytes, length, MSG_NOSIGNAL), length);
}

static void test_server_stream_sends_what_was_said_before_it_was_connected(void **state)
{
	(void)state;
	assert_true(send_text("first"));
	assert_true(send_text("second"));
	accept_peer();
	take_at_peer("first");
	take_at_peer("second");
	assert_true(send_text("third"));
	take_at_peer("third");
}

static void test_server_stream_takes_messages_split_anywhere(void **state)
{
	const uint8_t bytes[] = "\0\3abc\0\0\0\2de";
	const size_t length = sizeof(bytes) - 1;

	(void)state;
	begin();
	for (size_t at = 0; at <= length; at++) {
		seen.count = 0;
		if (at)
			say(bytes, at);
		run_for_a_moment();
		if (at < length)
			say(bytes + at, length - at);
		assert_true(run_until(&seen.count, 3));
		assert_int_equal(seen.count, 3);
		assert_int_equal(seen.lengths[0], 3);
		assert_int_equal(seen.first[0], 'a');
		assert_int_equal(seen.lengths[1], 0);
		assert_int_equal(seen.lengths[2], 2);
		assert_int_equal(seen.first[2], 'd');
	}
	assert_int_equal(seen.ended, 0);
}

static void test_server_stream_takes_the_longest_message(void **state)
{
	static uint8_t bytes[2 * SERVER_STREAM_IN_BYTES];
	size_t at = 0;

	(void)state;
	begin();
	for (int i = 0; i < 2; i++) {
		memset(bytes + i * SERVER_STREAM_IN_BYTES, 'x', SERVER_STREAM_IN_BYTES);
		be16_store(bytes + i * SERVER_STREAM_IN_BYTES, UINT16_MAX);
	}
	while (at < sizeof(bytes)) {
		ssize_t sent = send(peer, bytes + at, sizeof(bytes) - at, MSG_DONTWAIT);

		at += sent > 0 ? (size_t)sent : 0;
		loop_poll(loop);
	}
	assert_true(run_until(&seen.count, 2));
	assert_int_equal(seen.lengths[0], UINT16_MAX);
	assert_int_equal(seen.lengths[1], UINT16_MAX);
}

static void test_server_stream_hands_over_together_what_came_together(void **state)
{
	static const uint8_t nothing[2 * MESSAGES_MAX];

	(void)state;
	begin();
	say(nothing, sizeof(nothing));
	assert_true(run_until(&seen.count, MESSAGES_MAX));
	assert_true(seen.begun <= 4);
	assert_int_equal(seen.begun, seen.done);
}

static void test_server_stream_tells_its_end_in_the_middle_of_a_message(void **state)
{
	(void)state;
	begin();
	say("\0\4abcd\0\4ab", 10);
	close(peer);
	peer = -1;
	assert_true(run_until(&seen.ended, 1));
	assert_int_equal(seen.count, 1);
	assert_true(seen.has_worked);
	begin(); /* another connection, from the start */
	say("\0\1z", 3);
	assert_true(run_until(&seen.count, 2));
	assert_int_equal(seen.first[1], 'z');
	assert_int_equal(seen.ended, 1);
}

static void test_server_stream_tells_that_it_is_refused(void **state)
{
	(void)state;
	close(listener);
	listener = -1;
	if (send_text("query"))
		assert_true(run_until(&seen.ended, 1));
	assert_false(server_stream_is_open(&stream));
	assert_false(seen.has_worked);
	assert_int_equal(seen.count, 0);
}

static void test_server_stream_may_be_begun_again_at_its_end(void **state)
{
	(void)state;
	seen.asks_again = true;
	begin();
	close(peer);
	assert_true(run_until(&seen.ended, 1));
	accept_peer();
	take_at_peer("again");
}

static void test_server_stream_may_be_closed_by_who_takes_a_message(void **state)
{
	(void)state;
	seen.closes = true;
	begin();
	say("\0\1a\0\1b", 6);
	assert_true(run_until(&seen.done, 1));
	assert_int_equal(seen.count, 1);
	assert_false(server_stream_is_open(&stream));
	assert_int_equal(seen.ended, 0);
}

/* Nobody reads: the kernel's buffers fill, then ours. */
static void test_server_stream_refuses_what_it_has_no_room_for(void **state)
{
	static uint8_t bytes[1024];
	uint32_t taken = 0;

	(void)state;
	begin();
	while (taken < 100000 &&
	       server_stream_send(&stream, (struct slice){bytes, sizeof(bytes)}) ==
		       SERVER_STREAM_TAKEN) {
		server_stream_flush(&stream);
		taken++;
	}
	assert_true(taken < 100000);
	assert_true(stream.out_size <= SERVER_STREAM_OUT_BYTES);
	assert_int_equal(server_stream_send(&stream, (struct slice){bytes, sizeof(bytes)}),
			 SERVER_STREAM_FULL);
	assert_true(server_stream_is_open(&stream));
	assert_int_equal(seen.ended, 0);
}

/* What does not leave at once follows, whole and in its order. */
static void test_server_stream_keeps_what_the_socket_does_not_take(void **state)
{
	static uint8_t bytes[1000], got[1000 + 2];
	uint32_t taken = 0;

	(void)state;
	begin();
	do {
		be16_store(bytes, (uint16_t)taken);
		assert_int_equal(server_stream_send(&stream, (struct slice){bytes, sizeof(bytes)}),
				 SERVER_STREAM_TAKEN);
		server_stream_flush(&stream);
		taken++;
	} while (stream.out_length - stream.out_at < SERVER_STREAM_OUT_BYTES / 2);
	for (uint32_t i = 0; i < taken; i++) {
		struct pollfd ready = {.fd = peer, .events = POLLIN};

		for (size_t at = 0; at < sizeof(got);) {
			ssize_t more;

			loop_poll(loop);
			assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
			more = recv(peer, got + at, sizeof(got) - at, 0);
			assert_true(more > 0);
			at += (size_t)more;
		}
		assert_int_equal(be16_load(got), sizeof(bytes));
		assert_int_equal(be16_load(got + 2), (uint16_t)i);
	}
	assert_int_equal(stream.out_length, 0);
}

static void test_server_stream_tells_that_nobody_is_there_any_more(void **state)
{
	(void)state;
	begin();
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
	close(peer);
	peer = -1;
	send_text("more");
	assert_true(run_until(&seen.ended, 1));
	assert_false(seen.has_worked);
}

/* The kernel alone would try for a quarter of an hour. */
static void test_server_stream_gives_up_who_takes_nothing(void **state)
{
	socklen_t length = sizeof(int);
	int dead_ms = 0;

	(void)state;
	begin();
	assert_int_equal(getsockopt(stream.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, &length),
			 0);
	assert_int_equal(dead_ms, 5000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_server_stream_sends_what_was_said_before_it_was_connected),
		TEST(test_server_stream_takes_messages_split_anywhere),
		TEST(test_server_stream_takes_the_longest_message),
		TEST(test_server_stream_hands_over_together_what_came_together),
		TEST(test_server_stream_tells_its_end_in_the_middle_of_a_message),
		TEST(test_server_stream_tells_that_it_is_refused),
		TEST(test_server_stream_may_be_begun_again_at_its_end),
		TEST(test_server_stream_may_be_closed_by_who_takes_a_message),
		TEST(test_server_stream_refuses_what_it_has_no_room_for),
		TEST(test_server_stream_keeps_what_the_socket_does_not_take),
		TEST(test_server_stream_tells_that_nobody_is_there_any_more),
		TEST(test_server_stream_gives_up_who_takes_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
