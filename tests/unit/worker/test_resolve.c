/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole way of a question: a client, rules, the cache, upstream servers that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "tests/lib/proxy_rig.h"

#define ONE_UPSTREAM "resolve ^ using 127.0.0.1:%u"

static struct proxy_rig rig;
static struct proxy_rig_message asked, other, reply;

static int set_up(void **state)
{
	(void)state;
	proxy_rig_init(&rig);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	proxy_rig_close(&rig);
	return 0;
}

static void take_at(uint32_t upstream, struct proxy_rig_message *query)
{
	assert_true(proxy_rig_take(&rig, rig.upstreams[upstream], PROXY_RIG_WAIT_MS, query));
}

static uint16_t rcode_of(const struct proxy_rig_message *message)
{
	return be16_load(message->bytes + 2) & DNS_RCODE_MASK;
}

/* The next reply is to this id, with as many answers. */
static void assert_reply(uint16_t id, uint16_t rcode, uint16_t answers)
{
	assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
	assert_int_equal(be16_load(reply.bytes), id);
	assert_int_equal(rcode_of(&reply), rcode);
	assert_int_equal(be16_load(reply.bytes + 6), answers);
}

/* Of the first record, whose owner is a pointer. */
static uint32_t first_ttl(void)
{
	struct slice rest = {reply.bytes + DNS_HEADER_SIZE, reply.length - DNS_HEADER_SIZE};

	return be32_load(reply.bytes + DNS_HEADER_SIZE + name_wire_length(rest) + 4 + 6);
}

static void answer_with(uint32_t upstream, uint16_t rcode)
{
	proxy_rig_respond(&asked, PROXY_RIG_ANSWERED | rcode, &reply);
	proxy_rig_send(rig.upstreams[upstream], &asked, &reply);
}

static void assert_forgotten(void)
{
	assert_int_equal(pendings_count(rig.proxy->pendings), 0);
	assert_int_equal(pendings_askers(rig.proxy->pendings), 0);
	for (uint32_t i = 0; i < rig.proxy->server_count; i++)
		assert_int_equal(rig.proxy->servers[i].outstanding, 0);
	assert_true(proxy_rig_adds_up(&rig));
}

static void test_resolve_hands_on_question_and_answer(void **state)
{
	(void)state;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	proxy_rig_ask(&rig, 7, "Www.Example.", 1);
	take_at(0, &asked);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_reply(7, 0, 1);
	assert_memory_equal(reply.bytes + 12, "\3Www\7Example", 12);
	assert_int_equal(first_ttl(), 300);
	assert_forgotten();
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_RESOLVED), 1);
}

static void test_resolve_asks_what_many_ask_once(void **state)
{
	(void)state;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	for (uint16_t id = 0; id < 100; id++)
		proxy_rig_ask(&rig, id, id % 2 ? "a.test." : "A.TEST.", 1);
	take_at(0, &asked);
	assert_true(proxy_rig_is_quiet(&rig, rig.upstreams[0]));
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	for (uint16_t id = 0; id < 100; id++)
		assert_reply(id, 0, 1);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_COALESCED), 99);
	assert_forgotten();
}

static void test_resolve_keeps_apart_what_is_not_the_same(void **state)
{
	struct proxy_rig_message query;

	(void)state;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	proxy_rig_ask(&rig, 2, "a.test.", 28);
	proxy_rig_query(&query, 3, DNS_FLAG_RD | DNS_FLAG_CD, "a.test.", 1, 0);
	send(rig.client, query.bytes, query.length, 0);
	proxy_rig_query(&query, 4, 0, "a.test.", 1, 0);
	send(rig.client, query.bytes, query.length, 0);
	for (int i = 0; i < 4; i++)
		take_at(0, &asked);
	assert_true(proxy_rig_is_quiet(&rig, rig.upstreams[0]));
}

static void test_resolve_asks_all_and_takes_the_first_that_is_good(void **state)
{
	(void)state;
	proxy_rig_open(&rig, "resolve ^ using 127.0.0.1:%u, 127.0.0.1:%u");
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_at(0, &asked);
	take_at(1, &other);
	answer_with(0, DNS_SERVFAIL);
	assert_true(proxy_rig_is_quiet(&rig, rig.client));
	proxy_rig_answer(rig.upstreams[1], &other, 300, 1);
	assert_reply(1, 0, 1);
	assert_forgotten();
}

