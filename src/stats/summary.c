/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/summary.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "dns/code.h"
#include "stats/layout.h"
#include "stats/ranking.h"

/*
 * Counters and histogram are merged when a shard is added. Distinct counts and tables stay where
 * they are. Of tables: what is among the first n of all shards together has, in one of s shards, at
 * least an s-th of the n-th best count. So each shard is searched for what has that, and only its
 * sum is formed.
 */

#define FIRST_BUCKET_BITS 10 /* log2 of the ns of the lowest bound that is told */

struct summary {
	struct stats_limits limits;
	struct hash_key key;
	const struct suffixes *suffixes;
	uint64_t mark;
	struct layout_counts counts;
	uint32_t shard_count;
	const struct shard_memory *shards[SUMMARY_SHARDS_MAX];
	uint32_t entries_max; /* that a table can have */
};

static const char *const direction_names[DIRECTIONS] = {"response", "query"};

struct summary *summary_new(const struct stats_limits *limits, const struct hash_key *key,
			    const struct suffixes *suffixes)
{
	struct summary *summary = xcalloc(1, sizeof(*summary));
	const uint32_t entries[] = {limits->names, limits->domains, limits->clients, limits->tlds,
				    STATS_TYPES};

	summary->limits = *limits;
	summary->key = *key;
	summary->suffixes = suffixes;
	summary->mark = layout_mark(key, limits);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (entries[i] > summary->entries_max)
			summary->entries_max = entries[i];
	return summary;
}

void summary_free(struct summary *summary)
{
	free(summary);
}

void summary_clear(struct summary *summary)
{
	memset(&summary->counts, 0, sizeof(summary->counts));
	summary->shard_count = 0;
}

static void add_counts(uint64_t *into, const uint64_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		into[i] += from[i];
}

void summary_add(struct summary *summary, const void *memory, uint64_t epoch)
{
	const struct shard_memory *shard = memory;

	assert(summary->shard_count < SUMMARY_SHARDS_MAX);
	if (__atomic_load_n(&shard->mark, __ATOMIC_ACQUIRE) != summary->mark ||
	    shard->epoch != epoch)
		return;
	add_counts((uint64_t *)&summary->counts, (const uint64_t *)&shard->counts,
		   sizeof(summary->counts) / sizeof(uint64_t));
	summary->shards[summary->shard_count++] = shard;
}

static struct table shard_table(const struct summary *summary, uint32_t shard,
				enum layout_table table)
{
	struct table tables[LAYOUT_TABLES];

	layout_tables((struct shard_memory *)(uintptr_t)summary->shards[shard], &summary->limits,
		      tables);
	return tables[table];
}

/* --- counters --- */

static const char *const table_names[LAYOUT_TABLES] = {
	[LAYOUT_NAMES] = "names",
	[LAYOUT_DOMAINS] = "domains",
	[LAYOUT_CLIENTS] = "clients",
	[LAYOUT_TLDS] = "tlds",
};

static bool totals_counter(const struct summary *summary, const char *name, bool is_evictions,
			   uint64_t *value)
{
	uint32_t table = 0;

	while (table < LAYOUT_TABLES && strcasecmp(name, table_names[table]) != 0)
		table++;
	if (table == LAYOUT_TABLES)
		return false;
	*value = 0;
	for (uint32_t s = 0; s < summary->shard_count; s++) {
		const struct table_totals *totals = shard_table(summary, s, table).totals;

		*value += is_evictions ? totals->evictions : totals->untracked;
	}
	return true;
}

static const struct distinct *shard_distinct(const struct summary *summary, uint32_t shard,
					     bool is_clients)
{
	const struct shard_memory *memory = summary->shards[shard];

	return is_clients ? &memory->clients : &memory->names;
}

static uint64_t distinct_counter(const struct summary *summary, bool is_clients)
{
	struct distinct *merged;
	uint64_t count;

	if (summary->shard_count == 1)
		return distinct_count(shard_distinct(summary, 0, is_clients));
	merged = xcalloc(1, sizeof(*merged));
	for (uint32_t s = 0; s < summary->shard_count; s++)
		distinct_merge(merged, shard_distinct(summary, s, is_clients));
	count = distinct_count(merged);
	free(merged);
	return count;
}

