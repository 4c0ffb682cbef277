/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker's proxy tells of itself: over reloads, and in memory where anything may stand. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/random.h"
#include "ipc/proxy_stats.h"

static struct config config;
static struct proxy_stats *stats;
static size_t size;

static int set_up(void **state)
{
	(void)state;
	config = config_default;
	size = proxy_stats_size(&config);
	stats = calloc(1, size);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(stats);
	return 0;
}

static const char *text_of(const void *argument, uint32_t number)
{
	return ((const char *const *)argument)[number];
}

static uint64_t *attach(const char *const *rules, uint32_t count)
{
	uint64_t *hits = proxy_stats_attach(stats, size, count, text_of, rules);

	assert_non_null(hits);
	return hits;
}

static uint64_t hits_of(uint32_t number, const char *text)
{
	return proxy_stats_hits(stats, size, number, text, strlen(text));
}

static void test_rules_that_stay_keep_their_hits(void **state)
{
	static const char *const before[] = {"log a", "block b", "allow c"};
	static const char *const after[] = {"allow c", "block new", "log a"};
	uint64_t *hits = attach(before, 3);

	(void)state;
	hits[0] = 10;
	hits[1] = 20;
	hits[2] = 30;
	assert_int_equal(hits_of(1, "block b"), 20);
	hits = attach(after, 3);
	assert_int_equal(hits[0], 30);
	assert_int_equal(hits[1], 0);
	assert_int_equal(hits[2], 10);
	assert_int_equal(hits_of(0, "allow c"), 30);
	assert_int_equal(hits_of(0, "log a"), 0); /* another rule stands there */
}

static void test_fewer_rules_keep_their_hits(void **state)
{
	static const char *const before[] = {"log a", "block b", "allow c", "allow d"};
	static const char *const after[] = {"allow d"};
	uint64_t *hits = attach(before, 4);

	(void)state;
	hits[3] = 7;
	assert_int_equal(attach(after, 1)[0], 7);
}

/* The memory was copied into a smaller one: counts that are not there any more are none. */
static void test_memory_that_was_cut_invents_no_hits(void **state)
{
	static const char *const rules[] = {"log a", "block b"};
	uint64_t *hits = attach(rules, 2);

	(void)state;
	hits[0] = hits[1] = 5;
	for (size_t room = 2; room < 1024; room++) {
		size_t cut = sizeof(*stats) + 2 * room * sizeof(uint64_t);
		struct proxy_stats *copy = malloc(cut);
		const uint64_t *told;

		memcpy(copy, stats, cut);
		told = proxy_stats_attach(copy, cut, 2, text_of, rules);
		assert_non_null(told);
		for (int i = 0; i < 2; i++)
			assert_int_equal(told[i], 1024u + (size_t)i < 2 * room ? 5 : 0);
		free(copy);
	}
}

static void test_memory_for_fewer_rules_is_refused(void **state)
{
	static const char *const rules[] = {"log a", "block b"};

	(void)state;
	assert_null(proxy_stats_attach(stats, sizeof(*stats) + 16, 2, text_of, rules));
	assert_null(proxy_stats_attach(stats, sizeof(*stats), 0, text_of, rules));
	assert_null(proxy_stats_attach(stats, 8, 0, text_of, rules));
	assert_int_equal(proxy_stats_hits(stats, 8, 0, "log a", 5), 0);
}

static void test_a_reload_rarely_needs_another_size(void **state)
{
	(void)state;
	strcpy(config.rules, "allow a");
	for (int i = 1; i < 1024; i++)
		strcat(config.rules, "\nallow a");
	assert_int_equal(proxy_stats_size(&config), size);
	strcat(config.rules, "\nallow a");
	assert_int_equal(proxy_stats_size(&config), size + 2 * 1024 * sizeof(uint64_t));
}

static struct upstream make_upstream(uint32_t number)
{
	struct upstream upstream = {.endpoint = {.port = 53}};
	char text[32];

	snprintf(text, sizeof(text), "192.0.%u.%u", number >> 8, number & 255);
	assert_true(address_parse(text, &upstream.endpoint.address));
	return upstream;
}

static struct proxy_upstream_stats *place_of(uint32_t number)
{
	struct upstream upstream = make_upstream(number);

	return proxy_stats_upstream(stats, &upstream);
}

