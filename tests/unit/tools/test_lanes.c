/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "tools/bench/lanes.h"

#define WAIT_NS	   INT64_C(20000000)
#define WAITS	   50
#define LENGTH	   33 /* of the query below: 12 + 21 */
#define LOOPBACK   "127.0.0.1"
#define LANE_COUNT 2

static const struct slice question = {(const uint8_t *)"\3www\7example\3com\0\0\1\0\1", 21};

/* What the lanes told. */
static struct {
	uint32_t messages, lost, errors;
	int error;
	uint32_t lane;
	uint16_t ids[64];
} told;

static struct lanes lanes;
static int server, wake;

static void on_message(void *argument, struct lane *lane, struct slice message, int64_t now_ns)
{
	(void)argument;
	assert_true(now_ns > 0);
	told.lane = lane->number;
	told.ids[told.messages++ % 64] = be16_load(message.data);
}

static void on_lost(void *argument, struct lane *lane)
{
	(void)argument;
	told.lane = lane->number;
	told.lost++;
}

static void on_turn(void *argument, struct lane *lane)
{
	(void)argument;
	(void)lane;
}

static void on_error(void *argument, int error)
{
	(void)argument;
	told.error = error;
	told.errors++;
}

static struct endpoint socket_endpoint(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	struct endpoint endpoint;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	assert_true(endpoint_from_sockaddr(&address, &endpoint));
	return endpoint;
}

static void start(int type, const struct lane_ops *ops)
{
	struct endpoint any = {.port = 0};
	struct sockaddr_storage address;
	socklen_t size;

	memset(&told, 0, sizeof(told));
	address_parse(LOOPBACK, &any.address);
	size = endpoint_to_sockaddr(&any, &address);
	server = socket(AF_INET, type, 0);
	wake = eventfd(0, 0);
	assert_int_equal(bind(server, (struct sockaddr *)&address, size), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(server, 4), 0);
	lanes = (struct lanes){
		.ops = ops,
		.listener = {NULL, on_message, on_lost, on_turn, on_error},
		.server = socket_endpoint(server),
		.epoll_fd = -1,
	};
	assert_int_equal(lanes_open(&lanes, LANE_COUNT, wake), 0);
}

static void finish(void)
{
	lanes_close(&lanes);
	close(server);
	close(wake);
}

static void wait_until(const uint32_t *count, uint32_t wanted)
{
	for (int i = 0; i < WAITS && *count < wanted; i++)
		lanes_wait(&lanes, WAIT_NS);
	assert_int_equal(*count, wanted);
}

static uint32_t send_ids(uint32_t lane, uint16_t first, uint32_t count)
{
	struct lane_query queries[LANE_BATCH];

	for (uint32_t i = 0; i < count; i++)
		queries[i] = (struct lane_query){(uint16_t)(first + i), question};
	return lanes.ops->send(&lanes.lane[lane], queries, count);
}

static void assert_query(const uint8_t *bytes, uint16_t id)
{
	static const uint8_t rest[] = {1, 0, 0, 1, 0, 0, 0, 0, 0, 0};

	assert_int_equal(be16_load(bytes), id);
	assert_memory_equal(bytes + 2, rest, sizeof(rest));
	assert_memory_equal(bytes + 12, question.data, question.length);
}

static void test_udp_sends_a_batch_of_queries(void **state)
{
	uint8_t bytes[512];

	(void)state;
	start(SOCK_DGRAM, &lane_udp);
	assert_int_equal(send_ids(0, 0xfffe, LANE_BATCH), LANE_BATCH);
	for (uint32_t i = 0; i < LANE_BATCH; i++) {
		assert_int_equal(recv(server, bytes, sizeof(bytes), 0), LENGTH);
		assert_query(bytes, (uint16_t)(0xfffe + i));
	}
	finish();
}

static void test_udp_tells_what_its_server_sends_and_nobody_else(void **state)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	uint8_t bytes[1400] = {0};
	int stranger;

	(void)state;
	start(SOCK_DGRAM, &lane_udp);
	send_ids(1, 7, 1);
	recvfrom(server, bytes, sizeof(bytes), 0, (struct sockaddr *)&address, &size);
	stranger = socket(AF_INET, SOCK_DGRAM, 0);
	sendto(stranger, bytes, LENGTH, 0, (struct sockaddr *)&address, size);
	bytes[1] = 8;
	sendto(server, bytes, sizeof(bytes), 0, (struct sockaddr *)&address, size);
	wait_until(&told.messages, 1);
	assert_int_equal(told.ids[0], 8);
	assert_int_equal(told.lane, 1);
	lanes_wait(&lanes, WAIT_NS);
	assert_int_equal(told.messages, 1);
	close(stranger);
	finish();
}

static void test_udp_tells_a_refusal_and_goes_on(void **state)
{
	(void)state;
	start(SOCK_DGRAM, &lane_udp);
	close(server);
	assert_int_equal(send_ids(0, 1, 1), 1);
	wait_until(&told.errors, 1);
	assert_int_equal(told.error, ECONNREFUSED);
	assert_int_equal(send_ids(0, 2, LANE_BATCH), LANE_BATCH);
	assert_int_equal(told.lost, 0);
	finish();
}

/* Takes all queries off a connection. */
static void assert_queries(int fd, uint16_t first, uint32_t count)
{
	uint8_t bytes[LENGTH + 2];

	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
		assert_int_equal(be16_load(bytes), LENGTH);
		assert_query(bytes + 2, (uint16_t)(first + i));
	}
}

