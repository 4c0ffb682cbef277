/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/counters.h"

/*
 * The head of a worker's state: a memfd that the supervisor keeps and one worker after the other
 * maps. The worker writes it, the supervisor only reads. Everything that must be exact lies in its
 * words, and words change only by a commit.
 */

enum state_word {
	STATE_STREAMS_STEP,   /* the last step of net/streams.h that is committed: one for each
				 message */
	STATE_FRAGMENTS_STEP, /* the same of net/fragments.h: one for each packet */
	STATE_BLOCK,	      /* ring: sequence number of the block that is being read (files: 0) */
	STATE_PACKET,	/* ring: packets of that block already done; mapped file: offset of the next
			   record; stream: packets done */
	STATE_MESSAGE,	/* messages of that packet already done */
	STATE_CLOCK,	/* files: the packet clock, ns */
	STATE_SEQUENCE, /* sequence number that the open datagram will get */
	STATE_OPEN_LENGTH, /* bytes of the open datagram that are committed */
	STATE_OPEN_SETS,
	STATE_SENT,	   /* first sequence number whose datagram is not done with */
	STATE_FILE_LENGTH, /* -w: bytes written */
	STATE_COUNTERS = 16,
	STATE_WORDS = STATE_COUNTERS + COUNTER_COUNT,
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
	uint64_t is_unsplit; /* the kernel gives every worker all packets: each takes its share in
				user space */
	uint64_t kernel_packets; /* seen by the socket's filter, drops included */
	uint64_t kernel_drops;
	uint64_t interface_drops;
};

static inline uint64_t state_get(const struct state_head *head, enum state_word word)
{
	return __atomic_load_n(&head->words[word], __ATOMIC_RELAXED);
}

static inline uint64_t state_counter(const struct state_head *head, enum counter counter)
{
	return __atomic_load_n(&head->words[STATE_COUNTERS + counter], __ATOMIC_RELAXED);
}

/*
 * Makes a fresh (all zero) head valid, or takes over the one that a dead process left: a step whose
 * intent was marked is applied again, any other is as if it had not begun. Returns false when the
 * memory is neither.
 */
bool state_attach(struct state_head *head);
