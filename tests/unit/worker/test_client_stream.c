/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients over TCP, played by the test. Names that begin with "b" are answered at once;
 * others wait for an upstream server, which is the test as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/message.h"
#include "tests/lib/proxy_rig.h"

#define RULES "redirect ^b to 192.0.2.9\nresolve ^ using 127.0.0.1:%u"

static struct proxy_rig rig;
static struct proxy_rig_message asked, reply;
static uint8_t big[1 << 20];

static int set_up(void **state)
{
	(void)state;
	proxy_rig_init(&rig);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_true(proxy_rig_adds_up(&rig));
	proxy_rig_close(&rig);
	return 0;
}

/* Octets of a query with its frame. */
static size_t put_query(uint8_t *at, uint16_t id, const char *name)
{
	struct proxy_rig_message query;

	proxy_rig_query(&query, id, DNS_FLAG_RD, name, 1, 0);
	be16_store(at, (uint16_t)query.length);
	memcpy(at + 2, query.bytes, query.length);
	return 2 + query.length;
}

static void send_all(int fd, const uint8_t *bytes, size_t length)
{
	assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
}

static void ask(int fd, uint16_t id, const char *name)
{
	uint8_t bytes[512];

	send_all(fd, bytes, put_query(bytes, id, name));
}

/* So many octets, while the proxy runs. */
static bool take_all(int fd, uint8_t *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		ssize_t got;

		if (!proxy_rig_wait(&rig, fd, PROXY_RIG_WAIT_MS))
			return false;
		got = recv(fd, bytes + at, length - at, MSG_DONTWAIT);
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

/* The id of the next reply; -1: none comes. */
static int take_reply(int fd)
{
	uint8_t frame[2];

	if (!take_all(fd, frame, 2))
		return -1;
	reply.length = be16_load(frame);
	return take_all(fd, reply.bytes, reply.length) ? be16_load(reply.bytes) : -1;
}

static bool is_closed(int fd)
{
	uint8_t octet;

	return proxy_rig_wait(&rig, fd, PROXY_RIG_WAIT_MS) &&
	       recv(fd, &octet, 1, MSG_DONTWAIT) <= 0;
}

static void test_client_stream_takes_queries_split_anywhere(void **state)
{
	uint8_t bytes[512];
	size_t length;
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	length = put_query(bytes, 1, "b.test.");
	length += put_query(bytes + length, 2, "bb.test.");
	for (size_t at = 0; at <= length; at++) {
		send_all(fd, bytes, at);
		proxy_rig_pass(&rig, 2);
		send_all(fd, bytes + at, length - at);
		assert_int_equal(take_reply(fd), 1);
		assert_int_equal(take_reply(fd), 2);
	}
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_QUERIES_TCP), 2 * (length + 1));
	assert_int_equal(rig.proxy->streams->held_bytes, 0);
	close(fd);
}

static void test_client_stream_takes_queries_octet_by_octet(void **state)
{
	uint8_t bytes[512];
	size_t length;
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	length = put_query(bytes, 1, "b.test.");
	for (size_t at = 0; at < length; at++) {
		send_all(fd, bytes + at, 1);
		proxy_rig_pass(&rig, 1);
	}
	assert_int_equal(take_reply(fd), 1);
	close(fd);
}

/* More than is read at one time. */
static void test_client_stream_answers_many_queries_of_one_segment(void **state)
{
	size_t length = 0;
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	for (uint16_t id = 0; id < 2000; id++)
		length += put_query(big + length, id, "b.test.");
	send_all(fd, big, length);
	for (uint16_t id = 0; id < 2000; id++)
		assert_int_equal(take_reply(fd), id);
	close(fd);
}

/* For lines and events. */
static void test_client_stream_knows_which_address_was_asked(void **state)
{
	const struct endpoint *asked_at;
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	ask(fd, 1, "b.test.");
	assert_int_equal(take_reply(fd), 1);
	asked_at = &rig.proxy->streams->slots[0].asked;
	assert_int_equal(asked_at->port, rig.at.port);
	assert_true(address_equal(&asked_at->address, &rig.at.address));
	close(fd);
}

