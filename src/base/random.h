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
