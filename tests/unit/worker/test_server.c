/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/message.h"
#include "tests/lib/proxy_rig.h"

#define SECOND	     NANOSECONDS_PER_SECOND
#define START	     (1000 * SECOND)
#define ONE_UPSTREAM "resolve ^ using 127.0.0.1:%u"

/* --- health --- */

static struct proxy_upstream_stats stats;
static struct server server;

static int set_up_health(void **state)
{
	(void)state;
	stats = (struct proxy_upstream_stats){0};
	server = (struct server){.stats = &stats};
	return 0;
}

static void fail_often(int times, int64_t now_ns)
{
	while (times--)
		server_has_failed(&server, now_ns);
}

static void time_out(enum attempt_state state, int64_t sent_ns, int64_t now_ns)
{
	const struct attempt attempt = {.state = (uint8_t)state, .sent_ns = sent_ns};

	server_has_timed_out(&server, &attempt, now_ns);
}

static bool is_asked(int64_t now_ns)
{
	if (server_is_left_alone(&server, now_ns))
		return false;
	server_begin_trial(&server, now_ns);
	return true;
}

static void test_server_is_left_alone_after_three_failures(void **state)
{
	(void)state;
	fail_often(2, START);
	assert_true(is_asked(START));
	fail_often(1, START);
	assert_false(is_asked(START));
	assert_false(is_asked(START + SECOND - 1));
	assert_int_equal(stats.is_backed_off, 1);
}

static void test_server_that_answers_in_between_is_healthy(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		fail_often(2, START);
		server_has_answered(&server, START, 1);
	}
	assert_true(is_asked(START));
	assert_int_equal(stats.answers, 10);
}

static void test_server_is_asked_once_to_see_when_its_time_is_over(void **state)
{
	(void)state;
	fail_often(3, START);
	assert_true(is_asked(START + SECOND));
	assert_false(is_asked(START + SECOND));
	assert_false(is_asked(START + 2 * SECOND - 1));
	assert_true(is_asked(START + 2 * SECOND)); /* no word: once more */
	server.timeout_ms = 3000;		   /* its own time is waited for */
	assert_true(is_asked(START + 3 * SECOND));
	assert_false(is_asked(START + 6 * SECOND));
	assert_true(is_asked(START + 7 * SECOND));
}

static void test_server_is_healthy_when_it_answers_its_trial(void **state)
{
	(void)state;
	fail_often(3, START);
	assert_true(is_asked(START + SECOND));
	server_has_answered(&server, START + SECOND, 1);
	assert_true(is_asked(START + SECOND));
	assert_true(is_asked(START + SECOND));
	assert_int_equal(stats.is_backed_off, 0);
	fail_often(2, START + SECOND);
	assert_true(is_asked(START + SECOND));
}

static void test_server_is_left_alone_for_twice_as_long_each_time(void **state)
{
	static const int64_t seconds[] = {1, 2, 4, 8, 10, 10};
	int64_t now_ns = START;

	(void)state;
	fail_often(3, now_ns);
	for (int i = 0; i < 6; i++) {
		assert_false(is_asked(now_ns + seconds[i] * SECOND - 1));
		now_ns += seconds[i] * SECOND;
		assert_true(is_asked(now_ns));
		fail_often(5, now_ns); /* the first is of the trial */
	}
}

static void test_server_failures_while_it_is_left_alone_say_nothing_new(void **state)
{
	(void)state;
	fail_often(100, START);
	assert_true(is_asked(START + SECOND));
}

static void test_server_times_out_where_it_has_not_answered_since(void **state)
{
	(void)state;
	server_has_answered(&server, START, 1);
	for (int i = 0; i < 10; i++)
		time_out(ATTEMPT_UDP, START - 1, START + SECOND);
	assert_true(is_asked(START + SECOND));
	for (int i = 0; i < 3; i++)
		time_out(ATTEMPT_UDP, START + 1, START + SECOND);
	assert_false(is_asked(START + SECOND));
	assert_int_equal(stats.timeouts, 13);
}

