/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/counters.h"

/*
 * The head of a worker's state: a memfd that the supervisor keeps and one worker after the other
 * maps. The worker writes it, the supervisor only reads. Everything that must be exact lies in its
 * words, and words change only by a commit. Its layout is permanent: a word keeps its number for
 * ever, so that every version of dnsflow can go on where another one stopped.
 */

enum state_word {
	STATE_STREAMS_STEP = 0,	  /* the last step of net/streams.h that is committed: one for each
				     message */
	STATE_FRAGMENTS_STEP = 1, /* the same of net/fragments.h: one for each packet */

	/* the cursor */
	STATE_GENERATION = 2, /* live: of the ring; files: 0 */
	STATE_BLOCK = 3,      /* ring: sequence number of the block that is being read; files: 0 */
	STATE_PACKET = 4,  /* ring: packets of that block already done; mapped file: offset of the
			      next  record; stream: packets done */
	STATE_MESSAGE = 5, /* messages of that packet already done */
	STATE_CLOCK = 6,   /* files: the packet clock, ns */
	STATE_BLOCK_READ = 7, /* ring: PACKETS_READ when this block was begun */

	/* export */
	STATE_SEQUENCE = 8,    /* sequence number that the open datagram will get */
	STATE_OPEN_LENGTH = 9, /* bytes of the open datagram that are committed */
	STATE_OPEN_SETS = 10,
	STATE_SENT = 11,	/* first sequence number whose datagram is not done with */
	STATE_FILE_LENGTH = 12, /* -w: bytes written */
	STATE_WAITING = 13,	/* records in sealed datagrams that are not done with */

	STATE_HELD = 14,   /* pieces now held in reassembly */
	STATE_SHARES = 15, /* a hash of how the traffic was divided when these pieces came */

	STATE_EVENTS = 16, /* position in the ring of events behind the last one that was pushed */
	STATE_PROXY_WAITING = 17, /* queries of clients that wait for an answer */
	STATE_CACHE_EPOCH = 18,	  /* of the last flush that was followed (ipc/cache_flush.h) */
	STATE_PROXY_TURN = 19, /* 1: the process is at work for the proxy, so that its death is the
				  fault of no packet. Not part of a commit */

	STATE_COUNTERS = 32,
	STATE_WORDS = STATE_COUNTERS + COUNTER_END,
};

#define COMMIT_WRITES_MAX 64

/* Redo log of one step: while mark is set, writes holds all that the step changes, as absolute
 * values. */
struct commit_intent {
	uint32_t mark;
	uint32_t count;
	struct {
		uint64_t word;
		uint64_t value;
	} writes[COMMIT_WRITES_MAX];
};

#define STATE_MAGIC UINT64_C(0x31776f6c66736e64) /* "dnsflow1" */

struct state_head {
	uint64_t magic;
	struct commit_intent intent;
	uint64_t words[STATE_WORDS];
};

/* What the supervisor writes for a worker to read: what only it can know. Another memfd, read-only
 * for the worker. */
struct state_watch {
	uint64_t generation;  /* of the ring that is lent: another one than the cursor's is fresh */
	uint64_t ring_blocks; /* of PACKET_RING_BLOCK_BYTES */
	uint64_t is_skipping; /* the packet at this cursor ended a worker: quarantine it */
	uint64_t skip_generation;
	uint64_t skip_block;
	uint64_t skip_packet;
	uint64_t is_unsplit; /* the kernel gives every worker all packets: each takes its share in
				user space */
	uint64_t kernel_packets; /* accepted by the socket's filter, drops included */
	uint64_t kernel_drops;	 /* no room in the ring */
	uint64_t interface_drops;
	uint64_t ring_discarded; /* packets in a ring that was closed before they were read */
	uint64_t in_ring;	 /* packets that wait in the ring, as they were counted last */
	uint64_t pid;		 /* of the process, 0: none */
	uint64_t stats_key[2];	 /* of all tables of statistics, and of what is matched */
	uint64_t stats_epoch;	 /* another one: statistics begin anew */
	uint64_t cache_epoch;	 /* of the last flush that was ordered (ipc/cache_flush.h) */
	uint64_t cache_name_length;
	uint8_t cache_name[256];
	int64_t started_ns; /* of the run, monotonic */
};

static inline uint64_t state_get(const struct state_head *head, enum state_word word)
{
	return __atomic_load_n(&head->words[word], __ATOMIC_RELAXED);
}

/* Of a head whose process is gone: the value when its last step, if that was marked, is applied. */
static inline uint64_t state_get_last(const struct state_head *head, enum state_word word)
{
	const struct commit_intent *intent = &head->intent;

	for (uint32_t i = 0; intent->mark && i < intent->count && i < COMMIT_WRITES_MAX; i++)
		if (intent->writes[i].word == word)
			return intent->writes[i].value;
	return state_get(head, word);
}

static inline uint64_t state_counter(const struct state_head *head, enum counter counter)
{
	return __atomic_load_n(&head->words[STATE_COUNTERS + counter], __ATOMIC_RELAXED);
}

/*
 * Makes a fresh (all zero) head valid, or takes over the one that a dead process left: a step whose
 * intent was marked is applied again, any other is as if it had not begun; and a turn of the proxy
 * that it was in is over. Returns false when the memory is neither.
 */
bool state_attach(struct state_head *head);
