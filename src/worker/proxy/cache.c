/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory is a head, an index, and a log that is a ring. An entry is written whole at the young
 * end of the log, the end moves behind it, and then one store into the index makes it found: what
 * the index does not point at is dead. Room is made at the old end. Entries there are taken out of
 * the index before they are written over; but those that were asked for, and are good, are written
 * again at the young end, as far as that is little work. SIGKILL keeps program order, so that is
 * all it takes.
 *
 * A slot of the index is one word: the entry's place in units of 8 octets from the start of the
 * memory (0 is the head: none), whether it was asked for, and 31 bits of its hash. So neither a
 * miss nor a full set of slots touches entries. A set is a cache line.
 */
#include "worker/proxy/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/name.h"
#include "worker/proxy/cache_entry.h"

#define WAYS	  8u
#define SET_BYTES 640u /* of the log for each set: entries of 160 octets take half of the slots */
#define MOVES_MAX 16   /* entries that one put may cause to be written again */

#define CACHE_LINE_BYTES 64u
#define PREFETCHED_BYTES 192u /* of an entry: most are no longer */

#define SLOT_PLACE     UINT64_C(0xffffffff)
#define SLOT_ASKED     (UINT64_C(1) << 32)
#define SLOT_TAG_SHIFT 33
#define BYTES_MAX      (SLOT_PLACE * CACHE_ENTRY_ALIGN)

struct set {
	uint64_t slots[WAYS];
};

struct cache {
	struct cache_head *head;
	struct set *sets;
	uint32_t set_count;
	uint64_t log_at;    /* in the memory */
	uint64_t log_bytes; /* CACHE_ENTRY_MAX more are behind, for an entry that begins at its end
			     */
	struct hash_key key;
	struct {
		uint64_t position, end; /* in the log: what lies between is to be gone through. 0:
					   nothing is removed */
		uint8_t name[DNS_NAME_MAX];
		size_t length;
	} removal;
};

/* The compiler moves no store past it. */
static void store(uint64_t *word, uint64_t value)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* For others to read. */
static void count(uint64_t *counter, int64_t more)
{
	__atomic_store_n(counter, *counter + (uint64_t)more, __ATOMIC_RELAXED);
}

/* SipHash, as clients can tell by TTLs what was evicted; alone it takes 5 ns more than key.h. */
uint64_t cache_hash(const struct cache *cache, const struct cache_key *key)
{
	const uint8_t *at = key->name.data, *end = at + key->name.length;
	struct hash_state s = hash_start(&cache->key);
	uint64_t word;

	assert(key->name.length <= DNS_NAME_MAX);
	hash_add(&s, cache_entry_what(key));
	for (; end - at >= 8; at += 8) {
		memcpy(&word, at, sizeof(word));
		hash_add(&s, word);
	}
	return hash_end(&s, hash_tail(end, key->name.length), key->name.length);
}

/* The lower half of a hash chooses the set, the upper one is the tag. */
static struct set *set_of(const struct cache *cache, uint64_t hash)
{
	return &cache->sets[(hash & UINT32_MAX) * cache->set_count >> 32];
}

static uint64_t make_slot(const struct cache *cache, uint64_t hash, uint64_t position)
{
	uint64_t at = cache->log_at + position % cache->log_bytes;

	return hash >> SLOT_TAG_SHIFT << SLOT_TAG_SHIFT | at / CACHE_ENTRY_ALIGN;
}

/* Where in the log the entry of a slot begins; log_bytes or more: nowhere. */
static uint64_t offset_of(const struct cache *cache, uint64_t slot)
{
	return (slot & SLOT_PLACE) * CACHE_ENTRY_ALIGN - cache->log_at;
}

/* How far behind an offset another one is, round the ring. */
static uint64_t distance(const struct cache *cache, uint64_t from, uint64_t to)
{
	return to - from + (to < from ? cache->log_bytes : 0);
}

static struct cache_entry *entry_at(const struct cache *cache, uint64_t offset)
{
	return (struct cache_entry *)(void *)((uint8_t *)cache->head + cache->log_at + offset);
}

/* The name is in the hash; who finds by it, compares it in the message. */
static bool is_of(const struct cache_entry *entry, uint64_t hash, const struct cache_key *key)
{
	return entry->hash == hash && entry->what == cache_entry_what(key) &&
	       entry->group == key->group;
}

/* The slot of a key, or NULL. */
static uint64_t *find_key(const struct cache *cache, uint64_t hash, const struct cache_key *key)
{
	struct set *set = set_of(cache, hash);

	for (uint32_t way = 0; way < WAYS; way++) {
		uint64_t slot = set->slots[way], offset;

		if ((slot ^ hash) >> SLOT_TAG_SHIFT)
			continue;
		offset = offset_of(cache, slot);
		if (offset < cache->log_bytes && is_of(entry_at(cache, offset), hash, key))
			return &set->slots[way];
	}
	return NULL;
}

