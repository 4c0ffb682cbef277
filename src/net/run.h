/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "net/chain.h"

/*
 * Bytes of a stream in their order, waiting for the rest of their message. They are kept as they
 * came, in records, so that it is known which pieces are used up when some of them are read.
 * Part of the state of a flow: all zero is an empty one.
 */
#define RUN_PIECES_MAX 255 /* that end with one record */

struct run {
	struct chain chain; /* records, each behind its head; that of the first is gone once it was
			       looked at */
	uint32_t left;	    /* bytes of the first record, its head being gone */
	uint32_t pieces;    /* that end with it */
};

/* For open. On success *bytes and *pieces are what the run holds; on failure nothing is marked. */
bool run_mark(struct chunks *chunks, struct run *run, uint64_t *bytes, uint64_t *pieces);

/* Appends bytes with which that many pieces end. False, and nothing changed, when chunks lack. */
bool run_append(struct chunks *chunks, struct run *run, struct slice bytes, uint32_t pieces,
		uint64_t step);
/* Takes length bytes, which must be there; returns how many pieces ended with them. */
uint32_t run_take(struct chunks *chunks, struct run *run, uint8_t *out, uint32_t length,
		  uint64_t step);
/* Takes the rest of the first record; returns its length. *pieces: how many ended with it. */
uint32_t run_skip(struct chunks *chunks, struct run *run, uint32_t *pieces, uint64_t step);
/* Reads length bytes, which must be there, and leaves them. */
void run_peek(const struct chunks *chunks, const struct run *run, uint8_t *out, uint32_t length);
void run_release(struct chunks *chunks, struct run *run, uint64_t step);

/* Does the next byte begin a record? */
static inline bool run_is_at_record(const struct run *run)
{
	return !run->left;
}