static void test_resolve_tells_an_error_that_all_give(void **state)
{
	(void)state;
	proxy_rig_open(&rig, "resolve ^ using 127.0.0.1:%u, 127.0.0.1:%u");
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_at(1, &other);
	take_at(0, &asked);
	answer_with(0, DNS_REFUSED);
	asked = other;
	answer_with(1, DNS_REFUSED);
	assert_reply(1, DNS_REFUSED, 0);
	assert_forgotten();
}

/* The second answer belongs to nobody, and is no forgery either. */
static void test_resolve_awaits_the_slower_server_in_silence(void **state)
{
	(void)state;
	proxy_rig_open(&rig, "resolve ^ using 127.0.0.1:%u, 127.0.0.1:%u");
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_at(0, &asked);
	take_at(1, &other);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_reply(1, 0, 1);
	assert_int_equal(pendings_count(rig.proxy->pendings), 1);
	proxy_rig_answer(rig.upstreams[1], &other, 300, 2);
	assert_true(proxy_rig_is_quiet(&rig, rig.client));
	assert_int_equal(rig.proxy->servers[1].stats->wrong_ids, 0);
	assert_forgotten();
}

static void test_resolve_goes_on_to_the_next_after_an_error(void **state)
{
	(void)state;
	proxy_rig_open(&rig, "resolve ^ using ordered 127.0.0.1:%u, 127.0.0.1:%u");
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_at(0, &asked);
	assert_true(proxy_rig_is_quiet(&rig, rig.upstreams[1]));
	answer_with(0, DNS_SERVFAIL);
	take_at(1, &asked);
	proxy_rig_answer(rig.upstreams[1], &asked, 300, 1);
	assert_reply(1, 0, 1);
	assert_forgotten();
}

/* The first says nothing, the second that it cannot: the third is not kept waiting by the first. */
static void test_resolve_waits_for_none_that_is_late_while_another_is_left(void **state)
{
	(void)state;
	rig.config.proxy.timeout_ms = 1000;
	proxy_rig_open(&rig, "resolve ^ using ordered 127.0.0.1:%u, 127.0.0.1:%u, 127.0.0.1:%u");
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_at(0, &other);
	take_at(1, &asked);
	answer_with(1, DNS_SERVFAIL);
	assert_true(proxy_rig_take(&rig, rig.upstreams[2], 500, &asked));
	proxy_rig_answer(rig.upstreams[0], &other, 300, 1); /* late, and welcome */
	assert_reply(1, 0, 1);
}

/* Whether it answers again is seen beside another, not by making clients wait. */
static void test_resolve_asks_another_beside_one_on_trial(void **state)
{
	(void)state;
	proxy_rig_open(&rig, "resolve ^ using ordered 127.0.0.1:%u, 127.0.0.1:%u");
	for (int i = 0; i < 3; i++)
		server_has_failed(&rig.proxy->servers[0], clock_monotonic_ns());
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_at(1, &asked);
	proxy_rig_answer(rig.upstreams[1], &asked, 300, 1);
	assert_reply(1, 0, 1);
	assert_true(proxy_rig_is_quiet(&rig, rig.upstreams[0]));
	rig.proxy->servers[0].retry_ns = 0; /* its time is over */
	proxy_rig_ask(&rig, 2, "b.test.", 1);
	take_at(1, &asked);
	proxy_rig_answer(rig.upstreams[1], &asked, 300, 1);
	assert_reply(2, 0, 1);
	take_at(0, &asked);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_true(proxy_rig_is_quiet(&rig, rig.client));
	assert_forgotten();
	assert_int_equal(rig.proxy->servers[0].backoff_ns, 0);
}

static void test_resolve_fails_when_nobody_answers(void **state)
{
	(void)state;
	rig.config.proxy.timeout_ms = 20;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	assert_reply(1, DNS_SERVFAIL, 0);
	for (int i = 0; i < 3; i++)
		take_at(0, &asked);
	assert_true(proxy_rig_is_quiet(&rig, rig.upstreams[0]));
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_FAILED), 1);
	assert_int_equal(rig.proxy->servers[0].stats->timeouts, 3);
	assert_int_equal(rig.proxy->servers[0].stats->retries, 2);
	assert_forgotten();
}

static void test_resolve_drops_what_it_has_no_room_for(void **state)
{
	char name[] = "a.test.";

	(void)state;
	rig.config.proxy.query_count = 1;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	proxy_rig_ask(&rig, 1, name, 1);
	proxy_rig_ask(&rig, 2, name, 1);
	name[0] = 'b';
	proxy_rig_ask(&rig, 3, name, 1);
	take_at(0, &asked);
	assert_true(proxy_rig_is_quiet(&rig, rig.upstreams[0]));
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_reply(1, 0, 1);
	assert_true(proxy_rig_is_quiet(&rig, rig.client));
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_DROPPED_FULL), 2);
	assert_forgotten();
}

