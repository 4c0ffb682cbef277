/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/hash.h"
#include "base/slice.h"
#include "ipc/cache_counts.h"

/*
 * Answers of upstreams, kept in shared memory of fixed size that outlives the worker: one writer,
 * no reader beside it. SIGKILL at any instruction leaves every entry whole or gone. What was put in
 * first goes first, unless it was asked for since. What damaged memory says may be wrong, but leads
 * nowhere outside.
 */
struct cache;

#define CACHE_MESSAGE_MAX 4096 /* octets; larger answers are not kept */
#define CACHE_TTLS_MAX	  256

/* What an answer depends on. */
struct cache_key {
	struct slice name; /* uncompressed wire form, in lower case */
	uint16_t type, class;
	bool is_dnssec_ok, is_checking_disabled; /* DO, CD */
	uint64_t group; /* of upstreams: a hash of what they are, so that it outlives a reload */
};

struct cache_answer {
	struct slice message; /* as response_compact() leaves it; its question is the key's, in
				 any case of letters, and is found in that of the key */
	const uint16_t *ttls; /* where its TTLs lie */
	uint16_t ttl_count;
	uint16_t rcode;	    /* with upper bits */
	int extended_error; /* of the upstream, or -1 */
	uint32_t ttl_s;	    /* how long it is good */
};

struct cache_hit {
	struct cache_answer answer; /* borrowed: until the next cache_put */
	uint32_t age_s;
	uint32_t left_s; /* 0: it is stale */
};

/* memory: page-aligned, of size bytes, a multiple of CACHE_SIZE_UNIT, of which 32 GiB are used at
 * most; zeroed, or what a predecessor left. One of another layout or size begins anew. key: secret;
 * another one begins anew. NULL when out of memory (for the handle). cache_close leaves the memory
 * as it is. */
#define CACHE_SIZE_UNIT (1u << 20)
struct cache *cache_open(void *memory, size_t size, const struct hash_key *key);
void cache_close(struct cache *cache);

/*
 * A hash of all of a key but its group, and two steps that have the processor fetch what a look-up
 * with it will touch, first of the index, a little later of the entry: memory is slow, and who has
 * several queries at hand need not wait for each.
 */
uint64_t cache_hash(const struct cache *cache, const struct cache_key *key);
void cache_prefetch_index(const struct cache *cache, uint64_t hash);
void cache_prefetch_entry(const struct cache *cache, uint64_t hash);

/* now_s: seconds, monotonic, the same clock for all who use the memory. stale_s: how long after its
 * end an answer may still be found. False: a miss; so is what was put at a later time than now_s.
 */
bool cache_find(struct cache *cache, const struct cache_key *key, uint32_t now_s, uint32_t stale_s,
		struct cache_hit *hit);

/* The same for who has its hash. */
bool cache_find_hashed(struct cache *cache, const struct cache_key *key, uint64_t hash,
		       uint32_t now_s, uint32_t stale_s, struct cache_hit *hit);

/* Replaces what is there. One that is too big is counted only, one whose ttl_s is 0 not even that.
 */
void cache_put(struct cache *cache, const struct cache_key *key, const struct cache_answer *answer,
	       uint32_t now_s);

/* Forgets all. */
void cache_clear(struct cache *cache);

/*
 * Forgets what is there of a name (wire form, lower case) and of all below it: none of it is found
 * any more, and what is put from now on stays. To take it out of the memory, which a large cache
 * takes long for, is left to cache_remove_more(), which goes through so many octets at a time:
 * false when there is nothing left to do. Who follows a cache that was closed before begins anew.
 */
void cache_remove(struct cache *cache, struct slice name);
bool cache_remove_more(struct cache *cache, size_t octets);
