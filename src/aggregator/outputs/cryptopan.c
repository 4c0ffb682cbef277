/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/cryptopan.h"

#include <string.h>

#define BITS_MAX 128

bool cryptopan_init(struct cryptopan *cryptopan, const uint8_t key[CRYPTOPAN_KEY])
{
	cryptopan->cipher = cipher_new(key);
	if (!cryptopan->cipher)
		return false;
	cipher_encrypt(cryptopan->cipher, key + CIPHER_KEY, cryptopan->pad, 1);
	return true;
}

void cryptopan_fini(struct cryptopan *cryptopan)
{
	cipher_free(cryptopan->cipher);
	cryptopan->cipher = NULL;
}

/*
 * Bit n is turned over by the first bit of the encrypted block of the n bits before it, padded. No
 * block depends on what became of another, so that all are encrypted at once.
 */
void cryptopan_disguise(const struct cryptopan *cryptopan, struct address *address)
{
	uint8_t in[BITS_MAX][CIPHER_BLOCK], out[BITS_MAX][CIPHER_BLOCK], block[CIPHER_BLOCK];
	uint32_t bits = address->version == 4 ? 32 : BITS_MAX;

	memcpy(block, cryptopan->pad, sizeof(block));
	for (uint32_t bit = 0; bit < bits; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		memcpy(in[bit], block, sizeof(block));
		block[bit / 8] =
			(uint8_t)((block[bit / 8] & ~mask) | (address->bytes[bit / 8] & mask));
	}
	cipher_encrypt(cryptopan->cipher, in[0], out[0], bits);
	for (uint32_t bit = 0; bit < bits; bit++)
		address->bytes[bit / 8] ^= (uint8_t)((out[bit][0] & 0x80) >> bit % 8);
}
