/* SPDX-License-Identifier: BSD-3-Clause */
/* Small traffic against a model that counts naively, and several shards against one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "dns/name.h"
#include "stats/layout.h"
#include "stats/summary.h"

#define SHARDS_MAX 4
#define EPOCH	   3u
#define MS	   INT64_C(1000000)

static const struct hash_key hash_key = {{3, 5}};
static const char *const list = "com\nnet\nmx\nco.uk\nuk\n";

static struct fixture {
	struct stats_limits limits;
	struct suffixes *suffixes;
	struct summary *summary;
	struct shard shards[SHARDS_MAX];
	void *memories[SHARDS_MAX];
	uint32_t shard_count;
} fix;

static void start(uint32_t shard_count, bool keeps_case)
{
	static const char *const tables[] = {"hit/query",	  "hit/response",
					     "length/query",	  "noerror/response",
					     "nxdomain/response", "a/query"};

	fix = (struct fixture){
		.limits = {.names = 4096,
			   .domains = 1024,
			   .clients = 1024,
			   .tlds = 128,
			   .keeps_case = keeps_case},
		.shard_count = shard_count,
	};
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		assert_true(
			stats_table_parse(tables[i], &fix.limits.tables[fix.limits.table_count++]));
	fix.suffixes = suffixes_new((struct slice){(const uint8_t *)list, strlen(list)});
	fix.summary = summary_new(&fix.limits, &hash_key, fix.suffixes);
	for (uint32_t i = 0; i < shard_count; i++) {
		fix.memories[i] = aligned_alloc(64, shard_size(&fix.limits));
		assert_non_null(fix.memories[i]);
		memset(fix.memories[i], 0, shard_size(&fix.limits));
		shard_attach(&fix.shards[i], fix.memories[i], &fix.limits, &hash_key, EPOCH,
			     fix.suffixes);
	}
}

static void stop(void)
{
	for (uint32_t i = 0; i < fix.shard_count; i++)
		free(fix.memories[i]);
	summary_free(fix.summary);
	suffixes_free(fix.suffixes);
}

static void summarise(void)
{
	summary_clear(fix.summary);
	for (uint32_t i = 0; i < fix.shard_count; i++) {
		shard_settle(&fix.shards[i]);
		summary_add(fix.summary, fix.memories[i], EPOCH);
	}
}

static struct event event_of(const char *name, const char *client, uint8_t *wire)
{
	struct event event = {
		.kind = EVENT_CLIENT_QUERY,
		.protocol = EVENT_UDP,
		.type = 1,
		.class = 1,
		.length = 40,
		.latency_ns = EVENT_NO_LATENCY,
	};
	uint8_t length;

	if (client)
		assert_true(address_parse(client, &event.query_address));
	if (name) {
		assert_true(name_parse(name, wire, &length));
		event.qname = (struct slice){wire, length};
	}
	return event;
}

static void count_query(uint32_t shard, const char *name, const char *client, uint16_t type)
{
	uint8_t wire[DNS_NAME_MAX];
	struct event event = event_of(name, client, wire);

	event.type = type;
	shard_count(&fix.shards[shard], &event, stats_hash_name(&hash_key, event.qname));
}

static void count_response(uint32_t shard, const char *name, const char *client, uint16_t rcode,
			   int64_t latency_ns)
{
	uint8_t wire[DNS_NAME_MAX];
	struct event event = event_of(name, client, wire);

	event.kind = EVENT_CLIENT_RESPONSE;
	event.rcode = rcode;
	event.length = 100;
	event.latency_ns = latency_ns;
	shard_count(&fix.shards[shard], &event, stats_hash_name(&hash_key, event.qname));
}

static void assert_counter(const char *name, uint64_t wanted)
{
	uint64_t value = UINT64_MAX;

	if (!summary_counter(fix.summary, name, &value) || value != wanted)
		fail_msg("%s: %ld, not %lu", name, (long)value, (unsigned long)wanted);
}

/* wanted: "text count, text count" */
static void assert_table(enum summary_table table, const char *what, const char *wanted)
{
	struct summary_item items[8];
	char text[9 * SUMMARY_TEXT_MAX] = "";
	int found = summary_table(fix.summary, table, what, items, 8);

	assert_true(found >= 0);
	for (int i = 0; i < found; i++) {
		assert_int_equal(items[i].error, 0);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %lu",
			 i ? ", " : "", items[i].text, (unsigned long)items[i].count);
	}
	assert_string_equal(text, wanted);
}

