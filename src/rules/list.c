/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An open hash table, half full, with linear probing: a slot has 32 bits of the hash and the place
 * of the name, which is looked at only when those bits agree. Before a slot a bit of a filter is
 * looked at, which is small enough to be at hand: most names are not in a list. The hash of a name
 * is made of that of the name above it and of its first label, so that one pass over a name makes
 * those of all names above it. An octet before the name tells what its entries say. It is folded
 * multiplication with a secret key: nobody can put in what collides, and who only asks cannot
 * change the table; SipHash took two thirds of the time of a filter.
 */
#include "rules/list.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "dns/name.h"
#include "rules/names.h"

#define LIST_MAGIC	  UINT64_C(0x326c3700736e6400) /* has octets 0, as no text has */
#define SLOTS_PER_NAME	  2
#define ARRIVALS	  16
#define FILTER_LINE_BYTES 64
/* Slots that are taken without a gap. Half full tables of any size that fits have one chance in
 * 10^30 of more. */
#define RUN_MAX 512

struct slot {
	uint32_t tag;
	uint32_t name; /* bytes from the start of the list, the octet before it too; 0: empty */
};

struct list {
	uint64_t magic;
	struct hash_key key;
	uint32_t size; /* bytes in all */
	uint32_t slots_count;
	uint32_t names_count;
	uint8_t labels_max; /* of the longest name; a longer one is looked up by its end */
	uint8_t root_say;
	uint8_t has_more; /* than NAMES_IN: the first entry that is found need not decide */
	uint8_t unused;
	struct slot slots[];
	/* Behind them the filter; then what is said of the names, and they in
	 * lower case; room to compare any name with the last. */
};

/* A name as it is looked up: in lower case, and where its labels begin. */
struct labels {
	uint8_t wire[DNS_NAME_MAX + 7]; /* room to read eight octets anywhere */
	uint8_t at[DNS_LABELS_MAX];
	uint8_t length;
	uint8_t count; /* without the root */
};

static inline size_t filter_offset(size_t slots_count)
{
	return sizeof(struct list) + slots_count * sizeof(struct slot);
}

/* Lines of the filter: there is an octet for each name. */
static inline size_t filter_lines(size_t slots_count)
{
	return slots_count / SLOTS_PER_NAME / FILTER_LINE_BYTES + 1;
}

static inline size_t names_offset(size_t slots_count)
{
	return filter_offset(slots_count) + filter_lines(slots_count) * FILTER_LINE_BYTES;
}

size_t list_size(const struct names *names)
{
	size_t size = names_offset(SLOTS_PER_NAME * names->count) + names->length + DNS_NAME_MAX;

	return size <= UINT32_MAX ? size : 0;
}

/* Octets of lengths are below those of letters. */
static void labels_init(struct labels *labels, struct slice name)
{
	uint8_t at = 0;

	labels->length = (uint8_t)name.length;
	for (size_t i = 0; i < name.length; i++) {
		uint8_t octet = name.data[i];

		labels->wire[i] = octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet;
	}
	for (labels->count = 0; at + 1u < name.length; at = (uint8_t)(at + 1 + labels->wire[at]))
		labels->at[labels->count++] = at;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The hash of the name from its label on, of which hash is the one without that label. */
static inline uint64_t label_hash(const struct list *list, const uint8_t *label, uint64_t hash)
{
	uint64_t word;
	unsigned left;

	for (left = 1u + *label; left > 8; left -= 8, label += 8) {
		memcpy(&word, label, 8);
		hash = mix(hash ^ word ^ list->key.word[0], list->key.word[1]);
	}
	memcpy(&word, label, 8);
	word = le64toh(word) & UINT64_MAX >> (64 - 8 * left);
	return mix(hash ^ word ^ list->key.word[0], list->key.word[1]);
}

static inline uint32_t slot_first(const struct list *list, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * list->slots_count >> 32);
}

/* The line is that of the name above, the bit the name's own: who asks for many names of one zone
 * looks at one line, and a zone that fills its line with entries spoils no other's. Below a TLD
 * there are too many entries for one line: there each name has its own. labels: of the name. */
