/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions, tries and answers. */
#include "tests/unit/worker/resolve_rig.h"

static struct proxy_rig_message other;

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

/* Threats G-8: nor for one that is known to be down because the other lost a query. */
static void test_resolve_asks_a_healthy_server_again_beside_one_that_is_down(void **state)
{
	(void)state;
	proxy_rig_open(&rig, "resolve ^ using ordered 127.0.0.1:%u, 127.0.0.1:%u");
	for (int i = 0; i < 3; i++)
		server_has_failed(&rig.proxy->servers[0], clock_monotonic_ns());
	proxy_rig_ask(&rig, 1, "a.test.", 1);
	take_at(1, &asked); /* is lost */
	take_at(1, &asked);
	assert_int_equal(rig.proxy->servers[0].is_on_trial, false);
	proxy_rig_answer(rig.upstreams[1], &asked, 300, 1);
	assert_reply(1, 0, 1);
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
		TEST(test_resolve_asks_a_healthy_server_again_beside_one_that_is_down),
		TEST(test_resolve_fails_when_nobody_answers),
		TEST(test_resolve_drops_what_it_has_no_room_for),
		TEST(test_resolve_tells_authentic_what_a_trusted_server_says),
		TEST(test_resolve_refuses_what_leads_inside_from_outside),
		TEST(test_resolve_answers_under_the_name_that_was_asked),
		TEST(test_resolve_waits_together_under_different_names),
		TEST(test_resolve_counts_who_waited_when_its_worker_was_killed),
		cmocka_unit_test(test_resolve_has_a_place_for_every_counter_of_the_proxy),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
