/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/shard.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "dns/code.h"
#include "stats/layout.h"

/*
 * An event's plain counters and its hashes are made at once. Of events that come too fast, most are
 * only shown to HyperLogLog then. For the others, what needs memory that is far away
 * (the sets, then the entries of its name and client) waits in a batch, while that memory is
 * fetched. A name that is found needs no more hashing: its entry has the key of its domain, whose
 * entry has that of its TLD. Only a name that is not found may be new to HyperLogLog.
 *
 * The batch lies in the shard: digests from settled to queued are still to be counted, by whoever
 * writes the shard then.
 */

/* --- tables of names --- */

static bool code_parse(const char *text, struct stats_table *table)
{
	if (*text >= '0' && *text <= '9')
		return false;
	if (dns_rcode_parse(text, &table->code)) {
		table->what = STATS_RCODE;
		return layout_rcode(table->code) != LAYOUT_RCODE_OTHER;
	}
	table->what = STATS_TYPE;
	return dns_type_parse(text, &table->code) && layout_type(table->code) != LAYOUT_TYPE_OTHER;
}

bool stats_table_parse(const char *text, struct stats_table *table)
{
	const char *slash = strchr(text, '/');
	char what[DNS_CODE_TEXT_MAX];
	size_t length = slash ? (size_t)(slash - text) : 0;

	if (!length || length >= sizeof(what))
		return false;
	memcpy(what, text, length);
	what[length] = '\0';
	*table = (struct stats_table){.is_query = !strcasecmp(slash + 1, "query")};
	if (!table->is_query && strcasecmp(slash + 1, "response") != 0)
		return false;
	if (!strcasecmp(what, "hit"))
		table->what = STATS_HIT;
	else if (!strcasecmp(what, "length"))
		table->what = STATS_LENGTH;
	else
		return code_parse(what, table);
	return true;
}

static void prepare_lists(struct shard *shard)
{
	for (uint32_t i = 0; i < shard->limits.table_count; i++) {
		const struct stats_table *table = &shard->limits.tables[i];
		uint16_t bit = (uint16_t)(1u << i);

		if (table->what == STATS_RCODE)
			shard->lists_of_rcode[table->is_query][layout_rcode(table->code)] |= bit;
		else if (table->what == STATS_TYPE)
			shard->lists_of_type[table->is_query][layout_type(table->code)] |= bit;
		else
			shard->lists_of_all[table->is_query] |= bit;
		if (table->what == STATS_LENGTH)
			shard->lists_of_lengths |= bit;
	}
}

/* --- attaching --- */

static void clear(struct shard *shard, uint64_t epoch)
{
	struct shard_memory *memory = shard->memory;

	__atomic_store_n(&memory->mark, 0, __ATOMIC_SEQ_CST);
	memset((uint8_t *)memory + sizeof(memory->mark), 0,
	       layout_size(&shard->limits) - sizeof(memory->mark));
	memory->random[0] = shard->mark;
	memory->epoch = epoch;
	__atomic_store_n(&memory->mark, shard->mark, __ATOMIC_SEQ_CST);
}

static bool digest_is_whole(const struct shard *shard, const struct digest *digest)
{
	struct slice name = {digest->name, DNS_NAME_MAX};

	return digest->direction < DIRECTIONS && !(digest->lists >> shard->limits.table_count) &&
	       (digest->name_key ? name_wire_length(name) == digest->name_length
				 : !digest->name_length);
}

static void repair(struct shard *shard)
{
	struct batch *batch = &shard->memory->batch;
	bool is_whole = batch->queued <= LAYOUT_BATCH && batch->settled <= batch->queued;

	for (uint32_t i = 0; is_whole && i < batch->queued; i++)
		is_whole = digest_is_whole(shard, &batch->digests[i]);
	if (!is_whole)
		batch->queued = batch->settled = 0;
	if (!shard->memory->random[0])
		shard->memory->random[0] = shard->mark;
	distinct_repair(&shard->memory->names);
	distinct_repair(&shard->memory->clients);
	table_repair(&shard->names);
	table_repair(&shard->domains);
	table_repair(&shard->clients);
	table_repair(&shard->tlds);
}

size_t shard_size(const struct stats_limits *limits)
{
	return layout_size(limits);
}

void shard_attach(struct shard *shard, void *memory, const struct stats_limits *limits,
		  const struct hash_key *key, uint64_t epoch, const struct suffixes *suffixes)
{
	struct table tables[LAYOUT_TABLES];

	assert(limits->table_count <= STATS_TABLES_MAX && !((uintptr_t)memory & 63));
	*shard = (struct shard){
		.memory = memory,
		.limits = *limits,
		.key = *key,
		.suffixes = suffixes,
		.mark = layout_mark(key, limits),
	};
	layout_tables(memory, limits, tables);
	shard->names = tables[LAYOUT_NAMES];
	shard->domains = tables[LAYOUT_DOMAINS];
	shard->clients = tables[LAYOUT_CLIENTS];
	shard->tlds = tables[LAYOUT_TLDS];
	prepare_lists(shard);
	if (shard->memory->mark != shard->mark || shard->memory->epoch != epoch)
		clear(shard, epoch);
	else
		repair(shard);
}

