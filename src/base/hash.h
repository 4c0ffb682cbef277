/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* SipHash-1-3 (Aumasson and Bernstein) with a secret key: for every table whose keys come off a
 * wire. */
struct hash_key {
	uint64_t word[2];
};

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t length);

/*
 * The same in steps, for callers that have the words at hand: hash_start, hash_add for each 8 bytes
 * (as they lie in memory), hash_end with the 0 to 7 bytes that are left (hash_tail).
 */
struct hash_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t hash_rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void hash_round(struct hash_state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = hash_rotate(s->v1, 13) ^ s->v0;
	s->v3 = hash_rotate(s->v3, 16) ^ s->v2;
	s->v0 = hash_rotate(s->v0, 32) + s->v3;
	s->v2 += s->v1;
	s->v3 = hash_rotate(s->v3, 21) ^ s->v0;
	s->v1 = hash_rotate(s->v1, 17) ^ s->v2;
	s->v2 = hash_rotate(s->v2, 32);
}

static inline struct hash_state hash_start(const struct hash_key *key)
{
	return (struct hash_state){
		.v0 = key->word[0] ^ 0x736f6d6570736575,
		.v1 = key->word[1] ^ 0x646f72616e646f6d,
		.v2 = key->word[0] ^ 0x6c7967656e657261,
		.v3 = key->word[1] ^ 0x7465646279746573,
	};
}

static inline void hash_add(struct hash_state *s, uint64_t word)
{
	s->v3 ^= word;
	hash_round(s);
	s->v0 ^= word;
}

static inline uint64_t hash_end(struct hash_state *s, uint64_t tail, size_t length)
{
	hash_add(s, tail | (uint64_t)length << 56);
	s->v2 ^= 0xff;
	hash_round(s);
	hash_round(s);
	hash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* The last 0 to 7 bytes before end as a word, zeros above (little-endian), of length bytes in all:
 * with few branches, since lengths are hard to predict. */
static inline uint64_t hash_tail(const uint8_t *end, size_t length)
{
	size_t left = length % 8;
	const uint8_t *at = end - left;
	uint32_t first, last;
	uint64_t word;

	if (length >= 8) {
		memcpy(&word, end - 8, 8);
		return word >> 8 * (7 - left) >> 8;
	}
	if (left >= 4) {
		memcpy(&first, at, 4);
		memcpy(&last, end - 4, 4);
		return first | (uint64_t)last << 8 * (left - 4);
	}
	if (!left)
		return 0;
	return at[0] | (uint64_t)at[left / 2] << 8 * (left / 2) |
	       (uint64_t)at[left - 1] << 8 * (left - 1);
}
