/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cursor.h"
#include "base/random.h"
#include "dns/name.h"
#include "worker/proxy/cache.h"

/*
 * A small cache, and answers that follow from two numbers: which key, and which version. So every
 * octet of what is found can be told.
 */
#define RIG_BYTES CACHE_SIZE_UNIT
#define RIG_TTL_S 300u

static const struct hash_key rig_key = {{1, 2}};

struct rig {
	struct cache *cache;
	uint8_t *memory;
	struct random random;
};

static inline int rig_set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_int_equal(random_init(&rig->random), 0);
	rig->memory =
		mmap(NULL, RIG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(rig->memory != MAP_FAILED);
	rig->cache = cache_open(rig->memory, RIG_BYTES, &rig_key);
	*state = rig;
	return 0;
}

static inline int rig_tear_down(void **state)
{
	struct rig *rig = *state;

	cache_close(rig->cache);
	munmap(rig->memory, RIG_BYTES);
	free(rig);
	return 0;
}

static inline void rig_reopen(struct rig *rig)
{
	cache_close(rig->cache);
	rig->cache = cache_open(rig->memory, RIG_BYTES, &rig_key);
}

static inline struct cache_counts rig_counts(const struct rig *rig)
{
	struct cache_counts counts;

	assert_true(cache_counts_read(rig->memory, RIG_BYTES, &counts));
	return counts;
}

struct rig_answer {
	uint32_t number, version;
	uint8_t name[DNS_NAME_MAX];
	uint8_t message[CACHE_MESSAGE_MAX];
	uint16_t ttls[CACHE_TTLS_MAX];
	struct cache_key key;
	struct cache_answer answer;
};

/* One label that tells the number, in one of three zones. */
static inline void rig_make_key(struct rig_answer *made, uint32_t number)
{
	static const char zones[3][16] = {"\3com", "\7example\3org", "\1x\3net"};
	uint8_t length = (uint8_t)(4 + number % 20);

	made->number = number;
	made->name[0] = length;
	memset(made->name + 1, 'a', length);
	for (uint32_t i = 0; i < 4; i++)
		made->name[1 + i] = (uint8_t)(number >> 8 * i);
	strcpy((char *)made->name + 1 + length, zones[number % 3]);
	made->key = (struct cache_key){
		.name = {made->name, 2u + length + strlen(zones[number % 3])},
		.type = (uint16_t)(number % 7),
		.class = 1,
		.is_dnssec_ok = number & 8,
		.is_checking_disabled = number & 16,
		.group = number / 5 % 3,
	};
}

#define RIG_VERSION_AT 6 /* in the header, behind the count of questions */

/* Makes the message one that answers the key. Returns where its question ends. */
static inline uint32_t rig_write_question(struct rig_answer *made)
{
	uint8_t *at = made->message + 12;

	memcpy(at, made->key.name.data, made->key.name.length);
	at += made->key.name.length;
	be16_store(made->message + 4, 1);
	be16_store(at, made->key.type);
	be16_store(at + 2, made->key.class);
	return (uint32_t)(at + 4 - made->message);
}

/* Few are large. */
static inline void rig_make(struct rig_answer *made, uint32_t number, uint32_t version)
{
	uint32_t seed = (number * 2654435761u ^ version * 40503u) | 1;
	uint32_t length = seed % (seed >> 8 & 31 ? 200 : CACHE_MESSAGE_MAX + 1), least;

	rig_make_key(made, number);
	least = rig_write_question(made);
	if (length < least)
		length = least + length % 50;
	made->version = version;
	made->answer = (struct cache_answer){
		.message = {made->message, length},
		.ttls = made->ttls,
		.ttl_count = (uint16_t)(seed >> 5 & 15 ? seed % 5 : seed % (CACHE_TTLS_MAX + 1)),
		.rcode = (uint16_t)(seed >> 7),
		.extended_error = (int)(seed % 30) - 1,
		.ttl_s = RIG_TTL_S,
	};
	for (uint32_t i = least; i < length; i++, seed = seed * 1664525 + 1013904223)
		made->message[i] = (uint8_t)(seed >> 24);
	memcpy(made->message, &number, sizeof(number));
	memcpy(made->message + RIG_VERSION_AT, &version, sizeof(version));
	made->message[10] = made->message[11] = 0;
	for (uint32_t i = 0; i < made->answer.ttl_count; i++)
		made->ttls[i] = (uint16_t)((number + i) % (length - 3));
}

static inline void rig_put(struct rig *rig, uint32_t number, uint32_t version, uint32_t now_s)
{
	struct rig_answer made;

	rig_make(&made, number, version);
	cache_put(rig->cache, &made.key, &made.answer, now_s);
}

static inline bool rig_find(struct rig *rig, uint32_t number, uint32_t now_s, uint32_t stale_s,
			    struct cache_hit *hit)
{
	struct rig_answer wanted;

	rig_make_key(&wanted, number);
	return cache_find(rig->cache, &wanted.key, now_s, stale_s, hit);
}

/* Until all of it is gone. */
static inline void rig_remove(struct rig *rig, struct slice name)
{
	cache_remove(rig->cache, name);
	while (cache_remove_more(rig->cache, 1 << 12))
		;
}

static inline bool rig_has(struct rig *rig, uint32_t number, uint32_t now_s)
{
	struct cache_hit hit;

	return rig_find(rig, number, now_s, 0, &hit);
}

/* The version that a hit is of: every octet is. */
static inline uint32_t rig_check(uint32_t number, const struct cache_hit *hit)
{
	const struct cache_answer *got = &hit->answer;
	struct rig_answer wanted;
	uint32_t version;

	assert_true(got->message.length >= 12);
	memcpy(&version, got->message.data + RIG_VERSION_AT, sizeof(version));
	rig_make(&wanted, number, version);
	assert_int_equal(got->message.length, wanted.answer.message.length);
	assert_memory_equal(got->message.data, wanted.message, got->message.length);
	assert_int_equal(got->ttl_count, wanted.answer.ttl_count);
	assert_memory_equal(got->ttls, wanted.ttls, got->ttl_count * sizeof(*got->ttls));
	assert_int_equal(got->rcode, wanted.answer.rcode);
	assert_int_equal(got->extended_error, wanted.answer.extended_error);
	return version;
}
