/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An open hash table, half full, with linear probing: a slot has 32 bits of the hash and the place
 * of the name, which is looked at only when those bits agree. The hash of a name is made of that of
 * the name above it and of its first label, so that one pass over a name makes those of all names
 * above it. It is folded multiplication with a secret key: nobody can put in what collides, and who
 * only asks cannot change the table; SipHash took two thirds of the time of a filter.
 */
#include "rules/list.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "dns/name.h"

#define SLOTS_PER_NAME 2

struct slot {
	uint32_t tag;
	uint32_t name; /* bytes from the start of the list; 0: empty */
};

struct list {
	struct hash_key key;
	uint32_t slots_count;
	uint32_t names_count;
	uint32_t labels_max; /* of the longest name; a longer one is looked up by its end */
	bool has_root;
	struct slot slots[];
	/* Behind them the names in lower case, and room to compare any name with the last. */
};

/* A name as it is looked up: in lower case, and where its labels begin. */
struct labels {
	uint8_t wire[DNS_NAME_MAX + 7]; /* room to read eight octets anywhere */
	uint8_t at[DNS_LABELS_MAX];
	uint8_t length;
	uint8_t count; /* without the root */
};

static size_t names_count(struct slice names)
{
	size_t count = 0;

	while (names.length) {
		size_t length = name_wire_length(names);

		assert(length);
		names.data += length;
		names.length -= length;
		count++;
	}
	return count;
}

size_t list_size(struct slice names)
{
	size_t slots = SLOTS_PER_NAME * names_count(names);
	size_t size =
		sizeof(struct list) + slots * sizeof(struct slot) + names.length + DNS_NAME_MAX;

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

/* The slot of a name that ends its labels; or an empty one, where it could be. */
static inline uint32_t slot_find(const struct list *list, const uint8_t *name, size_t length,
				 uint64_t hash)
{
	uint32_t slot = (uint32_t)((hash >> 32) * list->slots_count >> 32);

	for (; list->slots[slot].name; slot = slot + 1 < list->slots_count ? slot + 1 : 0)
		if (list->slots[slot].tag == (uint32_t)hash &&
		    !memcmp((const uint8_t *)list + list->slots[slot].name, name, length))
			break;
	return slot;
}

/* Puts the name in where the names end, unless it is there. Returns where they end then. */
static uint32_t list_add(struct list *list, struct slice name, uint32_t end)
{
	struct labels labels;
	uint64_t hash = 0;
	uint32_t slot;

	labels_init(&labels, name);
	if (!labels.count) {
		list->names_count += !list->has_root;
		list->has_root = true;
		return end;
	}
	for (unsigned i = labels.count; i--;)
		hash = label_hash(list, labels.wire + labels.at[i], hash);
	slot = slot_find(list, labels.wire, labels.length, hash);
	if (list->slots[slot].name)
		return end;
	list->slots[slot] = (struct slot){(uint32_t)hash, end};
	memcpy((uint8_t *)list + end, labels.wire, labels.length);
	list->names_count++;
	if (labels.count > list->labels_max)
		list->labels_max = labels.count;
	return end + labels.length;
}

const struct list *list_build(void *memory, struct slice names, const struct hash_key *key)
{
	struct list *list = memory;
	size_t size = list_size(names);
	uint32_t end;

	assert(size && (uintptr_t)memory % LIST_ALIGNMENT == 0);
	memset(list, 0, size);
	list->key.word[0] = hash_bytes(key, "sum", 3);
	list->key.word[1] = hash_bytes(key, "factor", 6) | 1;
	list->slots_count = (uint32_t)(SLOTS_PER_NAME * names_count(names));
	end = (uint32_t)(sizeof(*list) + list->slots_count * sizeof(struct slot));
	while (names.length) {
		size_t length = name_wire_length(names);

		end = list_add(list, (struct slice){names.data, length}, end);
		names.data += length;
		names.length -= length;
	}
	return list;
}

uint32_t list_count(const struct list *list)
{
	return list->names_count;
}

bool list_match(const struct list *list, struct slice name)
{
	struct labels labels;
	uint64_t hash = 0;
	unsigned last;

	if (list->has_root || !list->labels_max || !name.length)
		return list->has_root;
	labels_init(&labels, name);
	last = labels.count > list->labels_max ? labels.count - list->labels_max : 0;
	for (unsigned i = labels.count; i-- > last;) {
		const uint8_t *suffix = labels.wire + labels.at[i];

		hash = label_hash(list, suffix, hash);
		if (list->slots[slot_find(list, suffix, labels.length - labels.at[i], hash)].name)
			return true;
	}
	return false;
}
