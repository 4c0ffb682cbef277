/* SPDX-License-Identifier: BSD-3-Clause */
/* What proxies tell, summed up and shown: ipc/proxy_summary.h, proxy_figures.h and proxy_json.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "ipc/proxy_figures.h"
#include "ipc/proxy_json.h"
#include "ipc/proxy_summary.h"

#define WORKERS 2

static const char *const rules[] = {
	"log ^a",
	"shadow block b",
	"block c if type is MX",
	"resolve d using 192.0.2.1, tcp://[2001:db8::1]",
	"block e",
	"resolve ^(.*) using ordered 192.0.2.2, 192.0.2.1:53",
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

static struct config config;
static struct proxy_summary summary;
static struct proxy_stats *workers[WORKERS];
static uint64_t *hits[WORKERS];
static size_t size;
static char text[1 << 20];

static const char *text_of(const void *argument, uint32_t number)
{
	(void)argument;
	return rules[number];
}

static int set_up(void **state)
{
	(void)state;
	config = config_default;
	for (int i = 0; i < RULES; i++)
		sprintf(config.rules + strlen(config.rules), "%s\n%s", i ? "" : "\n", rules[i]);
	size = proxy_stats_size(&config);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = calloc(1, size);
		hits[i] = proxy_stats_attach(workers[i], size, RULES, text_of, NULL);
		assert_non_null(hits[i]);
	}
	proxy_summary_init(&summary, &config);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	proxy_summary_fini(&summary);
	for (int i = 0; i < WORKERS; i++)
		free(workers[i]);
	return 0;
}

static void sum_up(void)
{
	proxy_summary_clear(&summary);
	for (int i = 0; i < WORKERS; i++) {
		proxy_summary_add(&summary, workers[i], size, true);
		proxy_summary_add_names(&summary, workers[i], size);
	}
	proxy_summary_sort_names(&summary);
}

static struct proxy_upstream_stats *upstream_of(int worker, const char *written)
{
	struct upstream_group group;
	char error[UPSTREAM_ERROR_MAX];

	assert_true(upstream_parse(written, &group, error));
	return proxy_stats_upstream(workers[worker], &group.servers[0]);
}

static void ask_for(int worker, const char *name, int times)
{
	static const struct hash_key key = {{1, 2}};
	uint8_t wire[DNS_NAME_MAX], length;

	assert_true(name_parse(name, wire, &length));
	while (times--)
		proxy_stats_name(workers[worker], &key, (struct slice){wire, length}, 0);
}

static void test_rules_and_servers_are_those_of_the_configuration(void **state)
{
	(void)state;
	assert_int_equal(summary.rule_count, RULES);
	for (uint32_t i = 0; i < RULES; i++) {
		assert_int_equal(summary.rules[i].length, strlen(rules[i]));
		assert_memory_equal(summary.rules[i].text, rules[i], strlen(rules[i]));
		assert_int_equal(summary.rules[i].is_shadow, i == 1);
	}
	assert_string_equal(summary.rules[2].class_name,
			    "<class 'sentry.rules.ConditionalBlockRule'>");
	assert_int_equal(summary.upstream_count, 3);
	assert_string_equal(summary.upstreams[0].text, "192.0.2.1:53");
	assert_string_equal(summary.upstreams[1].text, "tcp://[2001:db8::1]:53");
	assert_string_equal(summary.upstreams[2].text, "192.0.2.2:53");
}

static void test_what_workers_tell_is_added(void **state)
{
	(void)state;
	hits[0][3] = 4;
	hits[1][3] = 5;
	upstream_of(0, "192.0.2.1")->queries = 10;
	upstream_of(1, "192.0.2.1")->queries = 20;
	upstream_of(0, "192.0.2.1")->is_backed_off = 1;
	upstream_of(1, "192.0.2.2")->timeouts = 3;
	upstream_of(1, "192.0.2.99")->queries = 1; /* which no rule has */
	proxy_stats_answer(workers[0], 20);
	proxy_stats_answer(workers[1], 10);
	proxy_stats_answer(workers[1], 30);
	workers[1]->traffic.connections = 2;
	sum_up();
	assert_int_equal(summary.rules[3].hits, 9);
	assert_int_equal(summary.upstreams[0].stats.queries, 30);
	assert_int_equal(summary.upstreams[0].stats.is_backed_off, 1);
	assert_int_equal(summary.upstreams[2].stats.timeouts, 3);
	assert_int_equal(summary.upstream_count, 3);
	assert_int_equal(summary.traffic.responses, 3);
	assert_int_equal(summary.traffic.response_ns_least, 10);
	assert_int_equal(summary.traffic.response_ns_most, 30);
	assert_int_equal(summary.traffic.connections, 2);
	sum_up();
	assert_int_equal(summary.rules[3].hits, 9);
	assert_int_equal(summary.upstreams[0].stats.queries, 30);
}

