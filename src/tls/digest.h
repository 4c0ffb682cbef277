/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SHA-256 of secrets: what a process keeps, and compares, instead of them. */
struct digest {
	uint8_t bytes[32];
};

/* False when OpenSSL has no memory for it: the digest is of nothing then. */
bool digest_make(struct digest *digest, const void *data, size_t length);

/* In a time that does not depend on where they differ. */
bool digest_equal(const struct digest *a, const struct digest *b);
