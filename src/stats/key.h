/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/hash.h"
#include "base/slice.h"

/* Keys of tables: keyed hashes that are never 0, which means none. Names are hashed in lower case,
 * eight octets at a time. */

/* Upper-case ASCII letters of a word become lower-case. Length octets of a wire name are no letters
 * (RFC 1035 2.3.4), so it serves for whole names. */
static inline uint64_t key_lower(uint64_t word)
{
	const uint64_t each = 0x0101010101010101;
	uint64_t seven = word & 0x7f * each;
	uint64_t from_a = seven + (0x80 - 'A') * each;
	uint64_t beyond_z = seven + (0x7f - 'Z') * each;
	uint64_t is_upper = (from_a ^ beyond_z) & ~word & 0x80 * each;

	return word | is_upper >> 2;
}

static inline uint64_t key_of_hash(uint64_t hash)
{
	return hash ? hash : 1;
}

static inline uint64_t key_of_lowered(const struct hash_key *key, const uint8_t *data,
				      size_t length)
{
	struct hash_state state = hash_start(key);
	const uint8_t *end = data + length;
	uint64_t word;

	for (; end - data >= 8; data += 8) {
		memcpy(&word, data, 8);
		hash_add(&state, key_lower(word));
	}
	return key_of_hash(hash_end(&state, key_lower(hash_tail(end, length)), length));
}
