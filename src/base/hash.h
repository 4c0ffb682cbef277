/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3 (Aumasson and Bernstein) with a secret key: for every table whose keys come off a
 * wire. */
struct hash_key {
	uint64_t word[2];
};

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t length);