static void test_server_timeouts_of_before_its_trial_say_nothing_of_that(void **state)
{
	(void)state;
	fail_often(3, START);
	assert_true(is_asked(START + SECOND));
	time_out(ATTEMPT_UDP, START, START + SECOND);
	assert_true(is_asked(START + 2 * SECOND));
	time_out(ATTEMPT_UDP, START + 2 * SECOND, START + 3 * SECOND);
	assert_false(is_asked(START + 5 * SECOND - 1)); /* that one does */
	assert_true(is_asked(START + 5 * SECOND));
}

/* Threats G-5. */
static void test_server_of_udp_is_not_judged_by_tcp(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		time_out(ATTEMPT_TCP, START, START + SECOND);
	assert_true(is_asked(START + SECOND));
	server.upstream.transport = UPSTREAM_TCP;
	for (int i = 0; i < 3; i++)
		time_out(ATTEMPT_TCP, START, START + SECOND);
	assert_false(is_asked(START + SECOND));
}

/* --- sockets --- */

static struct proxy_rig rig;
static struct proxy_rig_message asked, reply;

static int set_up(void **state)
{
	(void)state;
	proxy_rig_init(&rig);
	rig.config.proxy.timeout_ms = 5000;
	rig.config.proxy.query_count = 4096;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_true(proxy_rig_adds_up(&rig));
	proxy_rig_close(&rig);
	return 0;
}

static void ask(const char *name)
{
	proxy_rig_ask(&rig, 1, name, 1);
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
}

static void answer(void)
{
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
}

/* The one that waits for an answer, which is asked alone. */
static struct server_socket *socket_in_use(void)
{
	for (uint32_t i = 0; i < SERVER_SOCKETS; i++)
		if (rig.proxy->servers[0].sockets[i].outstanding)
			return &rig.proxy->servers[0].sockets[i];
	return NULL;
}

static void test_server_is_asked_from_many_ports(void **state)
{
	bool is_used[65536] = {false};
	uint32_t ports = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		ask("a.test.");
		ports += !is_used[ntohs(asked.from.sin_port)];
		is_used[ntohs(asked.from.sin_port)] = true;
		answer();
	}
	assert_in_range(ports, 48, SERVER_SOCKETS);
	assert_null(socket_in_use());
}

/* Whether each socket that has been used is replaced with the next query through it. */
static void assert_renewed(void (*wear)(struct server_socket *socket))
{
	struct server *first = &rig.proxy->servers[0];
	uint16_t port;

	for (int i = 0; i < 20; i++) {
		struct server_socket *used;

		ask("a.test.");
		port = asked.from.sin_port;
		used = socket_in_use();
		assert_non_null(used);
		answer();
		for (uint32_t j = 0; j < SERVER_SOCKETS; j++)
			if (first->sockets[j].fd >= 0)
				wear(&first->sockets[j]);
		do {
			ask("a.test.");
			answer();
		} while (used->queries != 1);
		assert_int_not_equal(asked.from.sin_port, port);
	}
}

static void wear_by_use(struct server_socket *socket)
{
	socket->queries = SERVER_SOCKET_QUERIES;
}

static void wear_by_age(struct server_socket *socket)
{
	socket->opened_ns -= SERVER_SOCKET_NS;
	socket->queries = 0;
}

static void test_server_sockets_are_renewed_after_their_queries(void **state)
{
	(void)state;
	assert_renewed(wear_by_use);
}

static void test_server_sockets_are_renewed_after_their_time(void **state)
{
	(void)state;
	assert_renewed(wear_by_age);
}

static void test_server_socket_that_waits_for_an_answer_is_not_renewed(void **state)
{
	struct proxy_rig_message first;
	struct server_socket *used;

	(void)state;
	ask("first.test.");
	first = asked;
	used = socket_in_use();
	wear_by_use(used);
	for (int i = 0; i < 200; i++) {
		ask("a.test.");
		answer();
	}
	assert_int_equal(used->outstanding, 1);
	proxy_rig_answer(rig.upstreams[0], &first, 300, 7);
	assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
	assert_int_equal(reply.bytes[reply.length - 1], 7);
}