static void test_servers_keep_their_counts(void **state)
{
	struct upstream tcp = make_upstream(1);

	(void)state;
	attach(NULL, 0);
	place_of(1)->queries = 5;
	place_of(1)->outstanding = 3;
	place_of(1)->is_backed_off = 1;
	place_of(2)->queries = 7;
	tcp.transport = UPSTREAM_TCP;
	assert_int_equal(proxy_stats_upstream(stats, &tcp)->queries, 0); /* is another one */
	attach(NULL, 0);
	assert_int_equal(stats->upstreams[0].is_in_use, 0);
	assert_int_equal(place_of(1)->queries, 5);
	assert_int_equal(place_of(1)->outstanding, 0); /* its process is gone */
	assert_int_equal(place_of(1)->is_backed_off, 0);
	assert_int_equal(place_of(1)->is_in_use, 1);
}

static void test_a_full_table_gives_places_of_rules_before(void **state)
{
	(void)state;
	attach(NULL, 0);
	for (uint32_t i = 0; i < PROXY_UPSTREAMS_MAX + 10; i++)
		place_of(i)->queries = i + 1;
	assert_ptr_equal(place_of(PROXY_UPSTREAMS_MAX), place_of(PROXY_UPSTREAMS_MAX + 1));
	attach(NULL, 0);
	assert_int_equal(place_of(100)->queries, 101);
	assert_int_equal(place_of(1000)->queries, 0);
	assert_int_equal(place_of(1001)->queries, 0);
	assert_ptr_not_equal(place_of(1000), place_of(1001));
	assert_int_equal(place_of(100)->queries, 101);
}

static void test_times_of_answers(void **state)
{
	(void)state;
	attach(NULL, 0);
	proxy_stats_answer(stats, 20);
	proxy_stats_answer(stats, 10);
	proxy_stats_answer(stats, 60);
	assert_int_equal(stats->traffic.responses, 3);
	assert_int_equal(stats->traffic.response_ns_sum, 90);
	assert_int_equal(stats->traffic.response_ns_least, 10);
	assert_int_equal(stats->traffic.response_ns_most, 60);
}

static void test_names_that_are_asked_for_most_stay(void **state)
{
	static const struct hash_key key = {{1, 2}};
	uint8_t often[] = {5, 'O', 'f', 't', 'e', 'n', 0};
	struct random random;
	uint64_t most = 0;

	(void)state;
	assert_int_equal(random_init(&random), 0);
	attach(NULL, 0);
	for (uint32_t i = 0; i < 200000; i++) {
		uint8_t other[] = {4, (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16), 'x', 0};

		proxy_stats_name(stats, &key, (struct slice){other, sizeof(other)},
				 random_next(&random));
		if (i % 10 == 0)
			proxy_stats_name(stats, &key, (struct slice){often, sizeof(often)},
					 random_next(&random));
	}
	for (uint32_t i = 0; i < PROXY_NAMES; i++)
		if (stats->names.names[i].length == sizeof(often) &&
		    !memcmp(stats->names.names[i].wire, often, sizeof(often)))
			most = stats->names.counts[i];
	assert_in_range(most, 19000, 20100);
}

static void test_any_memory_can_be_taken_over(void **state)
{
	static const char *const rules[] = {"log a", "block b"};
	static const uint8_t fills[] = {0, 1, 0x7f, 0x80, 0xff};
	static const struct hash_key key = {{1, 2}};
	static const uint8_t name[] = {1, 'a', 0};

	(void)state;
	for (size_t i = 0; i < sizeof(fills); i++) {
		memset(stats, fills[i], size);
		assert_int_equal(hits_of(0, "log a"), 0);
		stats->layout = PROXY_STATS_LAYOUT;
		assert_int_equal(hits_of(0, "log a"), 0);
		assert_int_equal(attach(rules, 2)[0], 0);
		place_of(1)->queries++;
		proxy_stats_answer(stats, 1);
		proxy_stats_name(stats, &key, (struct slice){name, sizeof(name)}, 0);
		assert_int_equal(hits_of(1, "block b"), 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_rules_that_stay_keep_their_hits),
		TEST(test_fewer_rules_keep_their_hits),
		TEST(test_memory_that_was_cut_invents_no_hits),
		TEST(test_memory_for_fewer_rules_is_refused),
		TEST(test_a_reload_rarely_needs_another_size),
		TEST(test_servers_keep_their_counts),
		TEST(test_a_full_table_gives_places_of_rules_before),
		TEST(test_times_of_answers),
		TEST(test_names_that_are_asked_for_most_stay),
		TEST(test_any_memory_can_be_taken_over),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