static void test_client_stream_answers_in_the_order_of_answers(void **state)
{
	struct proxy_rig_message first;
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	ask(fd, 1, "a.test.");
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &first));
	ask(fd, 2, "c.test.");
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
	ask(fd, 3, "b.test.");
	assert_int_equal(take_reply(fd), 3);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_int_equal(take_reply(fd), 2);
	proxy_rig_answer(rig.upstreams[0], &first, 300, 1);
	assert_int_equal(take_reply(fd), 1);
	close(fd);
}

static void test_client_stream_holds_queries_up_beyond_its_limit(void **state)
{
	char name[] = "a.test.";
	size_t length = 0;
	int fd;

	(void)state;
	rig.config.proxy.tcp_queries = 2;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	for (uint16_t id = 0; id < 5; id++) {
		name[0] = (char)('c' + id);
		length += put_query(big + length, id, name);
	}
	send_all(fd, big, length);
	for (int taken = 0; taken < 5; taken++) {
		assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
		if (!taken)
			assert_true(rig.proxy->streams->slots[0].is_held_up);
		assert_true(pendings_askers(rig.proxy->pendings) <= 2);
		proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
		assert_true(take_reply(fd) >= 0);
	}
	assert_int_equal(rig.proxy->streams->slots[0].waiting, 0);
	assert_int_equal(rig.proxy->streams->held_bytes, 0);
	close(fd);
}

/* All fail at once: they go on within the same turn, and come to an end. */
static void test_client_stream_goes_on_when_held_up_queries_fail(void **state)
{
	size_t length = 0;
	int fd;

	(void)state;
	rig.config.proxy.tcp_queries = 1;
	rig.config.proxy.timeout_ms = 20;
	rig.config.proxy.retries = 0;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	for (uint16_t id = 0; id < 20; id++)
		length += put_query(big + length, id, "a.test.");
	send_all(fd, big, length);
	for (uint16_t id = 0; id < 20; id++)
		assert_int_equal(take_reply(fd), id);
	close(fd);
}

/* One answer makes room for more of them than one turn takes; each has more to ask. */
static void test_client_streams_that_are_held_up_go_on_in_turns(void **state)
{
	enum { COUNT = 3 * CLIENT_STREAMS_RESUME };
	size_t length = 0;
	int fds[COUNT];

	(void)state;
	rig.config.proxy.tcp_connections = COUNT;
	rig.config.proxy.tcp_queries = 1;
	rig.config.proxy.timeout_ms = 5000;
	proxy_rig_open(&rig, RULES);
	length = put_query(big, 1, "a.test.");
	for (uint16_t id = 2; id < 5; id++)
		length += put_query(big + length, id, "b.test.");
	for (int i = 0; i < COUNT; i++) {
		fds[i] = proxy_rig_connect(&rig);
		send_all(fds[i], big, length);
	}
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
	proxy_rig_pass(&rig, PROXY_RIG_QUIET_MS);
	assert_int_equal(pendings_askers(rig.proxy->pendings), COUNT);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	for (int i = 0; i < COUNT; i++) {
		for (uint16_t id = 1; id < 5; id++)
			assert_int_equal(take_reply(fds[i]), id);
		close(fds[i]);
	}
	assert_null(rig.proxy->streams->resumed);
}

static void test_client_stream_answers_all_after_its_client_has_said_all(void **state)
{
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	ask(fd, 1, "a.test.");
	shutdown(fd, SHUT_WR);
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
	proxy_rig_pass(&rig, PROXY_RIG_QUIET_MS);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_int_equal(take_reply(fd), 1);
	assert_true(is_closed(fd));
	assert_int_equal(rig.proxy->streams->count, 0);
	close(fd);
}

/* Its slot is another's when the answer comes: that one gets nothing. */
static void test_client_stream_gives_no_answer_to_its_successor(void **state)
{
	int fd, other;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	ask(fd, 1, "a.test.");
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
	close(fd);
	proxy_rig_pass(&rig, PROXY_RIG_QUIET_MS);
	other = proxy_rig_connect(&rig);
	ask(other, 2, "b.test.");
	assert_int_equal(take_reply(other), 2);
	assert_int_equal(rig.proxy->streams->used, 1);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_true(proxy_rig_is_quiet(&rig, other));
	assert_int_equal(rig.proxy->streams->slots[0].waiting, 0);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_CLOSED), 1);
	close(other);
}

static void test_client_stream_is_closed_when_idle(void **state)
{
	int fd;

	(void)state;
	rig.config.proxy.tcp_idle_ms = 100;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	assert_true(is_closed(fd));
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_CONNECTIONS_SLOW), 0);
	close(fd);
}

