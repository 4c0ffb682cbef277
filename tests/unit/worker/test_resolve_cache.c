/* SPDX-License-Identifier: BSD-3-Clause */
/* What the cache gives to questions, and gets of their answers. */
#include "tests/unit/worker/resolve_rig.h"

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
	proxy_rig_ask(&rig, 4, "a.test.", 1); /* while the same is asked in silence */
	assert_stale(4, 50);
	proxy_rig_pass(&rig, 400);
	assert_forgotten();
}

/* They are looked at before they are kept. */
static void test_resolve_keeps_nothing_over_a_change_of_what_answers_may_say(void **state)
{
	(void)state;
	open_with_cache();
	assert_false(is_cached(DNS_FLAG_RD, 300));
	proxy_rig_reopen(&rig);
	assert_true(is_cached(DNS_FLAG_RD, 300));
	rig.config.proxy.refuses_private = true;
	proxy_rig_reopen(&rig);
	assert_false(is_cached(DNS_FLAG_RD, 300));
	rig.config.proxy.trusts_ad = true;
	proxy_rig_reopen(&rig);
	assert_false(is_cached(DNS_FLAG_RD, 300));
	assert_true(is_cached(DNS_FLAG_RD, 300));
}

static void leave_alone(void)
{
	while (!rig.proxy->servers[0].backoff_ns)
		server_has_failed(&rig.proxy->servers[0], rig.proxy->now_ns);
}

/* Also under the name that was asked, in memory that a question of another name had. */
static void test_resolve_tells_what_is_stale_under_the_name_that_was_asked(void **state)
{
	(void)state;
	rig.config.proxy.stale_s = 3600;
	rig.config.proxy.cache_mib = 1;
	proxy_rig_open(&rig, "rewrite ^alias.test to a.test\nresolve ^ using 127.0.0.1:%u");
	assert_false(is_cached(DNS_FLAG_RD, 300));
	proxy_rig_ask(&rig, 1, "another.test.", 1);
	take_at(0, &asked);
	proxy_rig_answer(rig.upstreams[0], &asked, 300, 1);
	assert_reply(1, 0, 1);
	make_older(400);
	leave_alone();
	proxy_rig_ask(&rig, 2, "alias.test.", 1);
	assert_stale(2, 100);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_STALE), 1);
}

static void test_resolve_tells_nothing_stale_to_who_desires_no_recursion(void **state)
{
	struct proxy_rig_message query;

	(void)state;
	open_with_stale();
	proxy_rig_query(&query, 5, 0, "a.test.", 1, 0);
	assert_int_equal(send(rig.client, query.bytes, query.length, 0), query.length);
	assert_reply(5, DNS_SERVFAIL, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		TEST(test_resolve_keeps_nothing_over_a_change_of_what_answers_may_say),
		TEST(test_resolve_tells_what_is_stale_under_the_name_that_was_asked),
		TEST(test_resolve_tells_nothing_stale_to_who_desires_no_recursion),
		TEST(test_resolve_asks_before_the_end_of_what_is_popular),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
