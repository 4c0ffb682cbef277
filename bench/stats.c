/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What it costs to count an event, and to read what was counted. Events are made in chunks outside
 * of the measured time, from tables far larger than the caches. Three kinds: every name is new;
 * Zipf over a million names; Zipf over 300,000 names, a query and its response each. Clients are
 * Zipf over 10,000 always. Medians and the best of several runs: bench/stats [runs].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "bench/zipf.h"
#include "dns/name.h"
#include "stats/summary.h"
#include "tests/lib/file.h"

#define CHUNK	    64u
#define CHUNKS	    48000u
#define SEQUENCE    (1u << 21) /* of drawn names, used in turn */
#define NAMES	    1000000u
#define CLIENTS	    10000u
#define RUNS_MAX    101
#define SUFFIX_LIST "/usr/share/publicsuffix/public_suffix_list.dat"

enum traffic { TRAFFIC_DISTINCT, TRAFFIC_ZIPF, TRAFFIC_REALISTIC, TRAFFICS };

struct name {
	uint8_t length;
	uint8_t wire[47];
};

static struct bench {
	struct random random;
	struct name names[NAMES];
	struct stats_limits limits;
	struct hash_key key;
	struct suffixes *suffixes;
	struct shard shard;
	void *memory;
	uint64_t serial;
	uint32_t sequence[SEQUENCE], clients[SEQUENCE];
	uint32_t at;
	uint8_t chunk_names[CHUNK][DNS_NAME_MAX];
	struct event chunk[CHUNK];
} bench;

static void make_names(void)
{
	static const char *const tlds[] = {"com",   "net",    "org", "de",
					   "co.uk", "com.br", "io",  "ru"};
	char text[64];

	for (uint32_t i = 0; i < NAMES; i++) {
		uint64_t draw = random_next(&bench.random);

		snprintf(text, sizeof(text), "%s%x.d%x-site.%s", draw & 3 ? "www" : "Host-",
			 i & 0xff, i / 4, tlds[(draw >> 8) % 8]);
		if (!name_parse(text, bench.names[i].wire, &bench.names[i].length))
			log_fatal("no name: %s", text);
	}
}

static void draw_sequence(enum traffic traffic)
{
	struct zipf *names = zipf_new(traffic == TRAFFIC_REALISTIC ? 300000 : NAMES);
	struct zipf *clients = zipf_new(CLIENTS);

	for (uint32_t i = 0; i < SEQUENCE; i++) {
		bench.sequence[i] = zipf_draw(names, &bench.random);
		bench.clients[i] = zipf_draw(clients, &bench.random);
	}
	free(clients);
	free(names);
}

static void set_client(struct event *event)
{
	uint32_t client = bench.clients[bench.at % SEQUENCE] * 2654435761u;

	event->query_address = (struct address){.version = 4};
	memcpy(event->query_address.bytes, &client, sizeof(client));
}

static void make_event(enum traffic traffic, uint32_t index)
{
	struct event *event = &bench.chunk[index];
	const struct name *name = &bench.names[bench.sequence[++bench.at % SEQUENCE]];
	uint8_t *wire = bench.chunk_names[index];
	char label[20];

	*event = (struct event){
		.kind = EVENT_CLIENT_RESPONSE,
		.protocol = EVENT_UDP,
		.type = index % 3 ? 1 : 28,
		.rcode = index % 10 ? 0 : 3,
		.length = 60 + index % 128,
		.latency_ns = (int64_t)(random_next(&bench.random) % 40000000),
	};
	if (traffic == TRAFFIC_DISTINCT) {
		snprintf(label, sizeof(label), "%012lx", (unsigned long)bench.serial++);
		wire[0] = 12;
		memcpy(wire + 1, label, 12);
		memcpy(wire + 13, name->wire, name->length);
		event->qname = (struct slice){wire, 13u + name->length};
	} else {
		memcpy(wire, name->wire, name->length);
		event->qname = (struct slice){wire, name->length};
	}
	set_client(event);
}