/* Threats F-3: what waits is still answered. */
static void test_client_stream_ends_behind_its_last_answer_when_it_has_lived(void **state)
{
	int fd;

	(void)state;
	rig.config.proxy.tcp_lifetime_s = 100;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	ask(fd, 1, "a.test.");
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_int_equal(take_reply(fd), 1);
	rig.proxy->streams->slots[0].opened_ns -= 100 * NANOSECONDS_PER_SECOND;
	ask(fd, 2, "a.test.");
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
	ask(fd, 3, "b.test."); /* while the other waits */
	assert_int_equal(take_reply(fd), 3);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_int_equal(take_reply(fd), 2);
	assert_true(is_closed(fd));
	close(fd);
}

static void test_client_stream_is_closed_when_a_query_takes_too_long(void **state)
{
	uint8_t bytes[512];
	int64_t begun_ns;
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	put_query(bytes, 1, "b.test.");
	begun_ns = clock_monotonic_ns();
	for (int at = 0; !proxy_rig_wait(&rig, fd, 300); at++)
		if (send(fd, bytes + at, 1, MSG_NOSIGNAL) < 0)
			break;
	assert_true(clock_monotonic_ns() - begun_ns < 3 * NANOSECONDS_PER_SECOND);
	assert_int_equal(rig.proxy->streams->count, 0);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_CONNECTIONS_SLOW), 1);
	close(fd);
}

/* At each moment a query is incomplete, but never the same. */
static void test_client_stream_lives_while_queries_come_to_an_end(void **state)
{
	int64_t end_ns = clock_monotonic_ns() + 5 * NANOSECONDS_PER_SECOND / 2;
	uint8_t bytes[512];
	size_t length;
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	length = put_query(bytes, 1, "b.test.");
	send_all(fd, bytes, 5);
	while (clock_monotonic_ns() < end_ns) {
		send_all(fd, bytes + 5, length - 5);
		send_all(fd, bytes, 5);
		assert_int_equal(take_reply(fd), 1);
		proxy_rig_pass(&rig, 100);
	}
	close(fd);
}

static void test_client_stream_is_closed_when_a_query_is_too_long(void **state)
{
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	ask(fd, 1, "b.test.");
	send_all(fd, (const uint8_t *)"GET / HTTP/1.1\r\n", 16);
	assert_int_equal(take_reply(fd), 1);
	assert_true(is_closed(fd));
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_DROPPED_MALFORMED), 1);
	close(fd);
}

static void test_client_stream_takes_the_longest_query(void **state)
{
	size_t length;
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	memset(big, 0, CLIENT_STREAM_QUERY_MAX + 2);
	length = put_query(big, 1, "b.test.");
	be16_store(big, CLIENT_STREAM_QUERY_MAX);
	assert_true(length < CLIENT_STREAM_QUERY_MAX);
	for (int i = 0; i < 3; i++)
		send_all(fd, big, CLIENT_STREAM_QUERY_MAX + 2);
	for (int i = 0; i < 3; i++)
		assert_int_equal(take_reply(fd), 1);
	close(fd);
}

static void test_client_stream_survives_frames_of_nothing(void **state)
{
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	memset(big, 0, 20000);
	send_all(fd, big, 20000);
	ask(fd, 1, "b.test.");
	assert_int_equal(take_reply(fd), 1);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_DROPPED_MALFORMED), 10000);
	close(fd);
}

/* --- who does not read --- */

/* A client whose socket takes little, and in the cache an answer of almost 4 KiB. */
static int open_reader(void)
{
	int receive_bytes = 32768, fd;

	rig.config.proxy.cache_mib = 1;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	ask(fd, 0, "a.test.");
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
	proxy_rig_respond(&asked, PROXY_RIG_ANSWERED, &reply);
	for (int i = 0; i < 14; i++)
		proxy_rig_add(&reply, 0, 16, 300, (const uint8_t[255]){254}, 255);
	proxy_rig_send(rig.upstreams[0], &asked, &reply);
	assert_int_equal(take_reply(fd), 0);
	return fd;
}

