/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/slice.h"
#include "dns/name.h"
#include "worker/proxy/cache.h"

/*
 * An answer as it lies in the memory of a cache, where others may have written: who has checked
 * has_bounds reads nothing outside, if CACHE_ENTRY_MAX octets from its start are inside.
 */
struct cache_entry {
	uint64_t hash; /* of the key */
	uint64_t what; /* cache_entry_what() */
	uint64_t group;
	uint32_t born_s, ttl_s;
	int32_t extended_error;
	uint16_t rcode;
	uint16_t ttl_count;
	uint16_t message_length;
	uint8_t name[]; /* then at an even offset where the TTLs are, then the message */
};

#define CACHE_ENTRY_ALIGN 8u
#define CACHE_ENTRY_BYTES(name_length, ttl_count, message_length)                            \
	CACHE_ENTRY_ROUND(offsetof(struct cache_entry, name) +                               \
				  CACHE_ENTRY_ROUND((size_t)(name_length), 2u) +             \
				  sizeof(uint16_t) * (size_t)(ttl_count) + (message_length), \
			  CACHE_ENTRY_ALIGN)
#define CACHE_ENTRY_MAX		       CACHE_ENTRY_BYTES(DNS_NAME_MAX, CACHE_TTLS_MAX, CACHE_MESSAGE_MAX)
#define CACHE_ENTRY_ROUND(value, unit) (((value) + (unit)-1) & ~((size_t)(unit)-1))

_Static_assert(offsetof(struct cache_entry, name) % 2 == 0, "what follows the name is aligned");

/* All of a key that is neither name nor group, and how long the name is, which comes uppermost. */
#define CACHE_ENTRY_NAME_SHIFT 56
static inline uint64_t cache_entry_what(const struct cache_key *key)
{
	return key->type | (uint64_t)key->class << 16 | (uint64_t)key->is_dnssec_ok << 32 |
	       (uint64_t)key->is_checking_disabled << 33 |
	       (uint64_t)key->name.length << CACHE_ENTRY_NAME_SHIFT;
}

static inline struct slice cache_entry_name(const struct cache_entry *entry)
{
	return (struct slice){entry->name, entry->what >> CACHE_ENTRY_NAME_SHIFT};
}

static inline bool cache_entry_has_bounds(const struct cache_entry *entry)
{
	return entry->ttl_count <= CACHE_TTLS_MAX && entry->message_length <= CACHE_MESSAGE_MAX;
}

static inline size_t cache_entry_stride(const struct cache_entry *entry)
{
	return CACHE_ENTRY_BYTES(cache_entry_name(entry).length, entry->ttl_count,
				 entry->message_length);
}

/* With a clock that stands before its birth, as of another boot, nothing is good. */
static inline bool cache_entry_is_good(const struct cache_entry *entry, uint32_t now_s)
{
	return now_s >= entry->born_s && now_s - entry->born_s < entry->ttl_s;
}

/* Borrowed from the entry. */
static inline struct cache_answer cache_entry_answer(const struct cache_entry *entry)
{
	size_t ttls_at = CACHE_ENTRY_ROUND(cache_entry_name(entry).length, 2u);
	const uint16_t *ttls = (const uint16_t *)(const void *)(entry->name + ttls_at);

	return (struct cache_answer){
		.message = {(const uint8_t *)(ttls + entry->ttl_count), entry->message_length},
		.ttls = ttls,
		.ttl_count = entry->ttl_count,
		.rcode = entry->rcode,
		.extended_error = entry->extended_error,
		.ttl_s = entry->ttl_s,
	};
}

/* Writes all of it, CACHE_ENTRY_BYTES in length. */
void cache_entry_write(struct cache_entry *entry, uint64_t hash, const struct cache_key *key,
		       const struct cache_answer *answer, uint32_t now_s);

/* Is its name this one, or below it? */
bool cache_entry_is_within(const struct cache_entry *entry, struct slice name);
