/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "config/config.h"
#include "record/set.h"

/*
 * The body of a worker's state: the memory behind the head's words. The supervisor makes and keeps
 * it, one worker after the other maps it. A worker that finds another layout than its own begins
 * with a clean body, and counts what the old one held. What body_layout() cannot see (what a word
 * means) needs another BODY_VERSION.
 */
#define BODY_VERSION 4

#define OUTBOX_SLOTS \
	128 /* datagrams: the open one and those that wait; slot = sequence number modulo this */
#define OUTBOX_SLOT_BYTES                                                       \
	(RECORD_PAYLOAD_MAX + 36) /* what the encoder of sets writes behind one \
				   */
#define OUTBOX_BATCH_SLOTS 64	  /* datagrams that one batch of sends takes */

/* A datagram. The open one grows behind its committed length; once its sequence number is passed,
 * it is sealed. */
struct outbox_slot {
	int64_t time_ns; /* when it was sealed */
	uint32_t length; /* sealed: bytes of payload */
	uint32_t sets;
	uint32_t is_stats;
	uint32_t reserved[3];
	uint8_t payload[OUTBOX_SLOT_BYTES];
};

_Static_assert(OUTBOX_SLOT_BYTES >= RECORD_HEADER_SIZE + RECORD_ESTIMATE_MAX + RECORD_SET_SLACK,
	       "a set fits with its slack");

/*
 * The batch that is being sent: the kernel itself writes msg_len of each header that it has sent,
 * so a successor sends the others only. Pointers in it are rebuilt on attach. A failed send is
 * marked as OUTBOX_FAILED + errno; a run of segments that goes out one by one, until it is done, as
 * OUTBOX_APART. Both + OUTBOX_SEGMENT for each segment that was sent.
 */
#define OUTBOX_FAILED  0x40000000u
#define OUTBOX_APART   0x20000000u
#define OUTBOX_SEGMENT 0x00010000u

struct outbox_batch {
	uint64_t first; /* sequence number of its first slot; 0 = no batch */
	/* What messages is laid out by: a configuration that has changed counts for the next batch.
	 */
	uint32_t slot_count;
	uint32_t destination_count;
	uint32_t segment_size; /* a run of slots of this size is one message; 0: none is */
	uint32_t message_count;
	struct sockaddr_storage destinations[CONFIG_DESTINATIONS_MAX];
	struct mmsghdr messages[OUTBOX_BATCH_SLOTS * CONFIG_DESTINATIONS_MAX];
};

struct body {
	uint64_t layout; /* body_layout() of who began it; 0 = fresh */
	struct outbox_slot slots[OUTBOX_SLOTS];
	struct outbox_batch batch;
	/* behind it, 64-byte aligned: fragments, then streams (net/fragments.h, net/streams.h) */
};

size_t body_size(void);

/* A checksum of the layout of all that is in a body. */
uint64_t body_layout(void);
void *body_fragments(struct body *body);
void *body_streams(struct body *body);
