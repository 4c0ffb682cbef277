/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "net/chunks.h"
#include "net/pieces.h"
#include "net/streams.h"

struct flow;

/*
 * What the flows of a table share, and the segment that one of them works on. A flow's bytes that
 * are still needed and in order are those of its run and, behind them, those at hand: a segment in
 * order is read where it lies.
 */
#define ASSEMBLY_MESSAGE_MAX UINT16_MAX

struct assembly {
	struct chunks chunks;
	struct streams_limits limits;
	uint8_t *message; /* private: ASSEMBLY_MESSAGE_MAX, for one whose bytes lie apart */
	uint64_t held;	  /* pieces of all flows */
	uint64_t step;	  /* these three: of the call */
	int64_t now_ns;
	struct piece_counts *counts;
	struct slice hand; /* what is not yet taken of the segment at hand: it begins at the edge */
	bool is_hand_fresh; /* nothing was taken of it */
	bool is_hand_cut;   /* bytes are missing behind it */
};

/* Time never goes back: what lies ahead of now is damage, and due. */
static inline bool assembly_is_due(const struct assembly *assembly, int64_t since_ns,
				   int64_t span_ns)
{
	return (uint64_t)assembly->now_ns - (uint64_t)since_ns >= (uint64_t)span_ns;
}

/* A piece was taken by a flow; was let go by it; was taken by none. */
void assembly_take_in(struct assembly *assembly, struct flow *flow);
void assembly_drop(struct assembly *assembly, struct flow *flow, enum piece_cause cause,
		   uint32_t pieces);
void assembly_refuse(struct assembly *assembly, enum piece_cause cause);

/* Bytes in order. */
uint32_t assembly_bytes(const struct assembly *assembly, const struct flow *flow);
/*
 * The next length bytes, which must be there: in place when they lie in one piece, else gathered in
 * out. *ended grows by the pieces that ended with them.
 */
const uint8_t *assembly_take(struct assembly *assembly, struct flow *flow, uint8_t *out,
			     uint32_t length, uint32_t *ended);
/* The same, and they stay. */
const uint8_t *assembly_peek(const struct assembly *assembly, const struct flow *flow, uint8_t *out,
			     uint32_t length);
/* Takes all that is at hand; the run is empty. */
void assembly_skip_hand(struct assembly *assembly, struct flow *flow, uint32_t *ended);
void assembly_clear_hand(struct assembly *assembly);
