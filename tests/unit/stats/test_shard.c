/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "dns/name.h"
#include "stats/layout.h"
#include "stats/summary.h"

#define GUARD 4096u
#define EPOCH 7u

static const struct hash_key hash_key = {{3, 5}};

static struct fixture {
	struct stats_limits limits;
	struct suffixes *suffixes;
	struct summary *summary;
	struct shard shard;
	uint8_t *memory; /* with a guard on either side */
	size_t size;
	struct random random;
	int64_t now_ns, step_ns; /* of events */
} fix;

static void add_table(const char *text)
{
	assert_true(stats_table_parse(text, &fix.limits.tables[fix.limits.table_count++]));
}

static void start(uint32_t names, uint32_t others)
{
	const char *list = "com\nnet\nco.uk\nuk\n";

	fix.step_ns = 0;
	fix.limits = (struct stats_limits){
		.names = names, .domains = others, .clients = others, .tlds = 64};
	add_table("hit/query");
	add_table("hit/response");
	add_table("length/response");
	add_table("nxdomain/response");
	add_table("aaaa/query");
	fix.suffixes = suffixes_new((struct slice){(const uint8_t *)list, strlen(list)});
	fix.summary = summary_new(&fix.limits, &hash_key, fix.suffixes);
	fix.size = shard_size(&fix.limits) + 2 * (size_t)GUARD;
	fix.memory =
		mmap(NULL, fix.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(fix.memory != MAP_FAILED);
	memset(fix.memory, 0xa5, fix.size);
	for (size_t i = 0; i < 4; i++)
		fix.random.state[i] = i + 1;
}

static void attach(uint64_t epoch)
{
	shard_attach(&fix.shard, fix.memory + GUARD, &fix.limits, &hash_key, epoch, fix.suffixes);
}

static void stop(void)
{
	for (size_t i = 0; i < GUARD; i++)
		assert_true(fix.memory[i] == 0xa5 && fix.memory[fix.size - 1 - i] == 0xa5);
	munmap(fix.memory, fix.size);
	summary_free(fix.summary);
	suffixes_free(fix.suffixes);
}

static struct event make_event(const char *name, uint32_t client, uint8_t *wire)
{
	uint8_t length;
	struct event event = {
		.time_ns = fix.now_ns += fix.step_ns,
		.kind = EVENT_CLIENT_QUERY,
		.protocol = EVENT_UDP,
		.type = 1,
		.length = 40,
		.latency_ns = EVENT_NO_LATENCY,
		.query_address = {.version = 4},
	};

	assert_true(name_parse(name, wire, &length));
	event.qname = (struct slice){wire, length};
	memcpy(event.query_address.bytes, &client, sizeof(client));
	return event;
}

static void count(const char *name, uint32_t client)
{
	uint8_t wire[DNS_NAME_MAX];
	struct event event = make_event(name, client, wire);

	shard_count(&fix.shard, &event, stats_hash_name(&hash_key, event.qname));
}

static uint64_t counter(const char *name)
{
	uint64_t value;

	summary_clear(fix.summary);
	summary_add(fix.summary, fix.memory + GUARD, EPOCH);
	assert_true(summary_counter(fix.summary, name, &value));
	return value;
}

static void test_table_names_are_read(void **state)
{
	static const struct {
		const char *text;
		struct stats_table table;
	} good[] = {
		{"hit/query", {STATS_HIT, true, 0}},
		{"hit/response", {STATS_HIT, false, 0}},
		{"length/response", {STATS_LENGTH, false, 0}},
		{"noerror/query", {STATS_RCODE, true, 0}},
		{"NXDOMAIN/Response", {STATS_RCODE, false, 3}},
		{"a/query", {STATS_TYPE, true, 1}},
		{"dlv/query", {STATS_TYPE, true, 32769}},
	};
	static const char *const bad[] = {"",
					  "/",
					  "hit",
					  "hit/",
					  "hit/ip",
					  "/query",
					  "1/query",
					  "com/query",
					  "a/b/query",
					  "a/query ",
					  "type4242/query",
					  "type65280/query",
					  "averyveryverylongone/query"};
	struct stats_table table;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(stats_table_parse(good[i].text, &table));
		assert_int_equal(table.what, good[i].table.what);
		assert_int_equal(table.is_query, good[i].table.is_query);
		assert_int_equal(table.code, good[i].table.code);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(stats_table_parse(bad[i], &table));
}

static void test_shard_goes_on_with_what_its_predecessor_left(void **state)
{
	(void)state;
	start(1024, 1024);
	attach(EPOCH);
	for (uint32_t i = 0; i < 5; i++)
		count("a.example.com", i);
	attach(EPOCH);
	assert_int_equal(counter("query"), 5);
	assert_int_equal(counter("query/com"), 0); /* still put off */
	for (uint32_t i = 0; i < 8; i++)
		count("b.example.com", i);
	shard_settle(&fix.shard);
	shard_settle(&fix.shard);
	assert_int_equal(counter("query"), 13);
	assert_int_equal(counter("query/com"), 13);
	assert_int_equal(counter("clients"), 8);
	assert_int_equal(counter("domains"), 2);
	stop();
}

static void test_shard_begins_clean_when_it_is_not_its_own(void **state)
{
	const struct hash_key other_key = {{3, 6}};
	struct stats_limits other;

	(void)state;
	start(1024, 1024);
	other = fix.limits;
	other.tables[4].code = 1;
	for (int i = 0; i < 3; i++) {
		attach(EPOCH);
		count("a.example.com", 1);
		shard_settle(&fix.shard);
		assert_int_equal(counter("query"), 1);
		if (i == 0)
			shard_set_epoch(&fix.shard, EPOCH + 1);
		else
			shard_attach(&fix.shard, fix.memory + GUARD, i == 1 ? &other : &fix.limits,
				     i == 2 ? &other_key : &hash_key, EPOCH, fix.suffixes);
		assert_int_equal(counter("query"), 0); /* it is not added */
		assert_int_equal(fix.shard.memory->counts.directions[DIRECTION_QUERY].messages, 0);
		assert_int_equal(fix.shard.memory->batch.queued, 0);
	}
	shard_set_epoch(&fix.shard, EPOCH);
	count("a.example.com", 1);
	assert_int_equal(fix.shard.memory->counts.directions[DIRECTION_QUERY].messages, 1);
	stop();
}

static void test_shard_repairs_a_batch_that_makes_no_sense(void **state)
{
	struct batch *batch;

	(void)state;
	start(1024, 1024);
	for (int kind = 0; kind < 7; kind++) {
		attach(EPOCH + 1);
		attach(EPOCH);
		count("a.example.com", 1);
		batch = &fix.shard.memory->batch;
		if (kind == 0)
			batch->queued = LAYOUT_BATCH + 1;
		else if (kind == 1)
			batch->settled = 2;
		else if (kind == 2)
			batch->digests[0].name[0] = 200;
		else if (kind == 3)
			batch->digests[0].name_length++;
		else if (kind == 4)
			batch->digests[0].direction = DIRECTIONS;
		else if (kind == 5)
			batch->digests[0].lists = 1 << fix.limits.table_count;
		attach(EPOCH);
		shard_settle(&fix.shard);
		assert_int_equal(counter("query/com"), kind == 6);
	}
	stop();
}

/* The i-th event of a sequence that any process can make. */
static void count_sequence(uint64_t i, uint32_t names)
{
	uint64_t mixed = (i * 0x9e3779b97f4a7c15) >> 20;
	char name[64];

	snprintf(name, sizeof(name), "Host%u.domain%u.%s", (unsigned)(mixed % names),
		 (unsigned)(mixed % names % 50), mixed % 2 ? "com" : "co.uk");
	count(name, (uint32_t)(mixed % 77));
}

struct progress {
	volatile uint64_t begun, done;
};

static void write_until_killed(struct progress *progress, uint32_t names)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
	attach(EPOCH);
	for (uint64_t i = progress->begun;; i++) {
		progress->begun = i + 1;
		count_sequence(i, names);
		progress->done = i + 1;
	}
}

