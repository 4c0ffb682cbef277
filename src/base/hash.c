/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/hash.h"

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t length)
{
	struct hash_state s = hash_start(key);
	const uint8_t *at = data;
	uint64_t word;
	size_t left;

	for (left = length; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		hash_add(&s, word);
	}
	return hash_end(&s, hash_tail(at, left), length);
}
