/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/hash.h"
#include "base/slice.h"
#include "dns/name.h"

/*
 * Keys of tables: keyed hashes that are never 0, which means none. Names are hashed in lower case,
 * sixteen octets at a time, by folded multiplication. The key is random and new with each start of
 * the supervisor, and a part of both factors: who does not know it cannot tell which names or
 * clients share a place. Nobody can learn it by trying either, since nobody outside sees places,
 * evictions or how long one event takes. SipHash took a third of the time of counting.
 */

/* The two halves of a product, folded. */
static inline uint64_t key_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t key_of_hash(uint64_t hash)
{
	return hash ? hash : 1;
}

/* Of wyhash; for keys of few bits, as tests have. */
#define KEY_FACTOR UINT64_C(0xa0761d6478bd642f)

/* Sixteen octets more. */
static inline uint64_t key_add(const struct hash_key *key, uint64_t hash, uint64_t first,
			       uint64_t second)
{
	return key_fold(hash ^ first, key->word[1] ^ KEY_FACTOR ^ second);
}

/* length, or what else tells apart what has the same octets, comes last: it could be equal to the
 * first octet, and cancel it. */
static inline uint64_t key_end(const struct hash_key *key, uint64_t hash, uint64_t length)
{
	return key_of_hash(key_add(key, hash ^ key->word[0], length, 0));
}

static inline uint64_t key_load(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* The last octets may come twice: there are few branches, as lengths are hard to predict. */
static inline __attribute__((always_inline)) uint64_t
key_of_octets(const struct hash_key *key, const uint8_t *data, size_t length, bool is_lowered)
{
	const uint8_t *end = data + length;
	uint64_t hash = key->word[0], first, second;

	for (; end - data > 16; data += 16) {
		first = key_load(data);
		second = key_load(data + 8);
		hash = key_add(key, hash, is_lowered ? name_lower_word(first) : first,
			       is_lowered ? name_lower_word(second) : second);
	}
	first = 0;
	if (length >= 8) {
		first = key_load(length >= 16 ? end - 16 : data);
		second = key_load(end - 8);
	} else {
		second = hash_tail(end, length);
	}
	hash = key_add(key, hash, is_lowered ? name_lower_word(first) : first,
		       is_lowered ? name_lower_word(second) : second);
	return key_end(key, hash, length);
}

/* Of a name in any case, and of one as it is. */
static inline uint64_t key_of_lowered(const struct hash_key *key, const uint8_t *data,
				      size_t length)
{
	return key_of_octets(key, data, length, true);
}

static inline uint64_t key_of_exact(const struct hash_key *key, const uint8_t *data, size_t length)
{
	return key_of_octets(key, data, length, false);
}