/* The entry of a key, or NULL. */
static const struct table_entry *find_entry(const struct table *table, uint64_t key)
{
	uint32_t slot = table_find(table, key);
	const struct table_entry *entry = slot != TABLE_NONE ? table_entry(table, slot) : NULL;

	return entry && __atomic_load_n(&entry->key, __ATOMIC_ACQUIRE) == key ? entry : NULL;
}

static uint64_t entry_word(const struct table_entry *entry, uint32_t word)
{
	return entry ? __atomic_load_n(&entry->words[word], __ATOMIC_RELAXED) : 0;
}

static bool tld_counter(const struct summary *summary, const char *label, enum direction direction,
			uint64_t *value)
{
	uint8_t wire[DNS_NAME_MAX], length;
	uint64_t key;

	if (!name_parse(label, wire, &length) || length < 2 || wire[0] != length - 2 ||
	    !suffixes_is_tld(summary->suffixes, (struct slice){wire + 1, wire[0]}))
		return false;
	key = key_of_lowered(&summary->key, wire, length);
	*value = 0;
	for (uint32_t s = 0; s < summary->shard_count; s++) {
		struct table tlds = shard_table(summary, s, LAYOUT_TLDS);

		*value += entry_word(find_entry(&tlds, key), direction);
	}
	return true;
}

static bool latency_counter(const struct summary *summary, const char *name, uint64_t *value)
{
	static const char *const classes[LATENCY_CLASSES] = {"latency0_1",	"latency1_10",
							     "latency10_50",	"latency50_100",
							     "latency100_1000", "latency_slow"};

	for (uint32_t i = 0; i < LATENCY_CLASSES; i++)
		if (!strcasecmp(name, classes[i])) {
			*value = summary->counts.latency.classes[i];
			return true;
		}
	return false;
}

/* Mnemonics alone: a number would be both a type and a response code. */
static bool code_counter(const struct direction_counts *counts, const char *name, uint64_t *value)
{
	uint16_t code;

	if (isdigit((unsigned char)*name))
		return false;
	if (dns_rcode_parse(name, &code) && layout_rcode(code) != LAYOUT_RCODE_OTHER) {
		*value = counts->rcodes[code];
		return true;
	}
	if (dns_type_parse(name, &code) && layout_type(code) != LAYOUT_TYPE_OTHER) {
		*value = counts->types[layout_type(code)];
		return true;
	}
	return false;
}

static bool transport_counter(const struct direction_counts *counts, const char *name,
			      uint64_t *value)
{
	uint8_t protocol = EVENT_UDP;

	if (!strcasecmp(name, "inet") || !strcasecmp(name, "inet6")) {
		*value = counts->families[name[4] == '6'];
		return true;
	}
	while (protocol < EVENT_PROTOCOL_END &&
	       strcasecmp(name, event_protocol_name(protocol)) != 0)
		protocol++;
	if (protocol < EVENT_PROTOCOL_END)
		*value = counts->protocols[protocol];
	return protocol < EVENT_PROTOCOL_END;
}

static bool direction_counter(const struct summary *summary, const char *name,
			      enum direction direction, uint64_t *value)
{
	const struct direction_counts *counts = &summary->counts.directions[direction];

	if (!*name) {
		*value = counts->messages;
		return true;
	}
	if (*name++ != '/')
		return false;
	if (!strcasecmp(name, "bytes")) {
		*value = counts->bytes;
		return true;
	}
	if (!strncasecmp(name, "tld/", 4))
		return tld_counter(summary, name + 4, direction, value);
	return transport_counter(counts, name, value) || code_counter(counts, name, value) ||
	       (direction == DIRECTION_RESPONSE && latency_counter(summary, name, value)) ||
	       tld_counter(summary, name, direction, value);
}

bool summary_counter(const struct summary *summary, const char *name, uint64_t *value)
{
	if (!strncasecmp(name, "query", 5))
		return direction_counter(summary, name + 5, DIRECTION_QUERY, value);
	if (!strncasecmp(name, "response", 8))
		return direction_counter(summary, name + 8, DIRECTION_RESPONSE, value);
	if (!strncasecmp(name, "evictions/", 10))
		return totals_counter(summary, name + 10, true, value);
	if (!strncasecmp(name, "untracked/", 10))
		return totals_counter(summary, name + 10, false, value);
	if (!strcasecmp(name, "clients"))
		*value = distinct_counter(summary, true);
	else if (!strcasecmp(name, "domains"))
		*value = distinct_counter(summary, false);
	else if (!strcasecmp(name, "unanswered"))
		*value = summary->counts.unanswered;
	else
		return false;
	return true;
}