void cache_prefetch_index(const struct cache *cache, uint64_t hash)
{
	__builtin_prefetch(set_of(cache, hash));
}

void cache_prefetch_entry(const struct cache *cache, uint64_t hash)
{
	const struct set *set = set_of(cache, hash);

	for (uint32_t way = 0; way < WAYS; way++) {
		uint64_t offset = offset_of(cache, set->slots[way]);

		if ((set->slots[way] ^ hash) >> SLOT_TAG_SHIFT || offset >= cache->log_bytes)
			continue;
		for (uint32_t at = 0; at < PREFETCHED_BYTES; at += CACHE_LINE_BYTES)
			__builtin_prefetch((const uint8_t *)entry_at(cache, offset) + at);
	}
}

/* The slot of the entry at a position, or NULL: it is dead. */
static uint64_t *find_position(const struct cache *cache, uint64_t hash, uint64_t position)
{
	uint64_t wanted = make_slot(cache, hash, position);
	struct set *set = set_of(cache, hash);

	for (uint32_t way = 0; way < WAYS; way++)
		if ((set->slots[way] & ~SLOT_ASKED) == wanted)
			return &set->slots[way];
	return NULL;
}

/* Takes an entry out of the index, to make room. */
static void evict(struct cache *cache, uint64_t *slot, uint32_t now_s)
{
	struct cache_counts *counts = &cache->head->counts;
	uint64_t offset = offset_of(cache, *slot);
	bool was_good =
		offset < cache->log_bytes && cache_entry_is_good(entry_at(cache, offset), now_s);

	count(was_good ? &counts->evicted : &counts->expired, 1);
	store(slot, 0);
	count(&counts->entries, -1);
}

/* It may not be found, even where the removal has not come to yet. */
static bool is_removed(const struct cache *cache, const struct cache_entry *entry,
		       uint64_t position)
{
	const struct slice name = {cache->removal.name, cache->removal.length};

	return position < cache->removal.end && cache_entry_is_within(entry, name);
}

static struct cache_entry *young_end(const struct cache *cache)
{
	return entry_at(cache, cache->head->young % cache->log_bytes);
}

/* What was written at the young end becomes the entry of a slot. */
static void append(struct cache *cache, uint64_t *slot, uint64_t hash, size_t stride)
{
	uint64_t position = cache->head->young;

	store(&cache->head->young, position + stride);
	store(slot, make_slot(cache, hash, position));
}

static bool is_sound(const struct cache *cache, const struct cache_entry *entry, uint64_t position)
{
	return cache_entry_has_bounds(entry) &&
	       cache_entry_stride(entry) <= cache->head->young - position;
}

/* True: the oldest entry was written again, which may be. */
static bool clear_oldest(struct cache *cache, uint32_t now_s, bool may_move)
{
	struct cache_head *head = cache->head;
	const struct cache_entry *entry = entry_at(cache, head->old % cache->log_bytes);
	size_t stride = cache_entry_stride(entry);
	uint64_t *slot;
	bool moves;

	if (!is_sound(cache, entry, head->old)) {
		cache_clear(cache);
		return false;
	}
	slot = find_position(cache, entry->hash, head->old);
	moves = slot && may_move && *slot & SLOT_ASKED && cache_entry_is_good(entry, now_s) &&
		!is_removed(cache, entry, head->old);
	if (moves) {
		memcpy(young_end(cache), entry, stride);
		append(cache, slot, entry->hash, stride);
	} else if (slot) {
		evict(cache, slot, now_s);
	}
	store(&head->old, head->old + stride);
	return moves;
}

/* There always is room for one entry of any size, so that none is written again over itself. */
static void make_room(struct cache *cache, size_t stride, uint32_t now_s)
{
	const struct cache_head *head = cache->head;
	int moves = MOVES_MAX;

	while (cache->log_bytes - (head->young - head->old) < stride + CACHE_ENTRY_MAX)
		moves -= clear_oldest(cache, now_s, moves > 0);
}

/* A slot for a new entry: one that is free, or that of the oldest entry that nobody asked for, or
 * of the oldest. */