static void count_small_traffic(uint32_t a, uint32_t b)
{
	count_query(a, "www.Example.com", "192.0.2.1", 1);
	count_response(b, "www.example.com", "192.0.2.1", 0, 1 * MS);
	count_query(b, "WWW.example.com", "192.0.2.2", 28);
	count_response(a, "www.example.com", "192.0.2.2", 0, 30 * MS);
	count_query(a, "none.example.co.uk", "2001:db8::1", 15);
	count_response(b, "none.example.co.uk", "2001:db8::1", 3, 2000 * MS);
	count_query(a, "example.mx", NULL, 15);
	count_query(b, ".", "192.0.2.1", 2);
	count_query(b, "host.unknown", "192.0.2.1", 65280);
	count_query(b, NULL, "192.0.2.1", 0);
}

static void check_small_traffic(void)
{
	static const struct {
		const char *name;
		uint64_t value;
	} counters[] = {
		{"query", 7},
		{"response", 3},
		{"query/udp", 7},
		{"query/tcp", 0},
		{"response/dnscryptudp", 0},
		{"query/inet", 6},
		{"query/inet6", 1},
		{"response/inet6", 1},
		{"query/bytes", 280},
		{"response/bytes", 300},
		{"query/noerror", 7},
		{"response/noerror", 2},
		{"response/nxdomain", 1},
		{"response/servfail", 0},
		{"query/a", 1},
		{"query/aaaa", 1},
		{"query/mx", 2}, /* the type */
		{"query/tld/mx", 1},
		{"query/ns", 1},
		{"query/com", 2},
		{"query/COM", 2},
		{"response/com", 2},
		{"query/uk", 1},
		{"query/net", 0},
		{"response/latency0_1", 1},
		{"response/latency1_10", 0},
		{"response/latency10_50", 1},
		{"response/latency_slow", 1},
		{"clients", 4},
		{"domains", 5},
		{"unanswered", 0},
		{"evictions/names", 0},
		{"untracked/clients", 0},
	};
	uint64_t value;

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		assert_counter(counters[i].name, counters[i].value);
	assert_false(summary_counter(fix.summary, "query/unknown", &value));
	assert_table(SUMMARY_TLDS, "hit/query", "query/com 2, query/mx 1, query/uk 1");
	assert_table(SUMMARY_TLDS, "hit/response", "response/com 2, response/uk 1");
	assert_table(SUMMARY_DOMAINS, "hit/query",
		     "www.example.com. 2, . 1, example.mx. 1, host.unknown. 1, "
		     "none.example.co.uk. 1");
	assert_table(SUMMARY_DOMAINS, "noerror/response", "www.example.com. 2");
	assert_table(SUMMARY_DOMAINS, "nxdomain/response", "none.example.co.uk. 1");
	assert_table(SUMMARY_DOMAINS, "length/query",
		     "www.example.com. 80, . 40, example.mx. 40, host.unknown. 40, "
		     "none.example.co.uk. 40");
	assert_table(SUMMARY_DOMAINS, "a/query", "www.example.com. 1");
	assert_table(SUMMARY_REGISTERED, "hit/query",
		     "example.com. 2, . 1, example.co.uk. 1, example.mx. 1, host.unknown. 1");
	assert_table(SUMMARY_REGISTERED, "hit/response", "example.com. 2, example.co.uk. 1");
	assert_table(SUMMARY_CLIENTS, "hit/ip", "192.0.2.1 5, 192.0.2.2 2, 2001:db8::1 2, - 1");
	assert_table(SUMMARY_CLIENTS, "length/ip",
		     "192.0.2.1 260, 192.0.2.2 140, 2001:db8::1 140, - 40");
	assert_table(SUMMARY_RCODES, "hit/response", "response/noerror 2, response/nxdomain 1");
	assert_table(SUMMARY_TYPES, "hit/query", "query/mx 2, query/a 1, query/aaaa 1, query/ns 1");
}

static void test_summary_of_small_traffic_is_exact(void **state)
{
	(void)state;
	start(1, false);
	count_small_traffic(0, 0);
	summarise();
	check_small_traffic();
	stop();
}

