/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "net/address.h"

/* Why a piece (an IP fragment, or a TCP segment with payload) was let go without being used in a
 * message. */
enum piece_cause {
	PIECE_DUPLICATE,   /* all its bytes were there already */
	PIECE_OVERLAP,	   /* overlapping fragments: the whole datagram is discarded (RFC 5722) */
	PIECE_AGE,	   /* its datagram or stream waited too long */
	PIECE_ENTRIES,	   /* evicted: too many datagrams or streams */
	PIECE_BYTES,	   /* evicted: too many bytes */
	PIECE_INVALID,	   /* bad offset or length, a piece too many, cut by the snap length */
	PIECE_OUT_OF_SYNC, /* stream bytes in which no message boundary was found */
	PIECE_CLOSED,	   /* the stream ended (FIN, RST, new SYN) inside a message */
	PIECE_RESHARDED,   /* its datagram or stream is another worker's now */
	PIECE_CAUSE_COUNT,
};

/*
 * What happened to pieces in one step; a table adds to it, the caller commits it.
 * For each table and at any time: in = used + sum(dropped) + held.
 */
struct piece_counts {
	uint32_t in;
	uint32_t used;
	uint32_t dropped[PIECE_CAUSE_COUNT];
};

/* Whether what goes from source to destination is still ours. */
typedef bool (*pieces_owner_fn)(const void *argument, const struct address *source,
				const struct address *destination);