static void kill_writers(struct progress *progress, uint32_t names, int kills)
{
	for (int k = 0; k < kills; k++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (!child)
			write_until_killed(progress, names);
		usleep((useconds_t)random_below(&fix.random, 3000));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
}

static void assert_within(uint64_t value, uint64_t wanted, uint64_t more_or_less)
{
	if (value + more_or_less < wanted || value > wanted + more_or_less)
		fail_msg("%lu is not %lu +- %lu", (unsigned long)value, (unsigned long)wanted,
			 (unsigned long)more_or_less);
}

static struct progress *make_progress(void)
{
	struct progress *progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(progress != MAP_FAILED);
	return progress;
}

static void test_shard_is_wrong_by_one_for_each_kill(void **state)
{
	const int kills = 200;
	const uint32_t names = 300;
	struct progress *progress = make_progress();
	struct summary_item items[300];
	uint64_t sum = 0, hits;

	(void)state;
	start(4096, 4096);
	attach(EPOCH);
	kill_writers(progress, names, kills);
	attach(EPOCH);
	shard_settle(&fix.shard);
	hits = progress->begun;
	assert_true(hits > 1000);
	assert_within(counter("query"), hits, kills);
	assert_within(counter("query/com") + counter("query/uk"), hits, kills);
	assert_within(counter("query/bytes"), hits * 40, 40 * kills);
	assert_int_equal(counter("clients"), 77);
	assert_int_equal(counter("evictions/names"), 0);
	assert_int_equal(summary_table(fix.summary, SUMMARY_DOMAINS, "hit/query", items, names),
			 names);
	for (uint32_t i = 0; i < names; i++)
		sum += items[i].count;
	assert_within(sum, hits, kills);
	munmap(progress, sizeof(*progress));
	stop();
}

static void check_table(const struct table *table)
{
	for (uint32_t slot = 0; slot < table->entry_count; slot++) {
		uint64_t key = table_entry(table, slot)->key;
		const struct table_set *set = &table->sets[slot / TABLE_WAYS];

		assert_int_equal(set->tags[slot % TABLE_WAYS], key ? table_tag(key) : 0);
		assert_true(!key == !set->counts[slot % TABLE_WAYS]);
		assert_true(!key || table_find(table, key) == slot);
	}
}

static void test_shard_stays_whole_when_it_is_killed_while_it_evicts(void **state)
{
	struct progress *progress = make_progress();

	(void)state;
	start(64, 16);
	attach(EPOCH);
	kill_writers(progress, 100000, 200);
	attach(EPOCH);
	check_table(&fix.shard.names);
	check_table(&fix.shard.domains);
	check_table(&fix.shard.clients);
	check_table(&fix.shard.tlds);
	assert_true(counter("evictions/names") > 100);
	munmap(progress, sizeof(*progress));
	stop();
}

static void check_items(enum summary_table table, const char *what)
{
	struct summary_item items[20];
	int found = summary_table(fix.summary, table, what, items, 20), end = 0;

	assert_true(found > 0);
	for (int i = 0; i < found; i++) {
		const char *at = strstr(items[i].text, "domain");
		unsigned host, domain;

		assert_non_null(at);
		assert_int_equal(sscanf(at, "domain%u.%n", &domain, &end), 1);
		assert_true(!strcmp(at + end, "com.") || !strcmp(at + end, "co.uk."));
		if (table == SUMMARY_REGISTERED) {
			assert_ptr_equal(at, items[i].text);
			continue;
		}
		assert_int_equal(sscanf(items[i].text, "host%u.domain", &host), 1);
		assert_int_equal(host % 50, domain);
	}
}

/* Entries are replaced all the time, and yet no name is shown that nobody asked for. */
static void test_shard_may_be_read_while_it_is_written(void **state)
{
	struct progress *progress = make_progress();
	int64_t end_ns;
	pid_t child;

	(void)state;
	start(32, 16);
	attach(EPOCH);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		write_until_killed(progress, 100000);
	while (progress->done < 1000)
		usleep(100);
	end_ns = clock_monotonic_ns() + NANOSECONDS_PER_SECOND / 2;
	while (clock_monotonic_ns() < end_ns) {
		summary_clear(fix.summary);
		summary_add(fix.summary, fix.memory + GUARD, EPOCH);
		check_items(SUMMARY_DOMAINS, "hit/query");
		check_items(SUMMARY_REGISTERED, "hit/query");
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	munmap(progress, sizeof(*progress));
	stop();
}

#define ACCURACY_EVENTS 5000000u
#define ACCURACY_NAMES	1000000u
#define TOP		100u

static uint32_t *true_counts;

static int compare_counts(const void *left, const void *right)
{
	uint32_t a = true_counts[*(const uint32_t *)left];
	uint32_t b = true_counts[*(const uint32_t *)right];

	return (a < b) - (a > b);
}

/* How many of the true top names are among the first of the table. */
static uint32_t recall(uint32_t *order)
{
	struct summary_item items[TOP];
	uint32_t found = 0, limit;
	unsigned number;

	qsort(order, ACCURACY_NAMES, sizeof(*order), compare_counts);
	limit = true_counts[order[TOP - 1]];
	assert_int_equal(summary_table(fix.summary, SUMMARY_DOMAINS, "hit/query", items, TOP), TOP);
	for (uint32_t i = 0; i < TOP; i++)
		found +=
			sscanf(items[i].text, "z%u.", &number) == 1 && true_counts[number] >= limit;
	return found;
}

/* Half Zipf 1.0 over a million names, half unique; every client is new. */
static void test_shard_finds_the_top_names_among_unique_ones(void **state)
{
	double *weights = calloc(ACCURACY_NAMES, sizeof(*weights)), sum = 0, distinct = 0;
	uint32_t *order = calloc(ACCURACY_NAMES, sizeof(*order));
	char name[32];

	(void)state;
	start(16384, 8192);
	attach(EPOCH);
	true_counts = calloc(ACCURACY_NAMES, sizeof(*true_counts));
	for (uint32_t i = 0; i < ACCURACY_NAMES; i++) {
		weights[i] = sum += 1.0 / (i + 1);
		order[i] = i;
	}
	for (uint32_t i = 0; i < ACCURACY_EVENTS; i++) {
		double at = (double)(random_next(&fix.random) >> 11) * 0x1p-53 * sum;
		uint32_t low = 0, high = ACCURACY_NAMES - 1;

		while (low < high && !(i & 1)) {
			if (weights[(low + high) / 2] < at)
				low = (low + high) / 2 + 1;
			else
				high = (low + high) / 2;
		}
		snprintf(name, sizeof(name), i & 1 ? "u%u.com" : "z%u.com", i & 1 ? i : low);
		distinct += i & 1 || !true_counts[low]++;
		count(name, i);
	}
	shard_settle(&fix.shard);
	assert_true(fabs((double)counter("domains") / distinct - 1) < 0.02);
	assert_true(fabs((double)counter("clients") / ACCURACY_EVENTS - 1) < 0.02);
	assert_true(recall(order) >= TOP - 1);
	free(weights);
	free(order);
	free(true_counts);
	stop();
}

#define PACED_EVENTS 2000000u
#define PACED_NAMES  100u

/* Events of names of 1/3, 1/9, ... and a client for each name. Returns how many of the first. */
static uint32_t count_paced(uint32_t events, int64_t step_ns)
{
	uint32_t firsts = 0;
	char name[32];

	fix.step_ns = step_ns;
	for (uint32_t i = 0; i < events; i++) {
		uint32_t number = 0;

		while (number < PACED_NAMES - 1 && random_below(&fix.random, 3))
			number++;
		firsts += !number;
		snprintf(name, sizeof(name), "n%u.%s", (unsigned)number, number ? "com" : "net");
		count(name, number);
	}
	shard_settle(&fix.shard);
	return firsts;
}

static struct summary_item first_item(enum summary_table table, const char *what)
{
	static struct summary_item items[1];

	assert_int_equal(summary_table(fix.summary, table, what, items, 1), 1);
	return items[0];
}

static void test_shard_that_holds_its_pace_counts_all_that_is_slow(void **state)
{
	uint64_t firsts;

	(void)state;
	start(1024, 1024);
	attach(EPOCH);
	shard_hold_pace(&fix.shard);
	firsts = count_paced(20000, NANOSECONDS_PER_SECOND / SHARD_PACE);
	assert_int_equal(counter("query/net"), firsts);
	assert_int_equal(counter("query/net") + counter("query/com"), 20000);
	assert_int_equal(first_item(SUMMARY_DOMAINS, "hit/query").count, firsts);
	assert_int_equal(first_item(SUMMARY_CLIENTS, "length/ip").count, 40 * firsts);
	/* a flood, and then it is slow again */
	count_paced(PACED_EVENTS, 200);
	fix.now_ns += NANOSECONDS_PER_SECOND;
	firsts = counter("query/net");
	firsts += count_paced(5000, NANOSECONDS_PER_SECOND / SHARD_PACE);
	assert_int_equal(counter("query/net"), firsts);
	stop();
}

static void test_shard_that_holds_its_pace_is_right_about_what_is_fast(void **state)
{
	static const int64_t steps_ns[] = {10000, 3000, 200, 10};

	(void)state;
	for (size_t i = 0; i < sizeof(steps_ns) / sizeof(steps_ns[0]); i++) {
		uint64_t before, firsts, likely;

		start(1024, 1024);
		attach(EPOCH);
		shard_hold_pace(&fix.shard);
		firsts = count_paced(PACED_EVENTS, steps_ns[i]);
		before = fix.shard.pace.shift;
		likely =
			(uint64_t)(5 * sqrt(PACED_EVENTS * exp2((double)before) / 4)); /* 5 sigma */
		assert_true(before > 0 &&
			    NANOSECONDS_PER_SECOND / steps_ns[i] >> before <= SHARD_PACE);
		assert_int_equal(counter("query"), PACED_EVENTS);
		assert_int_equal(counter("query/bytes"), UINT64_C(40) * PACED_EVENTS);
		assert_int_equal(counter("domains"), counter("clients"));
		assert_in_range(counter("domains"), 25, PACED_NAMES);
		assert_within(counter("query/net"), firsts, likely);
		assert_within(counter("query/net") + counter("query/com"), PACED_EVENTS,
			      1u << before);
		assert_within(first_item(SUMMARY_DOMAINS, "hit/query").count, firsts, likely);
		assert_within(first_item(SUMMARY_CLIENTS, "hit/ip").count, firsts, likely);
		stop();
	}
}

/* Of 2,000 short floods together, so that what is wrong on average shows. */
static void test_shard_that_holds_its_pace_is_right_on_average(void **state)
{
	uint64_t firsts = 0;

	(void)state;
	start(1024, 1024);
	attach(EPOCH);
	shard_hold_pace(&fix.shard);
	for (int flood = 0; flood < 2000; flood++) {
		firsts += count_paced(4096 + (uint32_t)random_below(&fix.random, 1000), 1000);
		firsts += count_paced(10, NANOSECONDS_PER_SECOND / 100);
	}
	assert_within(counter("query/net"), firsts, firsts / 100);
	assert_within(counter("query/net") + counter("query/com"), counter("query"),
		      counter("query") / 1000);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_names_are_read),
		cmocka_unit_test(test_shard_goes_on_with_what_its_predecessor_left),
		cmocka_unit_test(test_shard_begins_clean_when_it_is_not_its_own),
		cmocka_unit_test(test_shard_repairs_a_batch_that_makes_no_sense),
		cmocka_unit_test(test_shard_is_wrong_by_one_for_each_kill),
		cmocka_unit_test(test_shard_stays_whole_when_it_is_killed_while_it_evicts),
		cmocka_unit_test(test_shard_may_be_read_while_it_is_written),
		cmocka_unit_test(test_shard_that_holds_its_pace_counts_all_that_is_slow),
		cmocka_unit_test(test_shard_that_holds_its_pace_is_right_about_what_is_fast),
		cmocka_unit_test(test_shard_that_holds_its_pace_is_right_on_average),
		cmocka_unit_test(test_shard_finds_the_top_names_among_unique_ones),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