void shard_set_epoch(struct shard *shard, uint64_t epoch)
{
	if (shard->memory->epoch != epoch)
		clear(shard, epoch);
}

/* --- the pace --- */

#define PACE_EVENTS    4096 /* that are looked at together */
#define PACE_NS	       (PACE_EVENTS * NANOSECONDS_PER_SECOND / SHARD_PACE)
#define PACE_LESS      2  /* bits: once too many come, a quarter of what could be is enough */
#define PACE_SHIFT_MAX 12 /* PACE_EVENTS is a multiple of all */

void shard_hold_pace(struct shard *shard)
{
	shard->pace.is_held = true;
}

static uint32_t draw(struct shard *shard)
{
	uint64_t x = shard->memory->random[0]; /* xorshift64* */

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	shard->memory->random[0] = x;
	return (uint32_t)((x * 0x2545f4914f6cdd1d) >> 32);
}

/* Times that stand still, or go back, say nothing. */
static void set_pace(struct shard_pace *pace, int64_t elapsed_ns)
{
	uint64_t excess = 0;

	if (elapsed_ns > 0)
		excess = (uint64_t)(PACE_NS / elapsed_ns);
	if (pace->seen < PACE_EVENTS || elapsed_ns >= PACE_NS)
		pace->shift = 0;
	else if (excess)
		pace->shift = (uint8_t)(64 - __builtin_clzll(excess) + PACE_LESS);
	if (pace->shift > PACE_SHIFT_MAX)
		pace->shift = PACE_SHIFT_MAX;
}

/* Each event has the same chance, 1 in 2^shift. */
static bool is_chosen(struct shard *shard, int64_t time_ns)
{
	struct shard_pace *pace = &shard->pace;
	int64_t elapsed_ns = (int64_t)((uint64_t)time_ns - (uint64_t)pace->begun_ns);
	uint32_t at;

	if (!pace->is_held)
		return true;
	if (pace->seen == PACE_EVENTS || elapsed_ns >= PACE_NS) {
		set_pace(pace, elapsed_ns);
		pace->begun_ns = time_ns;
		pace->seen = 0;
	}
	at = pace->seen++ & ((1u << pace->shift) - 1);
	if (!at)
		pace->chosen = draw(shard) & ((1u << pace->shift) - 1);
	return at == pace->chosen;
}

/* --- at once --- */

uint64_t stats_hash_name(const struct hash_key *key, struct slice wire_name)
{
	return key_of_lowered(key, wire_name.data, wire_name.length);
}

/* Copies a name, in lower case unless case counts. The copy is followed by up to 8 zeros. */
static void copy_name(const struct shard *shard, struct slice name, uint8_t *out)
{
	bool keeps_case = shard->limits.keeps_case;
	const uint8_t *at = name.data, *end = at + name.length;
	uint64_t word;

	for (; end - at >= 8; at += 8, out += 8) {
		word = key_load(at);
		word = keeps_case ? word : name_lower_word(word);
		memcpy(out, &word, 8);
	}
	word = hash_tail(end, name.length);
	word = keeps_case ? word : name_lower_word(word);
	memcpy(out, &word, 8);
}

static bool is_inet6(const struct event *event)
{
	return (event->query_address.version ? event->query_address.version
					     : event->response_address.version) == 6;
}

static void count_plain(struct layout_counts *counts, const struct event *event,
			enum direction direction)
{
	struct direction_counts *own = &counts->directions[direction];

	own->messages++;
	own->bytes += event->length;
	own->families[is_inet6(event)]++;
	if (event->protocol < EVENT_PROTOCOL_END)
		own->protocols[event->protocol]++;
	own->rcodes[layout_rcode(event->rcode)]++;
	if (event->qname.length != EVENT_NO_QUESTION)
		own->types[layout_type(event->type)]++;
	if (direction == DIRECTION_RESPONSE && event->latency_ns != EVENT_NO_LATENCY)
		latency_add(&counts->latency, event->latency_ns);
}

static void make_digest(const struct shard *shard, const struct event *event,
			enum direction direction, struct digest *digest)
{
	unsigned lists = shard->lists_of_all[direction] |
			 shard->lists_of_rcode[direction][layout_rcode(event->rcode)] |
			 shard->lists_of_type[direction][layout_type(event->type)];

