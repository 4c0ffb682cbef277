/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int random_secret(void *memory, uint32_t size)
{
	uint8_t *at = memory;

	while (size) {
		ssize_t got = getrandom(at, size, 0);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0) {
			at += got;
			size -= (uint32_t)got;
		}
	}
	return 0;
}

int random_init(struct random *random)
{
	int error = random_secret(random->state, sizeof(random->state));

	random->state[0] |= 1; /* the all-zero state is a fixed point */
	return error;
}

static inline uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

uint64_t random_next(struct random *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	return (uint64_t)((unsigned __int128)random_next(random) * bound >> 64);
}

uint16_t random_stock_take(struct random_stock *stock)
{
	uint16_t number;

	if (stock->left < sizeof(number)) {
		if (random_secret(stock->bytes, sizeof(stock->bytes)))
			abort(); /* never on a kernel that has started */
		stock->left = sizeof(stock->bytes);
	}
	stock->left -= (uint32_t)sizeof(number);
	memcpy(&number, stock->bytes + stock->left, sizeof(number));
	memset(stock->bytes + stock->left, 0, sizeof(number));
	return number;
}