static void test_summary_of_two_shards_is_that_of_one(void **state)
{
	(void)state;
	start(2, false);
	count_small_traffic(0, 1);
	summarise();
	check_small_traffic();
	summarise();
	check_small_traffic();
	stop();
}

static void test_summary_keeps_case_when_told(void **state)
{
	(void)state;
	start(1, true);
	count_query(0, "www.Example.com", "192.0.2.1", 1);
	count_query(0, "www.example.com", "192.0.2.1", 1);
	count_query(0, "www.example.COM", "192.0.2.1", 1);
	summarise();
	assert_counter("domains", 3);
	assert_counter("query/com", 3);
	assert_table(SUMMARY_DOMAINS, "hit/query",
		     "www.Example.com. 1, www.example.COM. 1, www.example.com. 1");
	assert_table(SUMMARY_REGISTERED, "hit/query", "example.com. 3");
	assert_table(SUMMARY_TLDS, "hit/query", "query/com 3");
	stop();
}

static void test_summary_escapes_names(void **state)
{
	uint8_t wire[] = {3, 'a', '.', 0xff, 4, '"', '\n', '\\', 'A', 3, 'c', 'o', 'm', 0};
	struct event event = event_of(NULL, "192.0.2.1", NULL);

	(void)state;
	start(1, false);
	event.qname = (struct slice){wire, sizeof(wire)};
	shard_count(&fix.shards[0], &event, stats_hash_name(&hash_key, event.qname));
	summarise();
	assert_table(SUMMARY_DOMAINS, "hit/query", "a\\.\\255.\\034\\010\\\\a.com. 1");
	stop();
}

static void test_summary_of_names_of_all_lengths(void **state)
{
	uint8_t wire[DNS_NAME_MAX];
	struct summary_item items[260];
	struct event event = event_of(NULL, "192.0.2.1", NULL);

	(void)state;
	start(1, false);
	for (uint32_t length = 3; length <= DNS_NAME_MAX; length++) {
		memset(wire, 'X', sizeof(wire));
		for (uint32_t at = 0; at < length - 1; at += 1u + wire[at]) {
			uint32_t left = length - 2 - at;

			wire[at] = (uint8_t)(left <= 63 ? left : left == 64 ? 62 : 63);
		}
		wire[length - 1] = 0;
		event.qname = (struct slice){wire, length};
		shard_count(&fix.shards[0], &event, stats_hash_name(&hash_key, event.qname));
	}
	summarise();
	assert_counter("domains", DNS_NAME_MAX - 2);
	assert_int_equal(summary_table(fix.summary, SUMMARY_DOMAINS, "hit/query", items, 260),
			 DNS_NAME_MAX - 2);
	for (uint32_t i = 0; i < DNS_NAME_MAX - 2; i++)
		assert_int_equal(items[i].count, 1);
	stop();
}

static void test_summary_counts_unanswered_queries_apart(void **state)
{
	uint8_t wire[DNS_NAME_MAX];
	struct event event = event_of("example.com", "192.0.2.1", wire);

	(void)state;
	start(1, false);
	event.is_unanswered = true;
	event.latency_ns = 5000 * MS;
	shard_count(&fix.shards[0], &event, stats_hash_name(&hash_key, event.qname));
	summarise();
	assert_counter("unanswered", 1);
	assert_counter("query", 0);
	assert_counter("clients", 0);
	stop();
}

static void test_summary_says_no_to_names_that_no_counter_has(void **state)
{
	static const char *const names[] = {"",
					    "queries",
					    "query/",
					    "query/1",
					    "query/type65280",
					    "query/rcode100",
					    "query/latency0_1",
					    "response/x",
					    "qps",
					    "evictions/",
					    "evictions/x",
					    "query/tld/",
					    "query/co.uk",
					    "query/tld/a",
					    "clients/",
					    "response/tld/com/"};
	struct summary_item item;
	uint64_t value;

	(void)state;
	start(1, false);
	summarise();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (summary_counter(fix.summary, names[i], &value))
			fail_msg("\"%s\" is a counter", names[i]);
	for (int table = SUMMARY_TLDS; table <= SUMMARY_REGISTERED; table++) {
		assert_int_equal(
			summary_table(fix.summary, (enum summary_table)table, "", &item, 1),
			-ENOENT);
		assert_int_equal(
			summary_table(fix.summary, (enum summary_table)table, "x/query", &item, 1),
			-ENOENT);
	}
	assert_int_equal(summary_table(fix.summary, SUMMARY_DOMAINS, "aaaa/query", &item, 1),
			 -ENOENT);
	assert_int_equal(summary_table(fix.summary, SUMMARY_CLIENTS, "hit/query", &item, 1),
			 -ENOENT);
	stop();
}

