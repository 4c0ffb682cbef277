/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shards of a liar: a shard with some entries in it is changed wherever the input says, with its
 * mark as it was, and then added to a summary twice (so that sums are formed), read in every way,
 * and taken over by a successor who goes on counting. Eight bytes of input are one change: where
 * (4), how (1), with what (3).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"
#include "stats/layout.h"
#include "stats/summary.h"

#define GUARD	    64u
#define CHANGES_MAX 256u
#define ITEMS	    7u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hash_key key = {{3, 5}};

static struct run {
	struct stats_limits limits;
	struct suffixes *suffixes;
	struct summary *summary;
	struct shard shard;
	uint8_t *memory, *pattern; /* with a guard behind them */
	size_t size;
} run;

static void count(uint32_t number)
{
	uint8_t wire[] = {2, 'a', 0, 3, 'w', 'w', 'w', 3, 'c', 'o', 'm', 0};
	struct event event = {
		.kind = number & 1 ? EVENT_CLIENT_QUERY : EVENT_CLIENT_RESPONSE,
		.protocol = (uint8_t)(number % EVENT_PROTOCOL_END),
		.type = (uint16_t)number,
		.rcode = (uint16_t)(number % 5),
		.length = 40,
		.latency_ns = number * 1000000,
		.query_address = {.bytes = {(uint8_t)number}, .version = number & 2 ? 4 : 6},
		.qname = {wire, sizeof(wire)},
	};

	wire[2] = (uint8_t)number;
	shard_count(&run.shard, &event, stats_hash_name(&key, event.qname));
}

static void attach(void)
{
	shard_attach(&run.shard, run.memory, &run.limits, &key, 1, run.suffixes);
}

static void prepare(void)
{
	static const char list[] = "com\nco.uk\n";

	run.limits = (struct stats_limits){
		.names = 48, .domains = 16, .clients = 32, .tlds = 16, .table_count = 2};
	run.limits.tables[1].is_query = true;
	run.suffixes = suffixes_new((struct slice){(const uint8_t *)list, sizeof(list) - 1});
	run.summary = summary_new(&run.limits, &key, run.suffixes);
	run.size = shard_size(&run.limits);
	run.memory = aligned_alloc(64, run.size + GUARD);
	run.pattern = malloc(run.size + GUARD);
	assert(run.memory && run.pattern);
	memset(run.memory, 0xa5, run.size + GUARD);
	attach();
	for (uint32_t i = 0; i < 5 * LAYOUT_BATCH - 3; i++)
		count(i);
	memcpy(run.pattern, run.memory, run.size + GUARD);
}

static void change(const uint8_t *at)
{
	uint32_t where;
	uint64_t value = (uint64_t)at[5] << 56 | (uint64_t)at[6] << 8 | at[7];
	size_t width = (size_t)1 << (at[4] & 3);

	memcpy(&where, at, sizeof(where));
	where %= (uint32_t)(run.size - 16);
	where = (uint32_t)(8 + where / width * width); /* not the mark */
	if (at[4] & 4)
		memset(run.memory + where, at[5],
		       run.size - where < at[6] ? run.size - where : at[6]);
	else
		memcpy(run.memory + where, &value, width);
}

static void read_tables(void)
{
	static const char *const whats[] = {"hit/query", "hit/response", "hit/ip", "length/ip"};
	struct summary_item items[ITEMS];

	for (int table = SUMMARY_TLDS; table <= SUMMARY_REGISTERED; table++) {
		for (size_t w = 0; w < sizeof(whats) / sizeof(whats[0]); w++) {
			int found = summary_table(run.summary, (enum summary_table)table, whats[w],
						  items, ITEMS);

			assert(found <= (int)ITEMS);
			for (int i = 0; i < found; i++) {
				assert(items[i].count && strlen(items[i].text) < SUMMARY_TEXT_MAX);
				assert(!i || items[i].count <= items[i - 1].count);
			}
		}
	}
}

static void read_all(void)
{
	static const char *const names[] = {"query",   "response/nxdomain", "query/com",
					    "clients", "domains",	    "evictions/names",
					    "query/a", "untracked/tlds"};
	struct summary_bucket buckets[SUMMARY_BUCKETS_MAX];
	uint64_t value;
	double sum;

	summary_clear(run.summary);
	summary_add(run.summary, run.memory, 1);
	summary_add(run.summary, run.memory, 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert(summary_counter(run.summary, names[i], &value));
	assert(summary_latency_buckets(run.summary, buckets, &value, &sum) <= SUMMARY_BUCKETS_MAX);
	summary_latency_quantile(run.summary, 0.99);
	read_tables();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!run.memory)
		prepare();
	memcpy(run.memory, run.pattern, run.size);
	for (size_t at = 0; at + 8 <= size && at < (size_t)8 * CHANGES_MAX; at += 8)
		change(data + at);
	read_all();
	attach();
	for (uint32_t i = 0; i < 2 * LAYOUT_BATCH; i++)
		count(i * 3);
	shard_settle(&run.shard);
	read_all();
	assert(!memcmp(run.memory + run.size, run.pattern + run.size, GUARD));
	return 0;
}