static void test_client_stream_answers_who_reads_late(void **state)
{
	int fd;

	(void)state;
	fd = open_reader();
	for (uint16_t id = 0; id < 300; id++)
		ask(fd, id, "a.test.");
	proxy_rig_pass(&rig, 100);
	assert_true(rig.proxy->streams->slots[0].out_length > 0);
	assert_true(rig.proxy->streams->slots[0].out_length < 2 * CLIENT_STREAM_OUT_BYTES);
	for (uint16_t id = 0; id < 300; id++)
		assert_int_equal(take_reply(fd), id);
	proxy_rig_pass(&rig, PROXY_RIG_QUIET_MS);
	assert_int_equal(rig.proxy->streams->held_bytes, 0);
	close(fd);
}

static void test_client_stream_is_closed_when_nobody_reads(void **state)
{
	int fd;

	(void)state;
	fd = open_reader();
	for (uint16_t id = 0; id < 300; id++)
		ask(fd, id, "a.test.");
	proxy_rig_pass(&rig, CLIENT_STREAM_READ_MS + 500);
	assert_int_equal(rig.proxy->streams->count, 0);
	assert_int_equal(rig.proxy->streams->held_bytes, 0);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_CONNECTIONS_SLOW), 1);
	close(fd);
}

/* The time that it has to read is not that between two queries. */
static void test_client_stream_gains_no_time_by_asking_when_it_does_not_read(void **state)
{
	int fd, asked_more = 0;

	(void)state;
	fd = open_reader();
	for (uint16_t id = 0; id < 60; id++)
		ask(fd, id, "a.test.");
	for (; asked_more < 10 && rig.proxy->streams->count; asked_more++) {
		proxy_rig_pass(&rig, CLIENT_STREAM_READ_MS / 4);
		ask(fd, 99, "a.test.");
	}
	assert_in_range(asked_more, 3, 5);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_CONNECTIONS_SLOW), 1);
	close(fd);
}

static void test_client_stream_keeps_no_more_than_the_share_of_its_client(void **state)
{
	int fd;

	(void)state;
	fd = open_reader();
	rig.proxy->streams->slots[0].peer->held_bytes = CLIENT_STREAMS_PEER_BYTES - 10000;
	for (uint16_t id = 0; id < 60; id++)
		ask(fd, id, "a.test.");
	proxy_rig_pass(&rig, PROXY_RIG_QUIET_MS);
	assert_int_equal(rig.proxy->streams->count, 0);
	assert_int_equal(rig.proxy->streams->held_bytes, 0);
	close(fd);
}

static void test_client_streams_that_are_stopped_wait_for_who_reads_late(void **state)
{
	int fd;

	(void)state;
	fd = open_reader();
	for (uint16_t id = 0; id < 60; id++)
		ask(fd, id, "a.test.");
	proxy_rig_pass(&rig, PROXY_RIG_QUIET_MS);
	assert_false(proxy_drain(rig.proxy));
	for (uint16_t id = 0; id < 60; id++)
		assert_int_equal(take_reply(fd), id);
	proxy_rig_pass(&rig, PROXY_RIG_QUIET_MS);
	assert_true(proxy_drain(rig.proxy));
	close(fd);
}

/* --- limits --- */

static void test_client_stream_of_a_client_too_many_is_refused(void **state)
{
	int fds[3];

	(void)state;
	rig.config.proxy.tcp_per_client = 2;
	proxy_rig_open(&rig, RULES);
	for (int i = 0; i < 3; i++)
		fds[i] = proxy_rig_connect(&rig);
	assert_true(is_closed(fds[2]));
	ask(fds[0], 1, "b.test.");
	assert_int_equal(take_reply(fds[0]), 1);
	close(fds[1]);
	proxy_rig_pass(&rig, PROXY_RIG_QUIET_MS);
	close(fds[2]);
	fds[2] = proxy_rig_connect(&rig);
	ask(fds[2], 3, "b.test.");
	assert_int_equal(take_reply(fds[2]), 3);
	close(fds[0]);
	close(fds[2]);
}