/* --- over TCP --- */

/* The query that comes through a connection of the proxy, which is accepted unless it is there. */
static void take_over_tcp(uint32_t upstream, int *fd)
{
	uint8_t frame[2];

	if (*fd < 0) {
		assert_true(proxy_rig_wait(&rig, rig.tcp[upstream], PROXY_RIG_WAIT_MS));
		*fd = accept(rig.tcp[upstream], NULL, NULL);
	}
	assert_true(proxy_rig_wait(&rig, *fd, PROXY_RIG_WAIT_MS));
	assert_int_equal(recv(*fd, frame, 2, MSG_WAITALL), 2);
	asked.length = be16_load(frame);
	assert_int_equal(recv(*fd, asked.bytes, asked.length, MSG_WAITALL), asked.length);
}

static void answer_over_tcp(int fd, uint16_t flags)
{
	uint8_t frame[2];

	proxy_rig_respond(&asked, flags, &reply);
	proxy_rig_add(&reply, 0, 1, 300, "\300\0\2\1", 4);
	be16_store(frame, (uint16_t)reply.length);
	assert_int_equal(send(fd, frame, 2, MSG_MORE), 2);
	assert_int_equal(send(fd, reply.bytes, reply.length, 0), reply.length);
}

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

/* --- the cache --- */

/* A question, and whether it is answered without an upstream server; one that is asked gets one
 * address with this TTL. */
static bool is_cached(uint16_t flags, uint32_t ttl_s)
{
	struct proxy_rig_message query;
	int fds[] = {rig.client, rig.upstreams[0]};
	bool was_asked;

	proxy_rig_query(&query, 9, flags, "a.test.", 1, 0);
	send(fds[0], query.bytes, query.length, 0);
	was_asked = proxy_rig_take(&rig, fds[1], PROXY_RIG_QUIET_MS, &asked);
	if (was_asked)
		proxy_rig_answer(fds[1], &asked, ttl_s, 1);
	assert_reply(9, 0, 1);
	return !was_asked;
}

static void open_with_cache(void)
{
	rig.config.proxy.cache_mib = 1;
	proxy_rig_open(&rig, ONE_UPSTREAM);
}

/* For how long the answer is kept; 0: it is not. */
static uint32_t kept_s(void)
{
	const struct cache_key key = proxy_rig_key(&rig, "\1a\4test", 0);
	uint32_t now_s = (uint32_t)(rig.proxy->now_ns / NANOSECONDS_PER_SECOND);
	struct cache_hit hit;

	return cache_find(rig.proxy->cache, &key, now_s, 0, &hit) ? hit.answer.ttl_s : 0;
}

/* As if it had been kept so long ago. */
static void make_older(uint32_t seconds)
{
	const struct cache_key key = proxy_rig_key(&rig, "\1a\4test", 0);

	assert_true(proxy_rig_make_older(&rig, &key, seconds));
}

static void test_resolve_keeps_an_answer_for_its_time(void **state)
{
	(void)state;
	open_with_cache();
	assert_false(is_cached(DNS_FLAG_RD, 300));
	make_older(200);
	assert_true(is_cached(DNS_FLAG_RD, 300));
	assert_in_range(first_ttl(), 95, 100);
	make_older(300);
	assert_false(is_cached(DNS_FLAG_RD, 300));
	assert_forgotten();
}

static void test_resolve_keeps_nothing_of_no_time(void **state)
{
	(void)state;
	open_with_cache();
	assert_false(is_cached(DNS_FLAG_RD, 0));
	assert_false(is_cached(DNS_FLAG_RD, 0));
}

static void test_resolve_keeps_answers_as_long_as_is_configured(void **state)
{
	(void)state;
	rig.config.proxy.cache_ttl_least_s = 60;
	open_with_cache();
	assert_false(is_cached(DNS_FLAG_RD, 0));
	assert_true(is_cached(DNS_FLAG_RD, 0));
	assert_int_equal(first_ttl(), 0);
}

static void test_resolve_keeps_nothing_for_who_desires_no_recursion(void **state)
{
	(void)state;
	open_with_cache();
	assert_false(is_cached(0, 300));
	assert_false(is_cached(DNS_FLAG_RD, 300));
	assert_true(is_cached(DNS_FLAG_RD, 300));
	assert_false(is_cached(0, 300)); /* nor tells what others asked */
}