static uint64_t *take_slot(struct cache *cache, uint64_t hash, uint32_t now_s)
{
	uint64_t young = cache->head->young % cache->log_bytes, least = UINT64_MAX;
	struct set *set = set_of(cache, hash);
	uint64_t *chosen = NULL;

	for (uint32_t way = 0; way < WAYS; way++) {
		uint64_t slot = set->slots[way];
		uint64_t rank = distance(cache, young, offset_of(cache, slot));

		if (!slot)
			return &set->slots[way];
		if (slot & SLOT_ASKED)
			rank += cache->log_bytes;
		if (rank <= least) {
			least = rank;
			chosen = &set->slots[way];
		}
	}
	evict(cache, chosen, now_s);
	return chosen;
}

void cache_put(struct cache *cache, const struct cache_key *key, const struct cache_answer *answer,
	       uint32_t now_s)
{
	struct cache_counts *counts = &cache->head->counts;
	uint64_t hash = cache_hash(cache, key), *slot;
	size_t stride;
	bool is_new;

	if (answer->message.length > CACHE_MESSAGE_MAX || answer->ttl_count > CACHE_TTLS_MAX) {
		count(&counts->too_big, 1);
		return;
	}
	if (!answer->ttl_s)
		return;
	stride = CACHE_ENTRY_BYTES(key->name.length, answer->ttl_count, answer->message.length);
	make_room(cache, stride, now_s);
	cache_entry_write(young_end(cache), hash, key, answer, now_s);
	slot = find_key(cache, hash, key);
	is_new = !slot;
	if (is_new)
		slot = take_slot(cache, hash, now_s);
	append(cache, slot, hash, stride);
	count(is_new ? &counts->entries : &counts->replaced, 1);
	count(&counts->inserts, 1);
}

/* Whether a reader that follows the TTLs' places stays within the message. */
static bool has_ttls_inside(const struct cache_answer *answer)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < answer->ttl_count; i++)
		last = answer->ttls[i] > last ? answer->ttls[i] : last;
	return !answer->ttl_count || last + sizeof(uint32_t) <= answer->message.length;
}

/* Others make replies of it, whatever wrote into the memory: it has one question, which is the
 * key's. */
static bool is_answer_to(struct slice message, const struct cache_key *key)
{
	const uint8_t *name = message.data + DNS_HEADER_SIZE, *fixed = name + key->name.length;

	return message.length >= DNS_HEADER_SIZE + key->name.length + 4 &&
	       be16_load(message.data + 4) == 1 && be16_load(fixed) == key->type &&
	       be16_load(fixed + 2) == key->class &&
	       !memcmp(name, key->name.data, key->name.length);
}

/* False: it may not be told any more, or it is damaged. */
static bool read_entry(const struct cache_entry *entry, const struct cache_key *key, uint32_t now_s,
		       uint32_t stale_s, struct cache_hit *hit)
{
	uint32_t age_s = now_s - entry->born_s;
	bool is_good = cache_entry_is_good(entry, now_s);

	if (!is_good && (now_s < entry->born_s || age_s - entry->ttl_s >= stale_s))
		return false;
	if (!cache_entry_has_bounds(entry))
		return false;
	hit->answer = cache_entry_answer(entry);
	hit->age_s = age_s;
	hit->left_s = is_good ? entry->ttl_s - age_s : 0;
	return is_answer_to(hit->answer.message, key) && has_ttls_inside(&hit->answer);
}

static uint64_t position_of(const struct cache *cache, uint64_t slot)
{
	uint64_t old = cache->head->old;

	return old + distance(cache, old % cache->log_bytes, offset_of(cache, slot));
}

/* What a slot of the index leads to, if it may be told. */
static bool read_slot(const struct cache *cache, uint64_t slot, const struct cache_key *key,
		      uint32_t now_s, uint32_t stale_s, struct cache_hit *hit)
{
	const struct cache_entry *entry = entry_at(cache, offset_of(cache, slot));

	if (cache->removal.end && is_removed(cache, entry, position_of(cache, slot)))
		return false;
	return read_entry(entry, key, now_s, stale_s, hit);
}

bool cache_find_hashed(struct cache *cache, const struct cache_key *key, uint64_t hash,
		       uint32_t now_s, uint32_t stale_s, struct cache_hit *hit)
{
	struct cache_counts *counts = &cache->head->counts;
	uint64_t *slot = find_key(cache, hash, key);

	if (!slot || !read_slot(cache, *slot, key, now_s, stale_s, hit)) {
		count(&counts->misses, 1);
		return false;
	}
	if (!(*slot & SLOT_ASKED))
		store(slot, *slot | SLOT_ASKED);
	count(hit->left_s ? &counts->hits : &counts->stale_hits, 1);
	return true;
}

bool cache_find(struct cache *cache, const struct cache_key *key, uint32_t now_s, uint32_t stale_s,
		struct cache_hit *hit)
{
	return cache_find_hashed(cache, key, cache_hash(cache, key), now_s, stale_s, hit);
}

