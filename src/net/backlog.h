/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "net/chain.h"

/*
 * Pieces of a stream that came before their turn. They are kept in order of arrival and may
 * overlap: where they do, the bytes that came first count. The edge is the sequence number up to
 * which the stream needs nothing any more; a piece is wanted as long as it ends beyond the edge.
 * Part of the state of a flow: all zero is an empty one.
 */
#define BACKLOG_PIECES_MAX  64 /* at so many wanted ones the flow gives up the hole */
#define BACKLOG_RECORDS_MAX (2 * BACKLOG_PIECES_MAX)

struct backlog {
	struct chain chain; /* records, each behind its head */
	uint16_t records;
	uint16_t pieces; /* of these, wanted ones */
};

/* Bytes that continue the stream at its edge. */
struct backlog_part {
	struct chain_walk walk;
	uint32_t length;
	uint32_t pieces; /* that end with or within them */
};

/* For open; on failure nothing is marked. */
bool backlog_mark(struct chunks *chunks, struct backlog *backlog, uint32_t edge);

/* Adds a piece that ends beyond the edge. False, and nothing kept, when chunks lack. */
bool backlog_add(struct chunks *chunks, struct backlog *backlog, uint32_t edge, uint32_t start,
		 struct slice piece, uint64_t step);
/* Are all bytes from start to end there, those before the edge being so? */
bool backlog_covers(const struct chunks *chunks, const struct backlog *backlog, uint32_t edge,
		    uint32_t start, uint32_t end);
/* What is there, up to limit, of the bytes at the edge; false: none. */
bool backlog_find(const struct chunks *chunks, const struct backlog *backlog, uint32_t edge,
		  uint32_t limit, struct backlog_part *part);
/* After the edge was moved past parts. */
void backlog_passed(struct chunks *chunks, struct backlog *backlog, uint32_t pieces, uint64_t step);
/* The first byte at or beyond the edge that is there; some piece is wanted. */
uint32_t backlog_lowest(const struct chunks *chunks, const struct backlog *backlog, uint32_t edge);
/* Bytes of the wanted pieces. */
uint64_t backlog_bytes(const struct chunks *chunks, const struct backlog *backlog, uint32_t edge);
void backlog_release(struct chunks *chunks, struct backlog *backlog, uint64_t step);
