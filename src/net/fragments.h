/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/hash.h"
#include "net/decode.h"
#include "net/pieces.h"

/*
 * Reassembly of IP fragments: a table of datagrams with hard caps in entries and bytes; at a cap
 * the oldest is evicted.
 *
 * The state lies in memory that the caller lends (shared memory that outlives the process) and is
 * free of pointers. Every change belongs to a step, a number that the caller commits: on open,
 * changes of steps beyond committed_step are undone, so that a process killed before its commit
 * leaves no trace and its successor takes the same piece again. Indexes (hash chains, age order,
 * free lists) are private to the process and rebuilt on open.
 */
struct fragments;

struct fragments_limits {
	uint32_t entry_count;
	uint32_t buffer_bytes; /* for pieces, in chunks */
	uint32_t piece_count;  /* of one datagram */
	int64_t timeout_ns;
};

/* 1,024 datagrams, 4 MiB, 64 pieces, 30 s */
extern const struct fragments_limits fragments_default_limits;

/* Bytes of memory that a table with these limits needs; the memory is 64-byte aligned and zero
 * before its first use. */
size_t fragments_memory_size(const struct fragments_limits *limits);

/*
 * Attaches to memory: fresh (all zero) or left behind by a dead process. Every index found there is
 * validated; an entry that makes no sense is dropped. Exits when out of memory (start-up). Close
 * frees the handle, not the memory.
 */
struct fragments *fragments_open(void *memory, const struct fragments_limits *limits,
				 const struct hash_key *key, uint64_t committed_step);
void fragments_close(struct fragments *fragments);

/*
 * Takes one piece (a packet for which decode gave DECODE_FRAGMENT). Returns true when its datagram
 * is complete: *whole is then that packet with the joined payload, which stays valid until the next
 * call; continue with decode_transport(). step is the number that the caller will commit for this
 * piece; calls with one step are undone together. now never goes back.
 */
bool fragments_add(struct fragments *fragments, const struct packet *piece, uint64_t step,
		   int64_t now_ns, struct packet *whole, struct piece_counts *counts);

/* Lets go what is older than the timeout; at most a few entries a call, so call it again while it
 * returns true. */
bool fragments_expire(struct fragments *fragments, uint64_t step, int64_t now_ns,
		      struct piece_counts *counts);

/* Lets go of datagrams that are not ours any more, a few a call, from *at on, which begins with 0.
 * Call it again while it returns true. */
bool fragments_reshard(struct fragments *fragments, pieces_owner_fn is_ours, const void *argument,
		       uint32_t *at, uint64_t step, struct piece_counts *counts);

/* Pieces now held. */
uint64_t fragments_held(const struct fragments *fragments);

/* A checksum of how the memory is laid out. */
uint64_t fragments_layout(const struct fragments_limits *limits);