static inline size_t filter_place(const struct list *list, unsigned labels, uint64_t above,
				  uint64_t hash)
{
	uint64_t chosen = (labels > 2 ? above : hash) & UINT32_MAX;
	size_t line = chosen * filter_lines(list->slots_count) >> 32;

	return filter_offset(list->slots_count) + line * FILTER_LINE_BYTES +
	       hash % FILTER_LINE_BYTES;
}

static inline uint8_t filter_bit(uint64_t hash)
{
	return (uint8_t)(1 << (hash / FILTER_LINE_BYTES) % 8);
}

static inline bool filter_passes(const struct list *list, unsigned labels, uint64_t above,
				 uint64_t hash)
{
	return ((const uint8_t *)list)[filter_place(list, labels, above, hash)] & filter_bit(hash);
}

/* The slot of a name that ends its labels; or an empty one, where it could be. */
static inline uint32_t slot_find(const struct list *list, const uint8_t *name, size_t length,
				 uint64_t hash)
{
	uint32_t slot = slot_first(list, hash);

	for (; list->slots[slot].name; slot = slot + 1 < list->slots_count ? slot + 1 : 0)
		if (list->slots[slot].tag == (uint32_t)hash &&
		    !memcmp((const uint8_t *)list + list->slots[slot].name, name, length))
			break;
	return slot;
}

static inline unsigned say_part(uint8_t say, bool of_itself)
{
	return of_itself ? say & 0xf : say >> 4;
}

static uint8_t say_merge(uint8_t say, uint8_t other)
{
	unsigned itself = say_part(say, true), below = say_part(say, false);

	if (say_part(other, true) > itself)
		itself = say_part(other, true);
	if (say_part(other, false) > below)
		below = say_part(other, false);
	return NAMES_SAY(itself, below);
}

/* An entry on its way in: the slot where it is looked for first is fetched meanwhile. */
struct arrival {
	uint64_t hash, above; /* of the name above */
	uint8_t say;
	struct labels labels;
};

/* Takes the first of the entries, which are moved behind it. */
static void arrival_init(struct arrival *arrival, const struct list *list, struct slice *entries)
{
	struct slice name = {entries->data + 1, entries->length - 1};

	name.length = name_wire_length(name);
	labels_init(&arrival->labels, name);
	arrival->say = *entries->data;
	arrival->hash = 0;
	for (unsigned i = arrival->labels.count; i--;) {
		arrival->above = arrival->hash;
		arrival->hash = label_hash(list, arrival->labels.wire + arrival->labels.at[i],
					   arrival->above);
	}
	__builtin_prefetch(&list->slots[slot_first(list, arrival->hash)], 1);
	entries->data += 1 + name.length;
	entries->length -= 1 + name.length;
}

/* Puts it in where the names end, unless its name is there. Returns where they end then. */
static uint32_t list_add(struct list *list, const struct arrival *arrival, uint32_t end)
{
	const struct labels *labels = &arrival->labels;
	uint8_t *base = (uint8_t *)list, say = arrival->say;
	struct slot *slot;

	list->has_more |= (say & ~NAMES_SAY_BOTH(NAMES_IN)) != 0;
	if (!labels->count) {
		list->names_count += !list->root_say;
		list->root_say = say_merge(list->root_say, say);
		return end;
	}
	slot = &list->slots[slot_find(list, labels->wire, labels->length, arrival->hash)];
	if (slot->name) {
		base[slot->name - 1] = say_merge(base[slot->name - 1], say);
		return end;
	}
	*slot = (struct slot){(uint32_t)arrival->hash, end + 1};
	base[filter_place(list, labels->count, arrival->above, arrival->hash)] |=
		filter_bit(arrival->hash);
	base[end] = say;
	memcpy(base + end + 1, labels->wire, labels->length);
	list->names_count++;
	if (labels->count > list->labels_max)
		list->labels_max = labels->count;
	return end + 1 + labels->length;
}

/* Adds all entries, some at once, since each slot is far from the one before. */
static uint32_t list_fill(struct list *list, const struct names *names, uint32_t end)
{
	struct slice entries = {names->bytes, names->length};
	struct arrival arrivals[ARRIVALS];

	while (entries.length) {
		unsigned count = 0;

		while (count < ARRIVALS && entries.length)
			arrival_init(&arrivals[count++], list, &entries);
		for (unsigned i = 0; i < count; i++)
			end = list_add(list, &arrivals[i], end);
	}
	return end;
}

