/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to servers over TCP. */
#include <stdio.h>

#include "tests/unit/worker/resolve_rig.h"

static struct proxy_rig_message other;

static void test_resolve_asks_over_tcp_what_was_cut(void **state)
{
	int fd = -1;

	(void)state;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_at(0, &asked);
	proxy_rig_respond(&asked, PROXY_RIG_ANSWERED | DNS_FLAG_TC, &reply);
	proxy_rig_send(rig.upstreams[0], &asked, &reply);
	take_over_tcp(0, &fd);
	answer_over_tcp(fd, PROXY_RIG_ANSWERED);
	assert_reply(1, 0, 1);
	assert_int_equal(rig.proxy->servers[0].stats->truncated, 1);
	assert_int_equal(rig.proxy->servers[0].stats->retries, 0);
	assert_forgotten();
	close(fd);
}

/* Threats G-3: who sends a wrong id knows the port. */
static void test_resolve_asks_over_tcp_when_ids_are_guessed(void **state)
{
	int fd = -1;

	(void)state;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_at(0, &asked);
	other = asked;
	other.bytes[1] ^= 1;
	for (int i = 0; i < 10; i++)
		proxy_rig_answer(rig.upstreams[0], &other, 300, 66);
	take_over_tcp(0, &fd);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 66); /* even with the right one */
	assert_true(proxy_rig_is_quiet(&rig, rig.client));
	answer_over_tcp(fd, PROXY_RIG_ANSWERED);
	assert_reply(1, 0, 1);
	assert_int_equal(reply.bytes[reply.length - 1], 1);
	assert_int_equal(rig.proxy->servers[0].stats->wrong_ids, 11);
	assert_forgotten();
	close(fd);
}

static void test_resolve_asks_anew_what_a_connection_took_with_it(void **state)
{
	int fd = -1, again = -1;

	(void)state;
	proxy_rig_open(&rig, "resolve ^ using tcp://127.0.0.1:%u");
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_over_tcp(0, &fd);
	close(fd);
	take_over_tcp(0, &again);
	answer_over_tcp(again, PROXY_RIG_ANSWERED);
	assert_reply(1, 0, 1);
	assert_forgotten();
	close(again);
}

#define MANY 3000

/* More questions than it can have been told at once, all in one turn. */
static void ask_many(void)
{
	char name[32];

	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%u.with-a-longer-name.test.", i);
		proxy_rig_ask(&rig, (uint16_t)i, name, 1);
		if (i % 64 == 63)
			proxy_rig_pass(&rig, 0);
	}
	proxy_rig_pass(&rig, 0);
}

/* Threats G-8: none of them fails because all of them are asked anew at once. */
static void test_resolve_asks_very_many_anew_when_their_connection_ends(void **state)
{
	int fd = -1, again = -1;

	(void)state;
	rig.config.proxy.query_count = 2 * MANY;
	rig.config.proxy.timeout_ms = 5000;
	proxy_rig_open(&rig, "resolve ^ using tcp://127.0.0.1:%u");
	ask_many();
	take_over_tcp(0, &fd);
	close(fd);
	for (uint32_t i = 0; i < MANY; i++) {
		take_over_tcp(0, &again);
		answer_over_tcp(again, PROXY_RIG_ANSWERED);
		assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
		assert_int_equal(rcode_of(&reply), 0);
	}
	assert_int_equal(rig.proxy->servers[0].stats->retries, MANY);
	assert_int_equal(rig.proxy->servers[0].backoff_ns, 0);
	assert_forgotten();
	close(again);
}

/* One query per connection is all that some servers answer; with more tries than there are. */
static void test_resolve_goes_on_with_a_server_that_closes_after_each_answer(void **state)
{
	(void)state;
	proxy_rig_open(&rig, "resolve ^ using tcp://127.0.0.1:%u");
	for (uint16_t id = 0; id < 12; id++) {
		char name[] = {'a' + (char)id, '.', 0};

		proxy_rig_ask(&rig, id, name, 1);
	}
	for (uint16_t i = 0; i < 12; i++) {
		int fd = -1;

		take_over_tcp(0, &fd);
		answer_over_tcp(fd, PROXY_RIG_ANSWERED);
		shutdown(fd, SHUT_WR);
		assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
		assert_int_equal(rcode_of(&reply), 0);
		close(fd);
	}
	assert_forgotten();
}

/* Who takes queries and says nothing any more may do so on this connection only. */
static void test_resolve_opens_another_connection_beside_a_silent_one(void **state)
{
	int fd = -1, again = -1;

	(void)state;
	proxy_rig_open(&rig, "resolve ^ using tcp://127.0.0.1:%u");
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_over_tcp(0, &fd);
	take_over_tcp(0, &fd); /* the second try */
	take_over_tcp(0, &again);
	answer_over_tcp(again, PROXY_RIG_ANSWERED);
	assert_reply(1, 0, 1);
	proxy_rig_pass(&rig, 300); /* what was asked in silence times out */
	assert_forgotten();
	close(fd);
	close(again);
}

static void test_resolve_fails_at_once_when_all_refuse(void **state)
{
	(void)state;
	proxy_rig_open(&rig, "resolve ^ using tcp://127.0.0.1:%u");
	close(rig.tcp[0]);
	rig.tcp[0] = -1;
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	assert_true(proxy_rig_take(&rig, rig.client, 150, &reply));
	assert_int_equal(rcode_of(&reply), DNS_SERVFAIL);
	assert_forgotten();
}

/* Threats G-5: whoever sends wrong ids could else have a server left alone. */
static void test_resolve_blames_no_server_of_udp_for_a_refused_connection(void **state)
{
	(void)state;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	close(rig.tcp[0]);
	rig.tcp[0] = -1;
	for (uint16_t id = 0; id < 8; id++) {
		proxy_rig_ask(&rig, id, "a.test.", 1);
		take_at(0, &asked);
		asked.bytes[1] ^= 1;
		proxy_rig_answer(rig.upstreams[0], &asked, 300, 66);
		assert_reply(id, DNS_SERVFAIL, 0);
	}
	assert_int_equal(rig.proxy->servers[0].backoff_ns, 0);
	assert_true(rig.proxy->servers[0].stats->failures > 0);
	assert_forgotten();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resolve_asks_over_tcp_what_was_cut),
		TEST(test_resolve_asks_over_tcp_when_ids_are_guessed),
		TEST(test_resolve_asks_anew_what_a_connection_took_with_it),
		TEST(test_resolve_asks_very_many_anew_when_their_connection_ends),
		TEST(test_resolve_goes_on_with_a_server_that_closes_after_each_answer),
		TEST(test_resolve_opens_another_connection_beside_a_silent_one),
		TEST(test_resolve_fails_at_once_when_all_refuse),
		TEST(test_resolve_blames_no_server_of_udp_for_a_refused_connection),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