static void test_resolve_keeps_dnssec_apart(void **state)
{
	(void)state;
	open_with_cache();
	assert_false(is_cached(DNS_FLAG_RD, 300));
	assert_false(is_cached(DNS_FLAG_RD | DNS_FLAG_CD, 300));
}

/* Of root, "." and ".", with MINIMUM. */
static void add_soa(uint32_t ttl_s, uint32_t minimum_s)
{
	uint8_t data[22] = {0};

	be32_store(data + 18, minimum_s);
	proxy_rig_add(&reply, 1, DNS_TYPE_SOA, ttl_s, data, sizeof(data));
}

static void answer_without(uint16_t rcode, uint32_t alias_ttl_s, uint32_t soa_ttl_s)
{
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_at(0, &asked);
	proxy_rig_respond(&asked, PROXY_RIG_ANSWERED | rcode, &reply);
	if (alias_ttl_s)
		proxy_rig_add(&reply, 0, 5, alias_ttl_s, "\1b", 3);
	if (soa_ttl_s)
		add_soa(soa_ttl_s, 50);
	proxy_rig_send(rig.upstreams[0], &asked, &reply);
	assert_reply(1, rcode, alias_ttl_s ? 1 : 0);
}

static void test_resolve_keeps_what_is_not_there_as_its_soa_says(void **state)
{
	(void)state;
	open_with_cache();
	answer_without(DNS_NXDOMAIN, 0, 3600);
	assert_int_equal(kept_s(), 50);
	cache_clear(rig.proxy->cache);
	answer_without(0, 0, 40);
	assert_int_equal(kept_s(), 40);
	cache_clear(rig.proxy->cache);
	answer_without(0, 0, 0); /* RFC 2308 5: without SOA not at all */
	assert_int_equal(kept_s(), 0);
}

/* RFC 2308 2.2: the last name of the chain has no such type. */
static void test_resolve_keeps_an_alias_to_nothing_no_longer_than_that(void **state)
{
	(void)state;
	open_with_cache();
	answer_without(0, 3600, 3600);
	assert_int_equal(kept_s(), 50);
	cache_clear(rig.proxy->cache);
	answer_without(0, 30, 3600);
	assert_int_equal(kept_s(), 30);
	cache_clear(rig.proxy->cache);
	answer_without(0, 3600, 0);
	assert_int_equal(kept_s(), 3600);
}

static void test_resolve_keeps_what_is_not_there_at_most_as_configured(void **state)
{
	(void)state;
	rig.config.proxy.cache_negative_ttl_most_s = 7;
	open_with_cache();
	answer_without(DNS_NXDOMAIN, 0, 3600);
	assert_int_equal(kept_s(), 7);
}

static void open_with_stale(void)
{
	rig.config.proxy.stale_s = 3600;
	rig.config.proxy.timeout_ms = 100;
	open_with_cache();
	assert_false(is_cached(DNS_FLAG_RD, 300));
	make_older(400);
}

static void assert_stale(uint16_t id, int wait_ms)
{
	assert_true(proxy_rig_take(&rig, rig.client, wait_ms, &reply));
	assert_int_equal(be16_load(reply.bytes), id);
	assert_int_equal(rcode_of(&reply), 0);
	assert_true(first_ttl() <= 30);
}

/* Behind the first try: clients do not wait for three (RFC 8767 5). */
static void test_resolve_tells_what_is_stale_when_nobody_answers(void **state)
{
	(void)state;
	open_with_stale();
	proxy_rig_ask(&rig, 2, "a.test.", 1);
	assert_stale(2, 190);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_STALE), 1);
	proxy_rig_pass(&rig, 300);
	assert_forgotten();
}

static void test_resolve_keeps_what_comes_behind_a_stale_answer(void **state)
{
	(void)state;
	open_with_stale();
	proxy_rig_ask(&rig, 2, "a.test.", 1);
	take_at(0, &asked);
	assert_stale(2, 190);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	take_at(0, &asked); /* the second try */
	assert_true(is_cached(DNS_FLAG_RD, 300));
	proxy_rig_pass(&rig, 300);
	assert_forgotten();
}

static void test_resolve_tells_what_is_stale_at_once_while_all_are_left_alone(void **state)
{
	(void)state;
	open_with_stale();
	proxy_rig_ask(&rig, 2, "a.test.", 1);
	proxy_rig_pass(&rig, 400); /* three failures */
	assert_stale(2, 0);
	proxy_rig_ask(&rig, 3, "a.test.", 1);
	assert_stale(3, 50);
	proxy_rig_pass(&rig, 400);
	assert_forgotten();
}

