/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "net/chunks.h"

/*
 * A chain of chunks as a queue of bytes: appended at its end, taken from its front. It lies in lent
 * memory, in state that a step may undo; all zero is an empty one.
 */
struct chain {
	uint32_t head;
	uint32_t tail;
	uint32_t offset; /* of the first byte, in the head */
	uint32_t end;	 /* counted, like offset, from the first byte of the head */
};

/* A place in a chain, for reading without taking. */
struct chain_walk {
	uint32_t chunk;
	uint32_t offset;
	uint32_t left;
};

static inline uint32_t chain_length(const struct chain *chain)
{
	return chain->end - chain->offset;
}

/* For open: marks the chunks; false, with nothing marked, when the chain makes no sense. */
bool chain_mark(struct chunks *chunks, struct chain *chain);
void chain_unmark(struct chunks *chunks, const struct chain *chain);

/* False, and nothing changed, when there are too few chunks. */
bool chain_append(struct chunks *chunks, struct chain *chain, const void *bytes, uint32_t length,
		  uint64_t step);
/* Takes bytes that are there; out may be NULL. */
void chain_take(struct chunks *chunks, struct chain *chain, void *out, uint32_t length,
		uint64_t step);
void chain_release(struct chunks *chunks, struct chain *chain, uint64_t step);

struct chain_walk chain_walk(const struct chain *chain);
/* Reads on; out may be NULL. False, and nothing read, when less than length is left. */
bool chain_read(const struct chunks *chunks, struct chain_walk *walk, void *out, uint32_t length);
