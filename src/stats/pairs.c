/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queries lie one behind the other in a log that is a ring; sets of slots, by hash, point into it.
 * A slot is only a hint: what it points at is the query if the hash there says so, so slots are
 * never cleaned. A bit for each set tells whether anything can be found there, so that responses
 * whose queries are not seen at all cost nothing. When the log is full its oldest end is cleared:
 * queries that are done go, those that still wait are written again at its young end, as far as
 * that makes room.
 */
#include "stats/pairs.h"

#include <string.h>

#include "dns/name.h"
#include "stats/key.h"

#define PAIRS_MAGIC   UINT64_C(0x3373726961706e64) /* another one for another layout */
#define SETS	      16384
#define WAYS	      8 /* of a set: a cache line of slots */
#define LOG_BYTES     (4u << 20)
#define LOG_MASK      (LOG_BYTES - 1)
#define ENTRY_ALIGN   8u
#define SAVES_AT_ONCE 16 /* queries that one new query may cause to be written again */

struct pairs_memory {
	uint64_t magic;
	struct hash_key key;
	struct pairs_counts counts;
	uint64_t head, tail;	  /* of the log */
	uint64_t used[SETS / 64]; /* sets that were pointed into since nothing waited */
	uint8_t log[LOG_BYTES + 512]
		__attribute__((aligned(64))); /* an entry may begin at its end */
	/* Per slot the upper half of the hash, and where in the log, in units of ENTRY_ALIGN. */
	struct {
		uint32_t tag[WAYS];
		uint32_t at[WAYS];
	} sets[SETS] __attribute__((aligned(64)));
};

_Static_assert(sizeof(struct pairs_memory) <= PAIRS_BYTES, "it fits");

struct entry {
	uint64_t hash; /* 0: done */
	int64_t time_ns;
	uint32_t stride;
	uint32_t length;
	struct address query_address, response_address;
	uint16_t query_port, response_port;
	uint16_t id, flags, type, class;
	uint8_t kind, protocol, name_length;
	uint8_t name[];
};

_Static_assert(sizeof(struct entry) + DNS_NAME_MAX <= 512, "an entry fits behind the log's end");

static uint32_t stride_of(uint8_t name_length)
{
	return (uint32_t)(offsetof(struct entry, name) + name_length + ENTRY_ALIGN - 1) &
	       ~(ENTRY_ALIGN - 1);
}

static struct entry *entry_at(struct pairs_memory *memory, uint64_t position)
{
	return (struct entry *)(void *)(memory->log + (position & LOG_MASK));
}

void pairs_attach(struct pairs *pairs, void *memory, const struct hash_key *key, int64_t timeout_ns)
{
	struct pairs_memory *own = memory;

	*pairs = (struct pairs){.memory = own, .key = *key, .timeout_ns = timeout_ns};
	if (own->magic == PAIRS_MAGIC && !memcmp(&own->key, key, sizeof(*key)) &&
	    own->head - own->tail <= LOG_BYTES && !((own->head | own->tail) % ENTRY_ALIGN))
		return;
	memset(own, 0, sizeof(*own));
	own->key = *key;
	own->magic = PAIRS_MAGIC;
}

/* Never 0. The name's hash is keyed already. */
static uint64_t hash_of(const struct pairs *pairs, const struct event *event, uint64_t name_hash)
{
	const struct hash_key *key = &pairs->key;
	const uint8_t *from = event->query_address.bytes, *to = event->response_address.bytes;
	uint64_t rest = event->id | (uint64_t)event->query_port << 16 |
			(uint64_t)event->response_port << 32 | (uint64_t)event->type << 48;
	uint64_t hash = key_add(key, name_hash, rest, 0);
	uint32_t from4, to4;

	if (event->query_address.version == 4) {
		memcpy(&from4, from, sizeof(from4));
		memcpy(&to4, to, sizeof(to4));
		hash = key_add(key, hash, from4, to4);
	} else {
		hash = key_add(key, hash, key_load(from), key_load(from + 8));
		hash = key_add(key, hash, key_load(to), key_load(to + 8));
	}
	return hash | 1;
}

static uint32_t set_of(uint64_t hash)
{
	return (uint32_t)(hash >> 1) % SETS;
}

/* An entry that is there and waits, or NULL. */
static struct entry *find(struct pairs *pairs, uint64_t hash)
{
	struct pairs_memory *memory = pairs->memory;
	uint32_t set = set_of(hash), tag = (uint32_t)(hash >> 32);

	if (!(memory->used[set / 64] >> set % 64 & 1))
		return NULL;
	for (int way = 0; way < WAYS; way++) {
		struct entry *entry;

		if (memory->sets[set].tag[way] != tag)
			continue;
		entry = entry_at(memory, (uint64_t)memory->sets[set].at[way] * ENTRY_ALIGN);
		if (entry->hash == hash)
			return entry;
	}
	return NULL;
}

/* Points a slot at a position: one of the same tag, or one that points at nothing that waits, or
 * the oldest. */