static void test_resolve_asks_before_the_end_of_what_is_popular(void **state)
{
	(void)state;
	rig.config.proxy.prefetches = true;
	open_with_cache();
	assert_false(is_cached(DNS_FLAG_RD, 300));
	assert_true(is_cached(DNS_FLAG_RD, 300));
	make_older(280);
	proxy_rig_ask(&rig, 3, "a.test.", 1);
	assert_reply(3, 0, 1);
	take_at(0, &asked);
	proxy_rig_answer(rig.upstreams[0], &asked, 90, 1);
	proxy_rig_pass(&rig, PROXY_RIG_QUIET_MS);
	assert_int_equal(kept_s(), 90);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_PREFETCHES), 1);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_CACHED), 2);
	assert_true(is_cached(DNS_FLAG_RD, 90));
	assert_forgotten();
}

/* --- names --- */

/* Threats B-7: AD, when it was asked for. */
static bool is_told_authentic(const char *name)
{
	struct proxy_rig_message query;

	proxy_rig_query(&query, 9, DNS_FLAG_RD | DNS_FLAG_AD, name, 1, 1232);
	assert_int_equal(send(rig.client, query.bytes, query.length, 0), query.length);
	take_at(0, &asked);
	proxy_rig_respond(&asked, PROXY_RIG_ANSWERED | DNS_FLAG_AD, &reply);
	proxy_rig_add(&reply, 0, 1, 300, "\300\0\2\1", 4);
	proxy_rig_send(rig.upstreams[0], &asked, &reply);
	assert_reply(9, 0, 1);
	return be16_load(reply.bytes + 2) & DNS_FLAG_AD;
}

static void test_resolve_tells_authentic_what_a_trusted_server_says(void **state)
{
	(void)state;
	proxy_rig_open(&rig, "rewrite ^alias.test to real.test\nresolve ^ using 127.0.0.1:%u");
	assert_true(is_told_authentic("a.test."));
	assert_false(is_told_authentic("alias.test.")); /* a name that nobody signed */
	rig.proxy->servers[0].is_trusted = false;
	assert_false(is_told_authentic("b.test."));
}

/* Threats G-9. */
static void test_resolve_refuses_what_leads_inside_from_outside(void **state)
{
	static const struct {
		const char *data;
		uint16_t type, length;
		bool is_private;
	} answers[] = {
		{"\12\0\0\1", 1, 4, true},
		{"\300\0\2\1", 1, 4, false},
		{"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 28, 16, true},
		{"\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1", 28, 16, false},
	};

	(void)state;
	rig.config.proxy.refuses_private = true;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	for (uint16_t i = 0; i < 8; i++) {
		bool is_public = rig.proxy->servers[0].is_public = i < 4;
		bool is_refused = is_public && answers[i % 4].is_private;

		proxy_rig_ask(&rig, i, "a.test.", answers[i % 4].type);
		take_at(0, &asked);
		proxy_rig_respond(&asked, PROXY_RIG_ANSWERED, &reply);
		proxy_rig_add(&reply, 0, 16, 300, "\1x", 2);
		proxy_rig_add(&reply, 0, answers[i % 4].type, 300, answers[i % 4].data,
			      answers[i % 4].length);
		proxy_rig_send(rig.upstreams[0], &asked, &reply);
		assert_reply(i, is_refused ? DNS_REFUSED : 0, is_refused ? 0 : 2);
	}
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_PRIVATE), 2);
	assert_forgotten();
}

static void test_resolve_answers_under_the_name_that_was_asked(void **state)
{
	(void)state;
	rig.config.proxy.cache_mib = 1;
	proxy_rig_open(&rig, "rewrite ^(.*)\\.old\\. to $1.new\n" ONE_UPSTREAM);
	for (int i = 0; i < 2; i++) { /* from the server, from the cache */
		proxy_rig_ask(&rig, 1, "a.OLD.", 1);
		if (!i) {
			take_at(0, &asked);
			assert_memory_equal(asked.bytes + 12, "\1a\3new", 7);
			proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
		}
		assert_reply(1, 0, 1);
		assert_memory_equal(reply.bytes + 12, "\1a\3OLD\0\0\1\0\1\300\14", 13);
	}
	assert_forgotten();
}