static void test_summary_leaves_out_shards_of_others(void **state)
{
	const struct hash_key other_key = {{1, 1}};
	struct summary *other;
	uint64_t value;

	(void)state;
	start(1, false);
	count_query(0, "example.com", "192.0.2.1", 1);
	summarise();
	assert_counter("query", 1);
	summary_clear(fix.summary);
	summary_add(fix.summary, fix.memories[0], EPOCH + 1);
	assert_counter("query", 0);
	other = summary_new(&fix.limits, &other_key, fix.suffixes);
	summary_add(other, fix.memories[0], EPOCH);
	assert_true(summary_counter(other, "query", &value) && value == 0);
	summary_free(other);
	stop();
}

static void test_summary_has_the_latencies(void **state)
{
	struct summary_bucket buckets[SUMMARY_BUCKETS_MAX];
	uint64_t count, below = 0;
	uint32_t found;
	double sum;

	(void)state;
	start(2, false);
	for (uint32_t i = 0; i < 1000; i++)
		count_response(i % 2, "example.com", "192.0.2.1", 0, (i + 1) * MS / 10);
	summarise();
	found = summary_latency_buckets(fix.summary, buckets, &count, &sum);
	assert_in_range(found, 10, SUMMARY_BUCKETS_MAX);
	for (uint32_t i = 0; i < found; i++) {
		assert_true(i == 0 || buckets[i].le_seconds > buckets[i - 1].le_seconds);
		assert_true(buckets[i].count >= below);
		below = buckets[i].count;
	}
	assert_int_equal(below, 1000);
	assert_int_equal(count, 1000);
	assert_true(sum > 50.04 && sum < 50.06);
	sum = summary_latency_quantile(fix.summary, 0.5);
	assert_true(sum > 0.0475 && sum < 0.0525);
	stop();
}

static int compare(const void *left, const void *right)
{
	const struct summary_item *a = left, *b = right;

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return strcmp(a->text, b->text);
}

/* 600 names over four shards: the top of the union for every number that can be asked for. */
static void test_summary_ranks_the_union(void **state)
{
	static struct summary_item model[600], items[600];
	struct random random = {{1, 2, 3, 4}};
	char name[32];

	(void)state;
	start(SHARDS_MAX, false);
	for (uint32_t i = 0; i < 600; i++)
		snprintf(model[i].text, sizeof(model[i].text), "n%u.com.", i);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t most = 1 + (uint32_t)random_below(&random, 600);
		uint32_t number = i < 600 ? i : (uint32_t)random_below(&random, most);

		model[number].count++;
		snprintf(name, sizeof(name), "n%u.com", number);
		count_query((uint32_t)random_below(&random, SHARDS_MAX), name, "192.0.2.1", 1);
	}
	qsort(model, 600, sizeof(model[0]), compare);
	summarise();
	assert_counter("query", 20000);
	assert_counter("domains", 600);
	for (uint32_t count = 1; count <= 600; count += 1 + count / 3) {
		assert_int_equal(
			summary_table(fix.summary, SUMMARY_DOMAINS, "hit/query", items, count),
			count);
		for (uint32_t i = 0; i < count; i++) {
			assert_string_equal(items[i].text, model[i].text);
			assert_int_equal(items[i].count, model[i].count);
		}
	}
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_summary_of_small_traffic_is_exact),
		cmocka_unit_test(test_summary_of_two_shards_is_that_of_one),
		cmocka_unit_test(test_summary_keeps_case_when_told),
		cmocka_unit_test(test_summary_escapes_names),
		cmocka_unit_test(test_summary_of_names_of_all_lengths),
		cmocka_unit_test(test_summary_counts_unanswered_queries_apart),
		cmocka_unit_test(test_summary_says_no_to_names_that_no_counter_has),
		cmocka_unit_test(test_summary_leaves_out_shards_of_others),
		cmocka_unit_test(test_summary_has_the_latencies),
		cmocka_unit_test(test_summary_ranks_the_union),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