	digest->lists = (uint16_t)lists;
	digest->weight = (uint16_t)(1u << shard->pace.shift);
	digest->direction = (uint8_t)direction;
	digest->length = event->length;
	layout_pack_client(&event->query_address, digest->client);
	table_prefetch_set(&shard->clients, digest->client_key);
	digest->name_length = (uint8_t)event->qname.length;
	if (!digest->name_key)
		return;
	copy_name(shard, event->qname, digest->name);
	table_prefetch_set(&shard->names, digest->name_key);
}

/* For its tables, when there is time. Out of line: what comes fast seldom comes here. */
static __attribute__((noinline)) void queue(struct shard *shard, const struct event *event,
					    enum direction direction, uint64_t name_key,
					    uint64_t client_key)
{
	struct batch *batch = &shard->memory->batch;
	uint32_t queued;

	if (batch->queued == LAYOUT_BATCH)
		shard_settle(shard);
	queued = batch->queued;
	batch->digests[queued].name_key = name_key;
	batch->digests[queued].client_key = client_key;
	make_digest(shard, event, direction, &batch->digests[queued]);
	__atomic_store_n(&batch->queued, queued + 1, __ATOMIC_RELEASE);
}

static uint64_t name_key_of(const struct shard *shard, struct slice name, uint64_t name_hash)
{
	if (name.length == EVENT_NO_QUESTION)
		return 0;
	return shard->limits.keeps_case ? key_of_exact(&shard->key, name.data, name.length)
					: name_hash;
}

void shard_count(struct shard *shard, const struct event *event, uint64_t name_hash)
{
	enum direction direction = event_is_query(event) ? DIRECTION_QUERY : DIRECTION_RESPONSE;
	uint64_t name_key, client_key;

	assert(event->qname.length <= DNS_NAME_MAX);
	if (event->is_unanswered) {
		shard->memory->counts.unanswered++;
		return;
	}
	count_plain(&shard->memory->counts, event, direction);
	name_key = name_key_of(shard, event->qname, name_hash);
	client_key = layout_client_key(&shard->key, &event->query_address);
	if (is_chosen(shard, event->time_ns)) {
		queue(shard, event, direction, name_key, client_key);
		return;
	}
	if (name_key)
		distinct_add(&shard->memory->names, name_key);
	distinct_add(&shard->memory->clients, client_key);
}

void shard_totals(const void *memory, uint64_t epoch, uint64_t *queries, uint64_t *responses)
{
	const struct shard_memory *shard = memory;
	const struct direction_counts *directions = shard->counts.directions;

	if (!__atomic_load_n(&shard->mark, __ATOMIC_ACQUIRE) || shard->epoch != epoch)
		return;
	*queries += __atomic_load_n(&directions[DIRECTION_QUERY].messages, __ATOMIC_RELAXED);
	*responses += __atomic_load_n(&directions[DIRECTION_RESPONSE].messages, __ATOMIC_RELAXED);
}

/* --- put off --- */

static struct slice name_of(const struct digest *digest)
{
	return (struct slice){digest->name, digest->name_length};
}

static uint64_t part_key(const struct shard *shard, const struct digest *digest, uint8_t start)
{
	return key_of_lowered(&shard->key, digest->name + start,
			      digest->name_length - (size_t)start);
}

static void find_domain(const struct shard *shard, struct digest *digest)
{
	if (digest->domain_key)
		return;
	digest->split = suffixes_split(shard->suffixes, name_of(digest));
	digest->domain_key = part_key(shard, digest, digest->split.registered);
}

static uint64_t tld_key(const struct shard *shard, struct digest *digest)
{
	find_domain(shard, digest);
	return digest->split.is_known ? part_key(shard, digest, digest->split.tld) : 0;
}

static void find_name(struct shard *shard, struct digest *digest)
{
	const struct table *names = &shard->names;
	uint32_t slot = table_find(names, digest->name_key);

	digest->domain_key = 0;
	if (slot != TABLE_NONE) {
		table_touch(names, slot, digest->weight);
		table_prefetch_entry(names, slot);
	} else {
		distinct_add(&shard->memory->names, digest->name_key);
		find_domain(shard, digest);
		slot = table_admit(names, digest->name_key, digest->weight, draw(shard));
		if (slot != TABLE_NONE) {
			memcpy(table_text(names, slot), digest->name, digest->name_length);
			table_entry(names, slot)->words[NAME_DOMAIN] = digest->domain_key;
			table_keep(names, slot, digest->name_key, digest->weight);
		}
	}
	digest->name_slot = slot;
}

