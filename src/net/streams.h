/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/hash.h"
#include "net/decode.h"
#include "net/pieces.h"

/*
 * Reassembly of one direction of TCP connections into DNS messages with their two-byte length
 * prefix (RFC 1035 4.2.2): many messages in a segment, messages over many segments, segments out of
 * order, repeated or overlapping, streams whose SYN was never seen. Hard caps in streams and bytes;
 * at a cap the oldest (least recently used) is evicted.
 *
 * Without a SYN, or behind a hole that did not fill in time, a stream is in search: a segment whose
 * first bytes look like a message (length prefix, then a header with plausible counts) sets the
 * boundary; others are dropped as out of sync. A hole is given up when hole_bytes wait behind it,
 * after hole_ns, at FIN or RST, or at streams_flush(). A FIN behind a hole with nothing in between
 * is early, and waits like data. What a stream received last is known for a while after its end, so
 * that repeated segments do not count again.
 *
 * Memory, steps and open: as in fragments.h. The message that streams_next() gives and the bytes
 * consumed by it belong to the step given there, so that one message is one commit; messages
 * already committed do not come again after a kill.
 */
struct streams;

struct streams_limits {
	uint32_t entry_count;
	uint32_t buffer_bytes; /* for all streams, in chunks */
	uint32_t stream_bytes; /* for one stream, a whole message of 65,537 bytes included */
	uint32_t hole_bytes;
	int64_t hole_ns;
	int64_t timeout_ns; /* idle streams */
};

extern const struct streams_limits
	streams_default_limits; /* 4,096 streams, 8 MiB, 256 KiB, 64 KiB, 2 s, 120 s */

size_t streams_memory_size(const struct streams_limits *limits);
struct streams *streams_open(void *memory, const struct streams_limits *limits,
			     const struct hash_key *key, uint64_t committed_step);
void streams_close(struct streams *streams);

/*
 * Takes one segment (a packet for which decode gave DECODE_TCP). Afterwards the caller takes
 * messages with streams_next() until it returns false; so long the segment's bytes are borrowed.
 * is_again: the segment was taken in a committed step already, only its remaining messages are
 * wanted (the cursor stood inside it when the process died). A segment without payload counts no
 * piece.
 */
void streams_add(struct streams *streams, const struct packet *segment, bool is_again,
		 uint64_t step, int64_t now_ns, struct piece_counts *counts);

/*
 * The next complete message of the stream that the last streams_add() or streams_flush() worked on,
 * without its length prefix; valid until the next call; it may lie in the segment. step: the one
 * that will commit this message. packet gets addresses and ports.
 */
bool streams_next(struct streams *streams, uint64_t step, struct packet *packet,
		  struct slice *message, struct piece_counts *counts);

/* Lets go idle streams, gives up old holes. True: call streams_next() until false, then this again.
 */
bool streams_expire(struct streams *streams, uint64_t step, int64_t now_ns,
		    struct piece_counts *counts);

/* At the end of a capture: gives up the holes of one more stream. Use like streams_expire(); false
 * when none is left. */
bool streams_flush(struct streams *streams, uint64_t step, struct piece_counts *counts);

/* Lets go of streams that are not ours any more, a few a call, from *at on, which begins with 0.
 * Call it again while it returns true. */
bool streams_reshard(struct streams *streams, pieces_owner_fn is_ours, const void *argument,
		     uint32_t *at, uint64_t step, struct piece_counts *counts);

/* Pieces now held. */
uint64_t streams_held(const struct streams *streams);

/* A checksum of how the memory is laid out. */
uint64_t streams_layout(const struct streams_limits *limits);
