/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "config/config.h"
#include "ipc/body.h"
#include "ipc/state.h"
#include "pcap/savefile.h"
#include "record/set.h"

struct outbox;

/* How hard to try when the receiver or the disk takes nothing. */
enum sink_patience {
	SINK_TRY,     /* leave it for later */
	SINK_WAIT,    /* block: input that can wait, waits */
	SINK_ABANDON, /* drop what does not go, counted */
};

/*
 * Where sealed datagrams go: UDP (sink_udp.c) or a file (sink_file.c). send takes sealed datagrams,
 * oldest first, at most one batch, and commits STATE_SENT and the counters; false when nothing was
 * taken.
 */
struct sink_ops {
	void (*open)(struct outbox *outbox);
	bool (*send)(struct outbox *outbox, enum sink_patience patience);
	void (*finish)(struct outbox *outbox); /* or NULL */
};

extern const struct sink_ops sink_udp;
extern const struct sink_ops sink_file;

/*
 * Packs sets into datagrams by the rules of spec/dnsflow.md 5.4 and sends them. Its state (slots,
 * sequence, lengths) is the body's and the head's; what is here is private to the process. When all
 * slots are full and the sink takes nothing, the oldest batch is dropped, counted.
 */
struct outbox {
	const struct config *config;
	struct state_head *head;
	struct body *body;
	const struct sink_ops *sink;
	union {
		struct sink_udp {
			int fds[2];		  /* IPv4, IPv6 */
			uint32_t message_ends[2]; /* of each family in the batch */
			bool is_segmenting;	  /* --segments, and the kernel can */
			struct iovec vectors[OUTBOX_BATCH_SLOTS];
			alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))];
		} udp;
		struct sink_file {
			int fd;
			bool is_seekable;
			uint8_t buffer[OUTBOX_BATCH_SLOTS *
				       (SAVEFILE_RECORD_SIZE + SAVEFILE_DATAGRAM_HEAD +
					OUTBOX_SLOT_BYTES)];
		} file;
	};
	bool waits;		 /* files: wait for the receiver instead of dropping */
	uint32_t payload_max;	 /* what packing fills: --segments, or --max-payload */
	int64_t now_ns;		 /* stamped on sealed datagrams; set by the owner */
	uint32_t target;	 /* a datagram of this length is sealed at once */
	int64_t flushed_ns;	 /* now_ns of the last data datagram */
	int write_error;	 /* errno of the last write that failed, 0 if none did */
	int64_t failure_told_ns; /* now_ns when a notice last told of sends that failed */
	char notice[160]; /* a line for the operator that came up, or ""; the owner takes it */
};

/* fds are lent. Takes over what a dead predecessor left. */
void outbox_open(struct outbox *outbox, const struct config *config, struct state_head *head,
		 struct body *body);

/*
 * One record in three calls: make room for its record_estimate, at most RECORD_ESTIMATE_MAX (may
 * commit a step of its own); then, within the caller's step, stage it; then, after the caller's
 * commit_apply, seal what is full.
 */
void outbox_reserve(struct outbox *outbox, uint32_t estimate);
void outbox_stage(struct outbox *outbox, const struct address *client,
		  const struct address *resolver, const struct dns_answer *answer);
void outbox_settle(struct outbox *outbox);

/* Seals the open datagram, if it holds a set. */
void outbox_flush(struct outbox *outbox);

/* Makes a statistics datagram. */
void outbox_stats(struct outbox *outbox, const struct record_stats *stats);

/* Sends what is sealed, as far as it goes without waiting (files: all of it). */
void outbox_send(struct outbox *outbox);

/* Seals and sends all, waiting up to timeout_ms in all; what then remains is dropped and counted.
 */
void outbox_finish(struct outbox *outbox, int timeout_ms);

/* For sinks: how many sealed datagrams wait, and one of them. */
static inline uint32_t outbox_pending(const struct outbox *outbox)
{
	return (uint32_t)(state_get(outbox->head, STATE_SEQUENCE) -
			  state_get(outbox->head, STATE_SENT));
}

static inline struct outbox_slot *outbox_slot(struct outbox *outbox, uint64_t sequence)
{
	return &outbox->body->slots[sequence % OUTBOX_SLOTS];
}

/* For sinks: what became of one batch, and its commit: STATE_SENT moves on by slot_count. A failure
 * makes a notice, at most once a minute. */
struct outbox_outcome {
	uint32_t slot_count;
	uint32_t destination_count;
	uint32_t sends;
	uint32_t records_sent;
	uint32_t records_dropped;
	uint32_t failed[COUNTER_SENDS_FAILED_OTHER - COUNTER_SENDS_FAILED_FULL + 1];
};

void outbox_outcome_fail(struct outbox *outbox, struct outbox_outcome *outcome, int error,
			 uint32_t datagrams);
void outbox_outcome_stage(struct outbox *outbox, const struct outbox_outcome *outcome);