static void find_client(struct shard *shard, struct digest *digest)
{
	const struct table *clients = &shard->clients;
	uint32_t slot = table_find(clients, digest->client_key);

	if (slot != TABLE_NONE) {
		table_touch(clients, slot, digest->weight);
		table_prefetch_entry(clients, slot);
	} else {
		distinct_add(&shard->memory->clients, digest->client_key);
		slot = table_admit(clients, digest->client_key, digest->weight, draw(shard));
		if (slot != TABLE_NONE) {
			memcpy(table_text(clients, slot), digest->client, sizeof(digest->client));
			table_keep(clients, slot, digest->client_key, digest->weight);
		}
	}
	digest->client_slot = slot;
}

/* The entry that was found, unless another key has its place meanwhile. */
static struct table_entry *own_entry(const struct table *table, uint32_t slot, uint64_t key)
{
	struct table_entry *entry = slot < table->entry_count ? table_entry(table, slot) : NULL;

	return entry && entry->key == key ? entry : NULL;
}

static uint32_t admit_part(struct shard *shard, const struct table *table, uint64_t key,
			   struct digest *digest)
{
	uint32_t slot = table_admit(table, key, digest->weight, draw(shard));
	uint8_t start;

	if (slot == TABLE_NONE)
		return slot;
	find_domain(shard, digest);
	start = table == &shard->tlds ? digest->split.tld : digest->split.registered;
	memcpy(table_text(table, slot), digest->name + start, digest->name_length - (size_t)start);
	if (table == &shard->domains)
		table_entry(table, slot)->words[DOMAIN_TLD] = tld_key(shard, digest);
	table_keep(table, slot, key, digest->weight);
	return slot;
}

/* Counts the registered domain or the TLD of a name. *hint is where it was last, which is tried
 * first. Returns its entry, or NULL when it is not kept. */
static struct table_entry *count_part(struct shard *shard, const struct table *table, uint64_t key,
				      struct digest *digest, uint32_t *hint)
{
	struct table_entry *entry = own_entry(table, *hint, key);

	if (!entry)
		*hint = table_find(table, key);
	if (*hint != TABLE_NONE)
		table_touch(table, *hint, digest->weight);
	else
		*hint = admit_part(shard, table, key, digest);
	if (!entry)
		entry = own_entry(table, *hint, key);
	if (entry)
		entry->words[digest->direction] += digest->weight;
	return entry;
}

/* Both. The entry of a name has the key and the hint of its domain, and that one of its TLD. */
static void count_parts(struct shard *shard, struct digest *digest, uint64_t domain_key,
			uint32_t *domain_hint)
{
	struct table_entry *domain =
		count_part(shard, &shard->domains, domain_key, digest, domain_hint);
	uint64_t key = domain ? domain->words[DOMAIN_TLD] : tld_key(shard, digest);
	uint32_t no_hint = TABLE_NONE;

	if (key)
		count_part(shard, &shard->tlds, key, digest, domain ? &domain->hint : &no_hint);
}

static void count_lists(const struct shard *shard, const struct digest *digest, uint64_t *counts)
{
	const uint64_t amounts[2] = {digest->weight, (uint64_t)digest->weight * digest->length};

	for (unsigned lists = digest->lists; lists; lists &= lists - 1) {
		unsigned list = (unsigned)__builtin_ctz(lists);

		counts[list] += amounts[shard->lists_of_lengths >> list & 1];
	}
}

static void count_name(struct shard *shard, struct digest *digest)
{
	struct table_entry *entry = own_entry(&shard->names, digest->name_slot, digest->name_key);
	uint32_t no_hint = TABLE_NONE;

	if (entry) {
		count_lists(shard, digest, entry->words + NAME_COUNTS);
		count_parts(shard, digest, entry->words[NAME_DOMAIN], &entry->hint);
		return;
	}
	find_domain(shard, digest);
	count_parts(shard, digest, digest->domain_key, &no_hint);
}

static void count_client(struct shard *shard, const struct digest *digest)
{
	struct table_entry *entry =
		own_entry(&shard->clients, digest->client_slot, digest->client_key);

	if (!entry)
		return;
	entry->words[CLIENT_HITS] += digest->weight;
	entry->words[CLIENT_BYTES] += (uint64_t)digest->weight * digest->length;
}

/* A successor begins with what is not settled, and looks for all places again. */
void shard_settle(struct shard *shard)
{
	struct batch *batch = &shard->memory->batch;
	uint32_t settled = batch->settled, queued = batch->queued;

	for (uint32_t i = settled; i < queued; i++) {
		if (batch->digests[i].name_key)
			find_name(shard, &batch->digests[i]);
		find_client(shard, &batch->digests[i]);
	}
	for (uint32_t i = settled; i < queued; i++) {
		if (batch->digests[i].name_key)
			count_name(shard, &batch->digests[i]);
		count_client(shard, &batch->digests[i]);
		__atomic_store_n(&batch->settled, i + 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&batch->queued, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&batch->settled, 0, __ATOMIC_RELEASE);
}