/* All of them are worn and in use: one of these does. */
static void test_server_with_all_sockets_in_use_is_still_asked(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%d.test.", i);
		ask(name);
		for (uint32_t j = 0; j < SERVER_SOCKETS; j++)
			wear_by_use(&rig.proxy->servers[0].sockets[j]);
	}
	assert_int_equal(rig.proxy->servers[0].outstanding, 200);
	answer();
}

/* --- batches --- */

static const uint32_t counts[] = {1, 2, 3, 4, 31, 33, 63, 64, 65, 66, 127, 128, 129};

#define COUNTS (sizeof(counts) / sizeof(counts[0]))

/* As many questions at once, all different, of one length or of several. */
static void assert_all_arrive(uint32_t count, bool is_of_one_length)
{
	bool has_come[256] = {false};
	char name[64];

	for (uint32_t i = 0; i < count; i++) {
		int more = is_of_one_length ? 1 : 1 + (int)(i % 5);

		snprintf(name, sizeof(name), "n%03u.%.*s.%03u.", i, more, "xxxxx", count);
		proxy_rig_ask(&rig, (uint16_t)i, name, 1);
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t number, more;

		assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &asked));
		assert_int_equal(asked.bytes[12], 4);
		number = (uint32_t)((asked.bytes[14] - '0') * 100 + (asked.bytes[15] - '0') * 10 +
				    asked.bytes[16] - '0');
		more = is_of_one_length ? 1 : 1 + number % 5;
		assert_true(number < count && !has_come[number]);
		has_come[number] = true;
		assert_int_equal(asked.bytes[17], more);
		/* header, n000, x..., 000, root, type and class, OPT */
		assert_int_equal(asked.length, 12 + 5 + 1 + more + 4 + 1 + 4 + 11);
	}
	assert_false(proxy_rig_wait(&rig, rig.upstreams[0], 20));
}

static void test_server_gets_queries_of_one_length_each_for_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTS; i++)
		assert_all_arrive(counts[i], true);
	assert_false(rig.proxy->is_unsegmented);
}

static void test_server_gets_queries_of_several_lengths_each_for_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTS; i++)
		assert_all_arrive(counts[i], false);
}

static void test_server_gets_queries_without_segments_too(void **state)
{
	(void)state;
	rig.proxy->is_unsegmented = true;
	assert_all_arrive(100, true);
}

#define TEST(name)   cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define HEALTH(name) cmocka_unit_test_setup(name, set_up_health)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HEALTH(test_server_is_left_alone_after_three_failures),
		HEALTH(test_server_that_answers_in_between_is_healthy),
		HEALTH(test_server_is_asked_once_to_see_when_its_time_is_over),
		HEALTH(test_server_is_healthy_when_it_answers_its_trial),
		HEALTH(test_server_is_left_alone_for_twice_as_long_each_time),
		HEALTH(test_server_failures_while_it_is_left_alone_say_nothing_new),
		HEALTH(test_server_times_out_where_it_has_not_answered_since),
		HEALTH(test_server_timeouts_of_before_its_trial_say_nothing_of_that),
		HEALTH(test_server_of_udp_is_not_judged_by_tcp),
		TEST(test_server_is_asked_from_many_ports),
		TEST(test_server_sockets_are_renewed_after_their_queries),
		TEST(test_server_sockets_are_renewed_after_their_time),
		TEST(test_server_socket_that_waits_for_an_answer_is_not_renewed),
		TEST(test_server_with_all_sockets_in_use_is_still_asked),
		TEST(test_server_gets_queries_of_one_length_each_for_itself),
		TEST(test_server_gets_queries_of_several_lengths_each_for_itself),
		TEST(test_server_gets_queries_without_segments_too),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