static void point(struct pairs_memory *memory, uint64_t hash, uint64_t position)
{
	uint32_t set = set_of(hash), tag = (uint32_t)(hash >> 32);
	uint32_t at = (uint32_t)((position & LOG_MASK) / ENTRY_ALIGN), oldest = 0;
	int chosen = 0;

	for (int way = 0; way < WAYS; way++) {
		uint32_t age = (at - memory->sets[set].at[way]) & (LOG_MASK / ENTRY_ALIGN);

		if (memory->sets[set].tag[way] == tag || !memory->sets[set].tag[way]) {
			chosen = way;
			break;
		}
		if (age > oldest) {
			oldest = age;
			chosen = way;
		}
	}
	memory->used[set / 64] |= UINT64_C(1) << set % 64;
	memory->sets[set].at[chosen] = at;
	memory->sets[set].tag[chosen] = tag;
}

/* A log that a compromised or killed writer left is trusted no further than this. */
static bool is_sound(const struct pairs_memory *memory, const struct entry *entry,
		     uint64_t position)
{
	return entry->stride == stride_of(entry->name_length) &&
	       entry->stride <= memory->head - position;
}

static void forget_all(struct pairs_memory *memory)
{
	memory->tail = memory->head;
}

static void append(struct pairs_memory *memory, const struct entry *entry)
{
	struct entry *own = entry_at(memory, memory->head);

	memmove(own, entry, offsetof(struct entry, name) + entry->name_length);
	__asm__ __volatile__("" ::: "memory");
	point(memory, own->hash, memory->head);
	memory->head += own->stride;
}

/* Lets go of the oldest entry; one that waits, and may be written again, is. */
static void clear_oldest(struct pairs_memory *memory, bool may_save)
{
	struct entry *entry = entry_at(memory, memory->tail);
	uint64_t hash = entry->hash;

	if (!is_sound(memory, entry, memory->tail)) {
		forget_all(memory);
		return;
	}
	memory->tail += entry->stride;
	if (!hash)
		return;
	if (may_save) {
		append(memory, entry); /* there is at least the room that it leaves */
	} else {
		entry->hash = 0;
		memory->counts.given_up++;
	}
}

static void make_room(struct pairs_memory *memory, uint32_t stride)
{
	int saves = SAVES_AT_ONCE;

	while (LOG_BYTES - (memory->head - memory->tail) < stride) {
		bool waits = entry_at(memory, memory->tail)->hash;

		clear_oldest(memory, waits && saves > 0);
		saves -= waits;
	}
}

void pairs_add_query(struct pairs *pairs, const struct event *event, uint64_t name_hash)
{
	struct pairs_memory *memory = pairs->memory;
	uint64_t hash = hash_of(pairs, event, name_hash);
	uint8_t name_length = (uint8_t)event->qname.length;
	struct entry *entry;

	if (find(pairs, hash))
		return;
	make_room(memory, stride_of(name_length));
	entry = entry_at(memory, memory->head);
	*entry = (struct entry){
		.hash = hash,
		.time_ns = event->time_ns,
		.stride = stride_of(name_length),
		.length = event->length,
		.query_address = event->query_address,
		.response_address = event->response_address,
		.query_port = event->query_port,
		.response_port = event->response_port,
		.id = event->id,
		.flags = event->flags,
		.type = event->type,
		.class = event->class,
		.kind = event->kind,
		.protocol = event->protocol,
		.name_length = name_length,
	};
	memcpy(entry->name, event->qname.data, name_length);
	__asm__ __volatile__("" ::: "memory");
	point(memory, hash, memory->head);
	memory->head += entry->stride;
}

bool pairs_match(struct pairs *pairs, struct event *event, uint64_t name_hash)
{
	struct pairs_memory *memory = pairs->memory;
	struct entry *entry = NULL;

	if (memory->head != memory->tail)
		entry = find(pairs, hash_of(pairs, event, name_hash));
	if (!entry) {
		memory->counts.unmatched++;
		return false;
	}
	event->latency_ns = event->time_ns > entry->time_ns ? event->time_ns - entry->time_ns : 0;
	entry->hash = 0;
	memory->counts.matched++;
	return true;
}

static void fill(struct event *event, const struct entry *entry, int64_t now_ns)
{
	*event = (struct event){
		.time_ns = entry->time_ns,
		.latency_ns = now_ns - entry->time_ns,
		.query_address = entry->query_address,
		.response_address = entry->response_address,
		.query_port = entry->query_port,
		.response_port = entry->response_port,
		.id = entry->id,
		.flags = entry->flags,
		.type = entry->type,
		.class = entry->class,
		.kind = entry->kind,
		.protocol = entry->protocol,
		.is_unanswered = true,
		.length = entry->length,
		.qname = {entry->name, entry->name_length},
	};
}

bool pairs_expire(struct pairs *pairs, int64_t now_ns, uint64_t *at, struct event *event)
{
	struct pairs_memory *memory = pairs->memory;

	if (*at - memory->tail > memory->head - memory->tail)
		*at = memory->tail;
	while (*at != memory->head) {
		struct entry *entry = entry_at(memory, *at);

		if (!is_sound(memory, entry, *at)) {
			forget_all(memory);
			return false;
		}
		if (*at == memory->tail && !entry->hash)
			memory->tail += entry->stride;
		*at += entry->stride;
		if (!entry->hash || now_ns - entry->time_ns < pairs->timeout_ns)
			continue;
		fill(event, entry, now_ns);
		entry->hash = 0;
		memory->counts.unanswered++;
		return true;
	}
	if (memory->tail == memory->head)
		memset(memory->used, 0, sizeof(memory->used));
	return false;
}

struct pairs_counts pairs_counts(const void *memory)
{
	return ((const struct pairs_memory *)memory)->counts;
}
