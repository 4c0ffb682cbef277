/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>

/* A fast generator (xoshiro256**) for sampling and jitter, seeded by the caller: never for ids,
 * ports or keys. */
struct random {
	uint64_t state[4];
};

/* Seeds from the kernel's random source. Returns 0 or -errno. */
int random_init(struct random *random);

uint64_t random_next(struct random *random);

/* Uniform in 0 .. bound-1; bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);

/* Fills memory from the kernel's random source: for keys. Returns 0 or -errno. */
int random_secret(void *memory, uint32_t size);

/* Numbers that nobody can foretell, for ids and choices that keep spoofers out: the kernel's, taken
 * in stock since each call costs more than a query may. What was given out is wiped. */
#define RANDOM_STOCK_BYTES 512

struct random_stock {
	uint8_t bytes[RANDOM_STOCK_BYTES];
	uint32_t left; /* 0 at first */
};

uint16_t random_stock_take(struct random_stock *stock);