static void make_chunk(enum traffic traffic)
{
	for (uint32_t i = 0; i < CHUNK; i++) {
		make_event(traffic, i);
		if (traffic != TRAFFIC_REALISTIC)
			continue;
		bench.chunk[i + 1] = bench.chunk[i];
		bench.chunk[i].kind = EVENT_CLIENT_QUERY;
		bench.chunk[i].latency_ns = EVENT_NO_LATENCY;
		bench.chunk[i].rcode = 0;
		i++;
	}
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* Nanoseconds for each event: of the median chunk, since others may use the machine too. */
static double run(enum traffic traffic)
{
	static double taken_ns[CHUNKS];
	int64_t start_ns;

	for (uint32_t c = 0; c < CHUNKS; c++) {
		make_chunk(traffic);
		start_ns = clock_monotonic_ns();
		for (uint32_t i = 0; i < CHUNK; i++)
			shard_count(&bench.shard, &bench.chunk[i],
				    stats_hash_name(&bench.key, bench.chunk[i].qname));
		taken_ns[c] = (double)(clock_monotonic_ns() - start_ns);
	}
	return median(taken_ns, CHUNKS) / CHUNK;
}

#define TABLES 12

static const char *const tables[TABLES] = {
	"hit/query",	    "hit/response",	 "length/query",      "length/response",
	"noerror/response", "nxdomain/response", "servfail/response", "noerror/query",
	"nxdomain/query",   "a/query",		 "aaaa/query",	      "refused/response"};

static void open_shard(void)
{
	struct slice text;

	bench.limits = (struct stats_limits){.names = 16384,
					     .domains = 8192,
					     .clients = 16384,
					     .tlds = 2048,
					     .table_count = TABLES};
	for (uint32_t i = 0; i < TABLES; i++)
		if (!stats_table_parse(tables[i], &bench.limits.tables[i]))
			log_fatal("no table: %s", tables[i]);
	if (file_map(SUFFIX_LIST, &text))
		log_fatal("no " SUFFIX_LIST);
	bench.suffixes = suffixes_new(text);
	bench.memory = mmap(NULL, shard_size(&bench.limits), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bench.memory == MAP_FAILED)
		log_fatal("no memory");
}

static void print(const char *name, double *values, int count, const char *unit)
{
	double middle = median(values, (uint32_t)count);

	printf("%s %.1f %s\n", name, middle, unit);
	printf("%s_best %.1f %s\n", name, values[0], unit);
}

/* What /metrics asks of one stream. */
static double read_counters(struct summary *summary)
{
	static const char *const names[] = {"query",
					    "response",
					    "query/bytes",
					    "response/bytes",
					    "clients",
					    "domains",
					    "query/udp",
					    "query/tcp",
					    "response/udp",
					    "response/tcp",
					    "query/inet",
					    "query/inet6",
					    "response/inet",
					    "response/inet6",
					    "query/a",
					    "query/aaaa",
					    "response/noerror",
					    "response/nxdomain",
					    "response/servfail",
					    "response/refused",
					    "response/latency0_1",
					    "query/com",
					    "unanswered",
					    "evictions/names"};
	int64_t start_ns = clock_monotonic_ns();
	uint64_t value;

	summary_clear(summary);
	summary_add(summary, bench.memory, TRAFFICS);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!summary_counter(summary, names[i], &value))
			log_fatal("no counter %s", names[i]);
	return (double)(clock_monotonic_ns() - start_ns) / 1000;
}

/* Every list of every table. */
static double read_tables(const struct summary *summary)
{
	static struct summary_item items[10];
	int64_t start_ns = clock_monotonic_ns();

	for (int table = SUMMARY_TLDS; table <= SUMMARY_REGISTERED; table++) {
		summary_table(summary, (enum summary_table)table, "hit/ip", items, 10);
		summary_table(summary, (enum summary_table)table, "length/ip", items, 10);
		for (uint32_t i = 0; i < TABLES; i++)
			summary_table(summary, (enum summary_table)table, tables[i], items, 10);
	}
	return (double)(clock_monotonic_ns() - start_ns) / 1000;
}

static void read_shard(int runs)
{
	struct summary *summary = summary_new(&bench.limits, &bench.key, bench.suffixes);
	double counters[RUNS_MAX] = {0}, lists[RUNS_MAX] = {0};

	shard_settle(&bench.shard);
	for (int r = 0; r < runs; r++) {
		counters[r] = read_counters(summary);
		lists[r] = read_tables(summary);
	}
	print("summary_counters_us", counters, runs, "us");
	print("summary_tables_us", lists, runs, "us");
	summary_free(summary);
}

int main(int argc, char **argv)
{
	static const char *const names[TRAFFICS] = {
		"stats_count_distinct_ns", "stats_count_zipf_ns", "stats_count_realistic_ns"};
	int runs = argc > 1 ? atoi(argv[1]) : 5;
	double results[RUNS_MAX] = {0};

	log_set_role("stats");
	if (runs < 1 || runs > RUNS_MAX)
		log_fatal("usage: stats [runs]");
	if (random_init(&bench.random))
		log_fatal("no random source");
	make_names();
	open_shard();
	printf("stats_shard_mib %.1f MiB\n", (double)shard_size(&bench.limits) / 1048576);
	for (enum traffic traffic = 0; traffic < TRAFFICS; traffic++) {
		shard_attach(&bench.shard, bench.memory, &bench.limits, &bench.key, traffic + 1,
			     bench.suffixes);
		draw_sequence(traffic);
		for (int r = 0; r < runs; r++)
			results[r] = run(traffic);
		print(names[traffic], results, runs, "ns");
	}
	read_shard(runs);
	return 0;
}