/* Word by word: a kill amid memset could leave half of a slot. */
static void empty_index(struct cache *cache)
{
	uint64_t *end = cache->sets[cache->set_count].slots;

	for (uint64_t *slot = cache->sets->slots; slot < end; slot++)
		store(slot, 0);
}

void cache_clear(struct cache *cache)
{
	empty_index(cache);
	store(&cache->head->old, cache->head->young);
	store(&cache->head->counts.entries, 0);
	cache->removal.end = 0;
}

void cache_remove(struct cache *cache, struct slice name)
{
	assert(name.length <= DNS_NAME_MAX);
	while (cache_remove_more(cache, SIZE_MAX)) /* there is one removal at a time */
		;
	memcpy(cache->removal.name, name.data, name.length);
	cache->removal.length = name.length;
	cache->removal.position = cache->head->old;
	cache->removal.end = cache->head->young;
}

/* Takes the entry at a position out of the index, if it is to be removed. */
static void remove_entry(struct cache *cache, const struct cache_entry *entry, uint64_t position)
{
	uint64_t *slot = is_removed(cache, entry, position)
				 ? find_position(cache, entry->hash, position)
				 : NULL;

	if (!slot)
		return;
	store(slot, 0);
	count(&cache->head->counts.entries, -1);
}

bool cache_remove_more(struct cache *cache, size_t octets)
{
	uint64_t old = cache->head->old, end = cache->removal.end;
	uint64_t position = cache->removal.position < old ? old : cache->removal.position;
	uint64_t stop = position < end && end - position > octets ? position + octets : end;

	while (position < stop) {
		const struct cache_entry *entry = entry_at(cache, position % cache->log_bytes);

		if (!is_sound(cache, entry, position)) {
			cache_clear(cache);
			return false;
		}
		remove_entry(cache, entry, position);
		position += cache_entry_stride(entry);
	}
	cache->removal.position = position;
	if (position >= end)
		cache->removal.end = 0;
	return cache->removal.end;
}

/* Empties slots that point outside of the log, and counts the others: a predecessor may have been
 * killed before it did. */
static void check_index(struct cache *cache)
{
	struct cache_head *head = cache->head;
	uint64_t *end = cache->sets[cache->set_count].slots;
	uint64_t old = head->old % cache->log_bytes, entries = 0;

	for (uint64_t *slot = cache->sets->slots; slot < end; slot++) {
		uint64_t offset = offset_of(cache, *slot);

		if (offset >= cache->log_bytes ||
		    distance(cache, old, offset) >= head->young - head->old)
			*slot = 0;
		entries += *slot != 0;
	}
	store(&head->counts.entries, entries);
}

static bool has_sound_head(const struct cache *cache, size_t size, uint64_t key_mark)
{
	const struct cache_head *head = cache->head;

	return head->layout == CACHE_HEAD_LAYOUT && head->size == size &&
	       head->key_mark == key_mark && head->old <= head->young && head->young <= INT64_MAX &&
	       head->young - head->old <= cache->log_bytes - CACHE_ENTRY_MAX &&
	       !((head->young | head->old) % CACHE_ENTRY_ALIGN);
}

static void begin(struct cache *cache, size_t size, uint64_t key_mark)
{
	store(&cache->head->layout, 0);
	empty_index(cache);
	*cache->head = (struct cache_head){.size = size, .key_mark = key_mark};
	store(&cache->head->layout, CACHE_HEAD_LAYOUT);
}

struct cache *cache_open(void *memory, size_t size, const struct hash_key *key)
{
	uint64_t used = size < BYTES_MAX ? size : BYTES_MAX, room;
	uint64_t key_mark = hash_bytes(key, "", 0);
	struct cache *cache = malloc(sizeof(*cache));

	assert(size >= CACHE_SIZE_UNIT);
	if (!cache)
		return NULL;
	room = used - CACHE_HEAD_BYTES - CACHE_ENTRY_MAX;
	*cache = (struct cache){
		.head = memory,
		.sets = (struct set *)(void *)((uint8_t *)memory + CACHE_HEAD_BYTES),
		.set_count = (uint32_t)(room / (sizeof(struct set) + SET_BYTES)),
		.key = *key,
	};
	cache->log_at = CACHE_HEAD_BYTES + cache->set_count * sizeof(struct set);
	cache->log_bytes =
		(used - CACHE_ENTRY_MAX - cache->log_at) / CACHE_ENTRY_ALIGN * CACHE_ENTRY_ALIGN;
	if (has_sound_head(cache, size, key_mark))
		check_index(cache);
	else
		begin(cache, size, key_mark);
	return cache;
}

void cache_close(struct cache *cache)
{
	free(cache);
}