static void test_client_stream_that_is_idle_makes_way_when_descriptors_run_out(void **state)
{
	struct rlimit limit, tight;
	int fds[3], lowest;

	(void)state;
	proxy_rig_open(&rig, RULES);
	for (int i = 0; i < 2; i++) {
		fds[i] = proxy_rig_connect(&rig);
		proxy_rig_pass(&rig, 10);
	}
	ask(fds[0], 1, "b.test.");
	assert_int_equal(take_reply(fds[0]), 1);
	fds[2] = proxy_rig_connect(&rig);
	lowest = dup(fds[2]);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	tight = (struct rlimit){(rlim_t)lowest, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	ask(fds[2], 2, "b.test.");
	proxy_rig_pass(&rig, 50);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(take_reply(fds[2]), 2);
	assert_true(is_closed(fds[1]));
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_CONNECTIONS_EVICTED), 1);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void test_client_stream_that_is_idle_longest_makes_way(void **state)
{
	int fds[4];

	(void)state;
	rig.config.proxy.tcp_connections = 2;
	proxy_rig_open(&rig, RULES);
	fds[0] = proxy_rig_connect(&rig);
	proxy_rig_pass(&rig, 10);
	fds[1] = proxy_rig_connect(&rig);
	proxy_rig_pass(&rig, 10);
	ask(fds[0], 1, "b.test.");
	assert_int_equal(take_reply(fds[0]), 1);
	fds[2] = proxy_rig_connect(&rig);
	assert_true(is_closed(fds[1]));
	ask(fds[0], 2, "a.test.");
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
	fds[3] = proxy_rig_connect(&rig);
	assert_true(is_closed(fds[2])); /* for the other one is busy */
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_int_equal(take_reply(fds[0]), 2);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_CONNECTIONS_EVICTED), 2);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void test_client_stream_is_refused_when_all_are_busy(void **state)
{
	int fd, other;

	(void)state;
	rig.config.proxy.tcp_connections = 1;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	ask(fd, 1, "a.test.");
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
	other = proxy_rig_connect(&rig);
	assert_true(is_closed(other));
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_int_equal(take_reply(fd), 1);
	close(fd);
	close(other);
}

static void test_client_stream_of_who_is_not_welcome_is_refused(void **state)
{
	int fd;

	(void)state;
	snprintf(rig.config.proxy.allow, sizeof(rig.config.proxy.allow), "192.0.2.0/24");
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	assert_true(is_closed(fd));
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_CONNECTIONS_REFUSED), 1);
	close(fd);
}

static void test_client_streams_that_are_stopped_end_what_they_began(void **state)
{
	int fd;

	(void)state;
	proxy_rig_open(&rig, RULES);
	fd = proxy_rig_connect(&rig);
	ask(fd, 1, "a.test.");
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
	assert_false(proxy_drain(rig.proxy));
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_int_equal(take_reply(fd), 1);
	assert_true(proxy_drain(rig.proxy));
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_client_stream_takes_queries_split_anywhere),
		TEST(test_client_stream_takes_queries_octet_by_octet),
		TEST(test_client_stream_answers_many_queries_of_one_segment),
		TEST(test_client_stream_knows_which_address_was_asked),
		TEST(test_client_stream_answers_in_the_order_of_answers),
		TEST(test_client_stream_holds_queries_up_beyond_its_limit),
		TEST(test_client_stream_goes_on_when_held_up_queries_fail),
		TEST(test_client_streams_that_are_held_up_go_on_in_turns),
		TEST(test_client_stream_answers_all_after_its_client_has_said_all),
		TEST(test_client_stream_gives_no_answer_to_its_successor),
		TEST(test_client_stream_is_closed_when_idle),
		TEST(test_client_stream_ends_behind_its_last_answer_when_it_has_lived),
		TEST(test_client_stream_is_closed_when_a_query_takes_too_long),
		TEST(test_client_stream_lives_while_queries_come_to_an_end),
		TEST(test_client_stream_is_closed_when_a_query_is_too_long),
		TEST(test_client_stream_takes_the_longest_query),
		TEST(test_client_stream_survives_frames_of_nothing),
		TEST(test_client_stream_answers_who_reads_late),
		TEST(test_client_stream_is_closed_when_nobody_reads),
		TEST(test_client_stream_gains_no_time_by_asking_when_it_does_not_read),
		TEST(test_client_stream_keeps_no_more_than_the_share_of_its_client),
		TEST(test_client_streams_that_are_stopped_wait_for_who_reads_late),
		TEST(test_client_stream_of_a_client_too_many_is_refused),
		TEST(test_client_stream_that_is_idle_makes_way_when_descriptors_run_out),
		TEST(test_client_stream_that_is_idle_longest_makes_way),
		TEST(test_client_stream_is_refused_when_all_are_busy),
		TEST(test_client_stream_of_who_is_not_welcome_is_refused),
		TEST(test_client_streams_that_are_stopped_end_what_they_began),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