static void test_what_a_worker_said_of_the_moment_ends_with_it(void **state)
{
	(void)state;
	workers[0]->traffic.connections = 2;
	workers[0]->traffic.packets_sent = 3;
	upstream_of(0, "192.0.2.1")->outstanding = 4;
	upstream_of(0, "192.0.2.1")->is_backed_off = 1;
	upstream_of(0, "192.0.2.1")->queries = 5;
	proxy_summary_add(&summary, workers[0], size, false);
	assert_int_equal(summary.traffic.connections, 0);
	assert_int_equal(summary.traffic.packets_sent, 3);
	assert_int_equal(summary.upstreams[0].stats.outstanding, 0);
	assert_int_equal(summary.upstreams[0].stats.is_backed_off, 0);
	assert_int_equal(summary.upstreams[0].stats.queries, 5);
}

static void test_names_of_all_workers_are_sorted(void **state)
{
	static const char *const expected[] = {"b.test", "a.test", "B.test", ""};
	static const uint64_t counts[] = {7, 4, 3, 1};
	char name[DNS_NAME_TEXT_MAX];

	(void)state;
	ask_for(0, "a.test", 4);
	ask_for(0, "b.test", 2);
	ask_for(1, "b.test", 5);
	ask_for(1, "B.test", 3); /* as it was written */
	ask_for(1, ".", 1);
	sum_up();
	assert_int_equal(summary.name_count, 4);
	for (uint32_t i = 0; i < 4; i++) {
		name_format(summary.names[i].name.wire, name);
		assert_string_equal(name, expected[i]);
		assert_int_equal(summary.names[i].count, counts[i]);
	}
}

static void test_names_that_are_none_are_left_out(void **state)
{
	(void)state;
	ask_for(0, "a.test", 1);
	ask_for(1, "b.test", 1);
	for (uint32_t i = 0; i < PROXY_NAMES; i++)
		if (workers[1]->names.counts[i])
			workers[1]->names.names[i].wire[0] = 64;
	sum_up();
	assert_int_equal(summary.name_count, 1);
}

static void test_memory_of_another_layout_tells_nothing(void **state)
{
	(void)state;
	hits[0][0] = 4;
	ask_for(0, "a.test", 1);
	workers[0]->layout++;
	sum_up();
	assert_int_equal(summary.rules[0].hits, 0);
	assert_int_equal(summary.name_count, 0);
	proxy_summary_add(&summary, workers[1], sizeof(struct proxy_stats) - 1, true);
	proxy_summary_add_names(&summary, workers[1], 8);
}

static void show(const struct ledger *ledger)
{
	struct proxy_figure figures[PROXY_FIGURES_MAX];
	uint32_t count = proxy_figures_make(&summary, ledger, 1500000000, figures);
	struct json json;

	json_init(&json, text, sizeof(text));
	json_open_object(&json, NULL);
	proxy_json_add_figures(&json, "metrics", figures, count);
	proxy_json_add_rules(&json, &summary, ledger, false);
	proxy_json_add_upstreams(&json, "upstreams", &summary);
	proxy_json_add_cache(&json, "cache", &summary);
	proxy_json_add_names(&json, "names", &summary, 2);
	json_close_object(&json);
	assert_true(json_finish(&json));
	assert_null(strpbrk(text, "<>&\n"));
}

static void test_any_octets_can_be_summed_up(void **state)
{
	static const struct ledger ledger;
	struct random random;

	(void)state;
	assert_int_equal(random_init(&random), 0);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < WORKERS; i++) {
			for (size_t at = 0; at < size / sizeof(uint64_t); at++)
				((uint64_t *)(void *)workers[i])[at] =
					round ? random_next(&random) : UINT64_MAX;
			workers[i]->layout = PROXY_STATS_LAYOUT;
			if (round & 1)
				workers[i]->rule_room = 1024;
			for (int k = 0; k < 3; k++)
				workers[i]->upstreams[k].identity =
					summary.upstreams[k].stats.identity;
		}
		sum_up();
		show(&ledger);
	}
}

static void test_a_cache_is_added_when_it_is_one(void **state)
{
	static struct {
		struct cache_head head;
		uint8_t rest[1 << 20];
	} memory;

	(void)state;
	proxy_summary_add_cache(&summary, &memory, sizeof(memory));
	assert_int_equal(summary.cache_bytes, sizeof(memory));
	assert_int_equal(summary.cache.hits, 0);
	memory.head = (struct cache_head){.layout = CACHE_HEAD_LAYOUT,
					  .size = sizeof(memory),
					  .young = 500,
					  .old = 100,
					  .counts = {.hits = 3, .entries = 2}};
	proxy_summary_add_cache(&summary, &memory, sizeof(memory));
	proxy_summary_add_cache(&summary, &memory, sizeof(memory));
	assert_int_equal(summary.cache_bytes, 3 * sizeof(memory));
	assert_int_equal(summary.cache.hits, 6);
	assert_int_equal(summary.cache.bytes, 800);
	proxy_summary_clear(&summary);
	assert_int_equal(summary.cache_bytes, 0);
	memset(&memory, 0xff, sizeof(memory));
	proxy_summary_add_cache(&summary, &memory, sizeof(memory));
	assert_int_equal(summary.cache.hits, 0);
}

