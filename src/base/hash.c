/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/hash.h"

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t length)
{
	struct hash_state s = hash_start(key);
	const uint8_t *at = data, *end = at + length;
	uint64_t word;

	for (; end - at >= 8; at += 8) {
		memcpy(&word, at, 8);
		hash_add(&s, word);
	}
	return hash_end(&s, hash_tail(end, length), length);
}