static void test_resolve_waits_together_under_different_names(void **state)
{
	(void)state;
	proxy_rig_open(&rig, "rewrite ^(.*)\\.old\\. to $1.new\n" ONE_UPSTREAM);
	proxy_rig_ask(&rig, 1, "a.old.", 1);
	proxy_rig_ask(&rig, 2, "a.new.", 1);
	take_at(0, &asked);
	assert_true(proxy_rig_is_quiet(&rig, rig.upstreams[0]));
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_reply(1, 0, 1);
	assert_memory_equal(reply.bytes + 12, "\1a\3old", 7);
	assert_reply(2, 0, 1);
	assert_memory_equal(reply.bytes + 12, "\1a\3new", 7);
}

static void test_resolve_counts_who_waited_when_its_worker_was_killed(void **state)
{
	(void)state;
	proxy_rig_open(&rig, ONE_UPSTREAM);
	for (uint16_t id = 0; id < 5; id++)
		proxy_rig_ask(&rig, id, "a.test.", 1);
	take_at(0, &asked);
	assert_true(proxy_rig_adds_up(&rig));
	proxy_rig_reopen(&rig);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_LOST), 5);
	assert_true(proxy_rig_adds_up(&rig));
}

static void test_resolve_has_a_place_for_every_counter_of_the_proxy(void **state)
{
	int found = 0;

	(void)state;
	for (int counter = 0; counter < COUNTER_END; counter++) {
		const char *name = counter_name((enum counter)counter);

		if (!name || strncmp(name, "proxy_", 6))
			continue;
		assert_in_range(counter, PROXY_COUNTERS_FIRST,
				PROXY_COUNTERS_FIRST + PROXY_COUNTERS - 1);
		found++;
	}
	assert_in_range(found, 2, PROXY_COUNTERS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resolve_hands_on_question_and_answer),
		TEST(test_resolve_asks_what_many_ask_once),
		TEST(test_resolve_keeps_apart_what_is_not_the_same),
		TEST(test_resolve_asks_all_and_takes_the_first_that_is_good),
		TEST(test_resolve_tells_an_error_that_all_give),
		TEST(test_resolve_awaits_the_slower_server_in_silence),
		TEST(test_resolve_goes_on_to_the_next_after_an_error),
		TEST(test_resolve_waits_for_none_that_is_late_while_another_is_left),
		TEST(test_resolve_asks_another_beside_one_on_trial),
		TEST(test_resolve_fails_when_nobody_answers),
		TEST(test_resolve_drops_what_it_has_no_room_for),
		TEST(test_resolve_asks_over_tcp_what_was_cut),
		TEST(test_resolve_asks_over_tcp_when_ids_are_guessed),
		TEST(test_resolve_asks_anew_what_a_connection_took_with_it),
		TEST(test_resolve_asks_very_many_anew_when_their_connection_ends),
		TEST(test_resolve_goes_on_with_a_server_that_closes_after_each_answer),
		TEST(test_resolve_opens_another_connection_beside_a_silent_one),
		TEST(test_resolve_fails_at_once_when_all_refuse),
		TEST(test_resolve_blames_no_server_of_udp_for_a_refused_connection),
		TEST(test_resolve_keeps_an_answer_for_its_time),
		TEST(test_resolve_keeps_nothing_of_no_time),
		TEST(test_resolve_keeps_answers_as_long_as_is_configured),
		TEST(test_resolve_keeps_nothing_for_who_desires_no_recursion),
		TEST(test_resolve_keeps_dnssec_apart),
		TEST(test_resolve_keeps_what_is_not_there_as_its_soa_says),
		TEST(test_resolve_keeps_an_alias_to_nothing_no_longer_than_that),
		TEST(test_resolve_keeps_what_is_not_there_at_most_as_configured),
		TEST(test_resolve_tells_what_is_stale_when_nobody_answers),
		TEST(test_resolve_keeps_what_comes_behind_a_stale_answer),
		TEST(test_resolve_tells_what_is_stale_at_once_while_all_are_left_alone),
		TEST(test_resolve_asks_before_the_end_of_what_is_popular),
		TEST(test_resolve_tells_authentic_what_a_trusted_server_says),
		TEST(test_resolve_refuses_what_leads_inside_from_outside),
		TEST(test_resolve_answers_under_the_name_that_was_asked),
		TEST(test_resolve_waits_together_under_different_names),
		cmocka_unit_test(test_resolve_has_a_place_for_every_counter_of_the_proxy),
		TEST(test_resolve_counts_who_waited_when_its_worker_was_killed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
