/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Two primitives, each with one key: made at the start, used per event without allocation. */

#define CIPHER_KEY   16
#define CIPHER_BLOCK 16

/* AES-128, block by block (FIPS 197): the caller makes a mode of it. NULL when OpenSSL cannot. */
struct cipher;

struct cipher *cipher_new(const uint8_t key[CIPHER_KEY]);
void cipher_free(struct cipher *cipher);

/* Many blocks at once cost little more than one. */
void cipher_encrypt(struct cipher *cipher, const uint8_t *in, uint8_t *out, uint32_t blocks);

/* HMAC-SHA256 (RFC 2104). NULL when OpenSSL cannot. */
struct mac;

#define MAC_SIZE 32

struct mac *mac_new(const void *key, size_t key_size);
void mac_free(struct mac *mac);
void mac_compute(struct mac *mac, const void *data, size_t size, uint8_t out[MAC_SIZE]);