/* spec/sentry.md 6: sorted by name, classes last, only what was touched. */
static void test_figures_are_those_of_sentry(void **state)
{
	static const char *const names[] = {"net.active_threads_avg",
					    "net.active_threads_max",
					    "net.active_threads_min",
					    "net.bytes_received",
					    "net.bytes_sent",
					    "net.packets_received",
					    "net.packets_sent",
					    "requests_failed",
					    "requests_pending",
					    "requests_total",
					    "response_time_msec_avg",
					    "response_time_msec_max",
					    "response_time_msec_min",
					    "uptime",
					    "<class 'sentry.rules.BlockRule'>",
					    "<class 'sentry.rules.ConditionalBlockRule'>",
					    "<class 'sentry.rules.ResolveRule'>"};
	static const char *const values[] = {
		"1.5", "3", "0",     "300",   "458",	      "5",  "4", "1", "2",
		"7",   "3", "4.138", "1.862", "23.628207922", "11", "6", "15"};
	struct ledger ledger = {.words = {[STATE_PROXY_WAITING] = 2}};
	struct proxy_figure figures[PROXY_FIGURES_MAX];
	char value[PROXY_FIGURES_TEXT_MAX];
	uint32_t count;

	(void)state;
	ledger.words[STATE_COUNTERS + COUNTER_PROXY_QUERIES] = 7;
	ledger.words[STATE_COUNTERS + COUNTER_PROXY_REFUSED] = 1;
	workers[0]->traffic = (struct proxy_traffic_stats){.packets_received = 5,
							   .bytes_received = 300,
							   .packets_sent = 4,
							   .bytes_sent = 458,
							   .samples = 2,
							   .active_sum = 3,
							   .active_most = 3};
	proxy_stats_answer(workers[0], 4138000);
	proxy_stats_answer(workers[1], 1862000);
	hits[0][1] = 4; /* a shadow is of its class, too */
	hits[0][2] = 6;
	hits[0][4] = 7;
	hits[1][3] = 5;
	hits[1][5] = 10;
	sum_up();
	count = proxy_figures_make(&summary, &ledger, 23628207922, figures);
	assert_int_equal(count, sizeof(names) / sizeof(names[0]));
	for (uint32_t i = 0; i < count; i++) {
		assert_string_equal(figures[i].name, names[i]);
		assert_string_equal(proxy_figures_format(&figures[i], value), values[i]);
	}
}

static void test_untouched_figures_are_not_there(void **state)
{
	static const struct ledger ledger;
	struct proxy_figure figures[PROXY_FIGURES_MAX];

	(void)state;
	workers[0]->traffic.samples = 5; /* of turns without queries */
	sum_up();
	assert_int_equal(proxy_figures_make(&summary, &ledger, 0, figures), 1);
	assert_string_equal(figures[0].name, "uptime");
}

static void test_json_has_rules_servers_and_names(void **state)
{
	struct ledger ledger = {.words = {0}};

	(void)state;
	ledger.words[STATE_COUNTERS + COUNTER_PROXY_QUERIES] = 7;
	ledger.words[STATE_COUNTERS + COUNTER_PROXY_REFUSED] = 3;
	hits[1][1] = 2;
	upstream_of(0, "192.0.2.1")->answers = 4;
	upstream_of(0, "192.0.2.1")->latency_ns_sum = 10 * NANOSECONDS_PER_MILLISECOND;
	for (int i = 1; i < 4; i++)
		ask_for(0, i == 1 ? "a" : i == 2 ? "b" : "c", i);
	sum_up();
	show(&ledger);
	assert_non_null(strstr(text, "\"is_dry_run\":false,\"queries\":7,\"undecided\":3,"
				     "\"rules\":[{\"number\":1,\"hits\":0,\"is_shadow\":false,"
				     "\"rule\":\"log ^a\"},{\"number\":2,\"hits\":2,\"is_shadow\":"
				     "true,\"rule\":\"shadow block b\"}"));
	assert_non_null(
		strstr(text, "{\"upstream\":\"192.0.2.1:53\",\"queries\":0,\"answers\":4,"));
	assert_non_null(strstr(text, "\"latency_milliseconds\":2.5,"));
	assert_non_null(strstr(text, "\"latency_milliseconds\":null,"));
	assert_non_null(strstr(text, "\"cache\":null"));
	assert_non_null(strstr(text, "\"names\":[[\"c.\",3],[\"b.\",2]]}"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_rules_and_servers_are_those_of_the_configuration),
		TEST(test_what_workers_tell_is_added),
		TEST(test_what_a_worker_said_of_the_moment_ends_with_it),
		TEST(test_names_of_all_workers_are_sorted),
		TEST(test_names_that_are_none_are_left_out),
		TEST(test_memory_of_another_layout_tells_nothing),
		TEST(test_any_octets_can_be_summed_up),
		TEST(test_a_cache_is_added_when_it_is_one),
		TEST(test_figures_are_those_of_sentry),
		TEST(test_untouched_figures_are_not_there),
		TEST(test_json_has_rules_servers_and_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
