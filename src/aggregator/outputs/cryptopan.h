/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "net/address.h"
#include "tls/cipher.h"

/*
 * Crypto-PAn (Xu, Fan, Ammar, Moon: Prefix-Preserving IP Address Anonymization): two addresses that
 * share n bits share n bits afterwards, and no more. The same key gives the same addresses
 * everywhere, also in other programs.
 */
#define CRYPTOPAN_KEY 32 /* of AES, then what the padding is made from */

struct cryptopan {
	struct cipher *cipher;
	uint8_t pad[CIPHER_BLOCK];
};

/* False when OpenSSL cannot. */
bool cryptopan_init(struct cryptopan *cryptopan, const uint8_t key[CRYPTOPAN_KEY]);
void cryptopan_fini(struct cryptopan *cryptopan);

/* IPv4 by 32 bits, IPv6 by 128. */
void cryptopan_disguise(const struct cryptopan *cryptopan, struct address *address);