/* --- tables --- */

/* One list of one table, as it is read. */
struct list {
	const struct summary *summary;
	struct ranking ranking;
	struct table tables[SUMMARY_SHARDS_MAX]; /* its own of each shard */
	enum layout_table table;
	uint32_t word;
	enum direction direction; /* of TLDs, for their text */
};

static void lower_text(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

static void lower_wire(uint8_t *wire, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (wire[i] >= 'A' && wire[i] <= 'Z')
			wire[i] |= 0x20;
}

/* The text of a name that was copied, if it is the one of its key. */
static bool format_name(const struct list *list, uint8_t *wire, uint64_t key, char *text)
{
	const struct summary *summary = list->summary;
	size_t length =
		name_wire_length((struct slice){wire, list->table == LAYOUT_TLDS ? 65 : 255});
	bool keeps_case = summary->limits.keeps_case && list->table == LAYOUT_NAMES;

	if (!length)
		return false;
	if (!keeps_case)
		lower_wire(wire, length);
	if (key_of_exact(&summary->key, wire, length) != key)
		return false;
	if (list->table == LAYOUT_TLDS)
		text += sprintf(text, "%s/", direction_names[list->direction]);
	text += name_format(wire, text);
	if (list->table != LAYOUT_TLDS)
		strcpy(text, ".");
	return true;
}

static bool format_client(const struct summary *summary, const uint8_t *client, uint64_t key,
			  char *text)
{
	struct address address = {.version = client[16]};

	memcpy(address.bytes, client, sizeof(address.bytes));
	if (layout_client_key(&summary->key, &address) != key)
		return false;
	if (address.version == 4 || address.version == 6)
		address_format(&address, text);
	else
		strcpy(text, "-");
	return true;
}

/* Whoever writes the shard may replace the entry meanwhile; then the text is not that of the key.
 */
static bool format_entry(const struct list *list, const struct table *table, uint32_t slot,
			 uint64_t key, char *text)
{
	uint8_t copy[DNS_NAME_MAX + 1] = {0};

	memcpy(copy, table_text(table, slot), table->shape.text_bytes);
	if (list->table == LAYOUT_CLIENTS)
		return format_client(list->summary, copy, key, text);
	return format_name(list, copy, key, text);
}

/* The sum of all shards, unless another one has more of it (or as much, and comes before). */
static bool sum_shards(const struct list *list, uint32_t own, uint64_t key,
		       struct summary_item *item)
{
	const struct summary *summary = list->summary;
	uint64_t own_count = item->count;

	for (uint32_t s = 0; s < summary->shard_count; s++) {
		const struct table_entry *entry =
			s == own ? NULL : find_entry(&list->tables[s], key);
		uint64_t count = entry_word(entry, list->word);

		if (count > own_count || (count == own_count && s < own))
			return false;
		item->count += count;
		item->error += entry ? entry->error : 0;
	}
	return true;
}

static void read_slot(struct list *list, uint32_t shard, uint32_t slot)
{
	const struct table *table = &list->tables[shard];
	const struct table_entry *entry = table_entry(table, slot);
	uint64_t key = __atomic_load_n(&entry->key, __ATOMIC_ACQUIRE);
	struct summary_item item;

	item.count = entry_word(entry, list->word);
	item.error = entry->error;
	if (!key || !item.count || item.count > UINT64_MAX / SUMMARY_SHARDS_MAX ||
	    !ranking_wants(&list->ranking, item.count * list->summary->shard_count) ||
	    !sum_shards(list, shard, key, &item) || !ranking_wants(&list->ranking, item.count) ||
	    !format_entry(list, table, slot, key, item.text) ||
	    __atomic_load_n(&entry->key, __ATOMIC_ACQUIRE) != key)
		return;
	ranking_offer(&list->ranking, key, &item);
}

static int read_list(struct list *list)
{
	uint32_t shard_count = list->summary->shard_count;

	for (uint32_t s = 0; s < shard_count; s++)
		list->tables[s] = shard_table(list->summary, s, list->table);
	for (uint32_t s = 0; s < shard_count; s++)
		for (uint32_t slot = 0; slot < list->tables[s].entry_count; slot++)
			read_slot(list, s, slot);
	return (int)ranking_finish(&list->ranking);
}

static void offer_code(struct list *list, uint32_t slot, const char *name, uint64_t count)
{
	struct summary_item item = {.count = count};

	snprintf(item.text, sizeof(item.text), "%s/%s", direction_names[list->direction], name);
	lower_text(item.text);
	ranking_offer(&list->ranking, slot + 1, &item);
}

static int read_rcodes(struct list *list)
{
	const uint64_t *counts = list->summary->counts.directions[list->direction].rcodes;
	char text[DNS_CODE_TEXT_MAX];

	for (uint32_t i = 0; i < LAYOUT_RCODE_OTHER; i++)
		if (counts[i])
			offer_code(list, i, dns_rcode_name((uint16_t)i, text), counts[i]);
	return (int)ranking_finish(&list->ranking);
}

static int read_types(struct list *list)
{
	const uint64_t *counts = list->summary->counts.directions[list->direction].types;
	char text[DNS_CODE_TEXT_MAX];

	for (uint32_t i = 0; i < LAYOUT_TYPE_OTHER; i++)
		if (counts[i])
			offer_code(list, i, dns_type_name(layout_type_code(i), text), counts[i]);
	return (int)ranking_finish(&list->ranking);
}

/* Which word of a name's entry counts that; false when none does. */
static bool find_name_word(const struct stats_limits *limits, const char *what, uint32_t *word)
{
	struct stats_table wanted;

	if (!stats_table_parse(what, &wanted))
		return false;
	for (uint32_t i = 0; i < limits->table_count; i++) {
		const struct stats_table *table = &limits->tables[i];

		*word = NAME_COUNTS + i;
		if (table->what == wanted.what && table->is_query == wanted.is_query &&
		    (table->code == wanted.code || wanted.what < STATS_RCODE))
			return true;
	}
	return false;
}

static bool find_client_word(const char *what, uint32_t *word)
{
	*word = !strcasecmp(what, "hit/ip") ? CLIENT_HITS : CLIENT_BYTES;
	return *word == CLIENT_HITS || !strcasecmp(what, "length/ip");
}

static bool find_direction(const char *what, struct list *list)
{
	list->direction = !strcasecmp(what, "hit/query") ? DIRECTION_QUERY : DIRECTION_RESPONSE;
	list->word = list->direction;
	return list->direction == DIRECTION_QUERY || !strcasecmp(what, "hit/response");
}

static int read_table(struct list *list, enum summary_table table, const char *what)
{
	bool is_there = table == SUMMARY_DOMAINS
				? find_name_word(&list->summary->limits, what, &list->word)
			: table == SUMMARY_CLIENTS ? find_client_word(what, &list->word)
						   : find_direction(what, list);

	if (!is_there)
		return -ENOENT;
	if (table == SUMMARY_RCODES)
		return read_rcodes(list);
	if (table == SUMMARY_TYPES)
		return read_types(list);
	return read_list(list);
}

int summary_table(const struct summary *summary, enum summary_table table, const char *what,
		  struct summary_item *items, uint32_t count)
{
	uint32_t limit = count < summary->entries_max ? count : summary->entries_max;
	struct list list = {
		.summary = summary,
		.ranking = {.items = items,
			    .heap = xcalloc(limit, sizeof(*list.ranking.heap)),
			    .limit = limit},
		.table = table == SUMMARY_TLDS	    ? LAYOUT_TLDS
			 : table == SUMMARY_DOMAINS ? LAYOUT_NAMES
			 : table == SUMMARY_CLIENTS ? LAYOUT_CLIENTS
						    : LAYOUT_DOMAINS,
	};
	int found = read_table(&list, table, what);

	free(list.ranking.heap);
	return found;
}

/* --- latency --- */

uint32_t summary_latency_buckets(const struct summary *summary,
				 struct summary_bucket buckets[SUMMARY_BUCKETS_MAX],
				 uint64_t *count, double *sum_seconds)
{
	const struct latency *latency = &summary->counts.latency;
	uint32_t found = 0;

	for (uint32_t bits = FIRST_BUCKET_BITS; bits <= LATENCY_HIGH_BITS; bits++)
		buckets[found++] = (struct summary_bucket){
			.le_seconds = (double)(UINT64_C(1) << bits) / 1e9,
			.count = latency_count_to(latency, bits),
		};
	*count = latency_count(latency);
	*sum_seconds = (double)latency->sum_ns / 1e9;
	return found;
}

double summary_latency_quantile(const struct summary *summary, double quantile)
{
	return latency_quantile(&summary->counts.latency, quantile);
}