/* Connects lane 0 by sending count queries. */
static int accept_first(uint16_t first, uint32_t count)
{
	int fd;

	assert_int_equal(send_ids(0, first, count), count);
	fd = accept(server, NULL, NULL);
	assert_true(fd >= 0);
	for (int i = 0; i < 3; i++)
		lanes_wait(&lanes, WAIT_NS / 20);
	assert_queries(fd, first, count);
	return fd;
}

static void test_tcp_is_pipelined_and_answered_in_any_order_and_pieces(void **state)
{
	uint8_t bytes[3 * (LENGTH + 2)] = {0};
	int fd;

	(void)state;
	start(SOCK_STREAM, &lane_tcp);
	fd = accept_first(10, 3);
	for (uint32_t i = 0; i < 3; i++) {
		be16_store(bytes + i * (LENGTH + 2), LENGTH);
		be16_store(bytes + i * (LENGTH + 2) + 2, (uint16_t)(12 - i));
	}
	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(send(fd, bytes + i, 1, 0), 1);
		lanes_wait(&lanes, WAIT_NS);
	}
	wait_until(&told.messages, 3);
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(told.ids[i], 12 - i);
	close(fd);
	finish();
}

static void test_tcp_loses_what_is_on_a_connection_that_ends(void **state)
{
	int fd;

	(void)state;
	start(SOCK_STREAM, &lane_tcp);
	fd = accept_first(1, 2);
	assert_int_equal(send(fd, "\0", 1, 0), 1); /* half a length, of which nothing may stay */
	close(fd);
	wait_until(&told.lost, 1);
	assert_int_equal(told.lane, 0);
	assert_int_equal(told.errors, 0);
	fd = accept_first(3, 2);
	assert_int_equal(send(fd, "\0\2\0\3", 4, 0), 4);
	wait_until(&told.messages, 1);
	assert_int_equal(told.ids[0], 3);
	close(fd);
	finish();
}

static void test_tcp_tells_a_reset(void **state)
{
	struct linger none = {1, 0};
	int fd;

	(void)state;
	start(SOCK_STREAM, &lane_tcp);
	fd = accept_first(1, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
	wait_until(&told.lost, 1);
	assert_int_equal(told.error, ECONNRESET);
	finish();
}

static void test_tcp_leaves_queries_to_their_timeouts_when_it_is_refused(void **state)
{
	(void)state;
	start(SOCK_STREAM, &lane_tcp);
	close(server);
	assert_int_equal(send_ids(0, 1, 2), 2);
	wait_until(&told.errors, 1);
	assert_int_equal(told.error, ECONNREFUSED);
	assert_int_equal(told.lost, 0);
	assert_int_equal(lanes.lane[0].fd, -1);
	lanes.ops->on_timeout(&lanes.lane[0]);
	assert_int_equal(told.lost, 0);
	finish();
}

static void test_tcp_is_blocked_by_a_server_that_does_not_read(void **state)
{
	uint32_t sent = 0, taken;
	int fd;

	(void)state;
	start(SOCK_STREAM, &lane_tcp);
	fd = accept_first(0, 1);
	do
		taken = send_ids(0, (uint16_t)++sent, 1);
	while (taken && sent < 10000000);
	assert_int_equal(taken, 0);
	assert_true(lanes.lane[0].is_blocked);
	lanes.ops->on_timeout(&lanes.lane[0]);
	assert_int_equal(told.lost, 1);
	assert_false(lanes.lane[0].is_blocked);
	close(fd);
	fd = accept_first(7, 1);
	close(fd);
	finish();
}

static void test_tcp_goes_on_when_its_server_reads_again(void **state)
{
	uint32_t sent = 1;
	int fd;

	(void)state;
	start(SOCK_STREAM, &lane_tcp);
	fd = accept_first(0, 1);
	while (send_ids(0, (uint16_t)sent, 1))
		sent++;
	for (uint32_t i = 1; i < sent; i++) {
		lanes_wait(&lanes, 0);
		assert_queries(fd, (uint16_t)i, 1);
	}
	assert_false(lanes.lane[0].is_blocked);
	close(fd);
	finish();
}

static void test_wait_ends_when_it_is_woken(void **state)
{
	const uint64_t one = 1;

	(void)state;
	start(SOCK_DGRAM, &lane_udp);
	assert_int_equal(write(wake, &one, sizeof(one)), sizeof(one));
	lanes_wait(&lanes, INT64_MAX / 2);
	assert_int_equal(told.messages + told.errors, 0);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp_sends_a_batch_of_queries),
		cmocka_unit_test(test_udp_tells_what_its_server_sends_and_nobody_else),
		cmocka_unit_test(test_udp_tells_a_refusal_and_goes_on),
		cmocka_unit_test(test_tcp_is_pipelined_and_answered_in_any_order_and_pieces),
		cmocka_unit_test(test_tcp_loses_what_is_on_a_connection_that_ends),
		cmocka_unit_test(test_tcp_tells_a_reset),
		cmocka_unit_test(test_tcp_leaves_queries_to_their_timeouts_when_it_is_refused),
		cmocka_unit_test(test_tcp_is_blocked_by_a_server_that_does_not_read),
		cmocka_unit_test(test_tcp_goes_on_when_its_server_reads_again),
		cmocka_unit_test(test_wait_ends_when_it_is_woken),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