const struct list *list_build(void *memory, const struct names *names, const struct hash_key *key)
{
	struct list *list = memory;
	uint32_t slots_count = (uint32_t)(SLOTS_PER_NAME * names->count);
	uint32_t end = (uint32_t)names_offset(slots_count);

	assert(list_size(names) && (uintptr_t)memory % LIST_ALIGNMENT == 0);
	memset(list, 0, end);
	list->magic = LIST_MAGIC;
	list->key.word[0] = hash_bytes(key, "sum", 3);
	list->key.word[1] = hash_bytes(key, "factor", 6) | 1;
	list->slots_count = slots_count;
	end = list_fill(list, names, end);
	memset((uint8_t *)list + end, 0, DNS_NAME_MAX);
	list->size = end + DNS_NAME_MAX;
	return list;
}

size_t list_bytes(const struct list *list)
{
	return list->size;
}

/* Half of the slots are empty, no look-up goes far to find one, and each name has its place. */
static bool slots_check(const struct list *list)
{
	size_t first = names_offset(list->slots_count) + 1, last = list->size - DNS_NAME_MAX;
	uint32_t taken = 0, run = 0;

	for (uint32_t i = 0; i < list->slots_count; i++) {
		uint32_t name = list->slots[i].name;

		run = name ? run + 1 : 0;
		taken += name != 0;
		if (name && (name < first || name > last || run > RUN_MAX))
			return false;
	}
	return taken <= list->slots_count / SLOTS_PER_NAME &&
	       list->names_count == taken + (list->root_say != 0);
}

bool list_check(const void *memory, size_t size)
{
	const struct list *list = memory;

	return (uintptr_t)memory % LIST_ALIGNMENT == 0 && size >= sizeof(*list) &&
	       list->magic == LIST_MAGIC && list->size <= size &&
	       (list->slots_count || !list->labels_max) &&
	       list->size >= names_offset(list->slots_count) + DNS_NAME_MAX && slots_check(list);
}

uint32_t list_count(const struct list *list)
{
	return list->names_count;
}

/* What counts of that which was said so far, and what a longer name says. */
static inline unsigned word_choose(unsigned so_far, unsigned word)
{
	bool is_overruled = !word || (so_far > NAMES_OUT && word < so_far);

	return is_overruled ? so_far : word;
}

/* The hashes of the name's ends, from its label last on, and of the root behind them; their bits of
 * the filter are on their way from memory then: in a large list each look-up would wait for it. */
static void hashes_init(const struct list *list, const struct labels *labels, unsigned last,
			uint64_t *hashes)
{
	hashes[labels->count] = 0;
	for (unsigned i = labels->count; i-- > last;) {
		uint64_t above = hashes[i + 1];

		hashes[i] = label_hash(list, labels->wire + labels->at[i], above);
		__builtin_prefetch((const uint8_t *)list +
				   filter_place(list, labels->count - i, above, hashes[i]));
	}
}

static unsigned last_of(const struct list *list, const struct labels *labels)
{
	return labels->count > list->labels_max ? labels->count - list->labels_max : 0;
}

void list_prefetch(const struct list *list, struct slice name)
{
	uint64_t hashes[DNS_LABELS_MAX + 1];
	struct labels labels;

	labels_init(&labels, name);
	hashes_init(list, &labels, last_of(list, &labels), hashes);
}

bool list_match(const struct list *list, struct slice name)
{
	uint64_t hashes[DNS_LABELS_MAX + 1];
	struct labels labels;
	unsigned last, word;

	labels_init(&labels, name);
	word = say_part(list->root_say, !labels.count);
	last = last_of(list, &labels);
	hashes_init(list, &labels, last, hashes);
	for (unsigned i = labels.count; i-- > last;) {
		const uint8_t *suffix = labels.wire + labels.at[i];
		size_t length = (size_t)(labels.length - labels.at[i]);
		uint32_t place;

		if (!filter_passes(list, labels.count - i, hashes[i + 1], hashes[i]))
			continue;
		place = list->slots[slot_find(list, suffix, length, hashes[i])].name;
		if (!place)
			continue;
		word = word_choose(word, say_part(((const uint8_t *)list)[place - 1], !i));
		if (word && !list->has_more)
			break;
	}
	return word == NAMES_IN || word == NAMES_IN_IMPORTANT;
}
