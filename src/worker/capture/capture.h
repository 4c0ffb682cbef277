/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/random.h"
#include "bpf/settings.h"
#include "net/classify.h"
#include "net/decode.h"
#include "net/fragments.h"
#include "net/streams.h"
#include "pcap/filter.h"
#include "worker/export/outbox.h"
#include "worker/observe/observer.h"

/* A captured frame, borrowed from its source. */
struct frame {
	struct slice bytes;
	int64_t time_ns; /* since 1970 */
	uint32_t wire_length;
	enum link_type link;
	uint16_t ethertype; /* LINK_COOKED only */
};

/*
 * The way of a frame: selection, decode, reassembly, message, record. One DNS message, or one frame
 * that gives none, is one commit, which moves the cursor.
 */
struct capture {
	struct state_head *head;
	struct outbox *outbox;
	struct observer *observer; /* or NULL */
	struct fragments *fragments;
	struct streams *streams;
	struct filter_program
		*filter;   /* -f on frames that no kernel filtered, or NULL; set by a file source */
	bool is_selecting; /* frames come unfiltered, or those of all shares */
	bool is_admitting; /* the generated filter is to be applied to them */
	bool are_ports_checked; /* no -f: a payload is DNS when its source port is one of ours */
	bool is_exporting;	/* records are wanted, not statistics and events alone */
	bool is_again;	  /* the first frame of a successor, whose first messages are committed */
	bool is_skipping; /* the first frame of a successor ended its predecessor: quarantine it */
	bool keeps_clock; /* files: now_ns is packet time and lies in the state */
	uint32_t share_index;
	uint32_t share_count;
	uint32_t sample_rate;
	int64_t now_ns;	 /* never goes back */
	int64_t time_ns; /* of the frame, since 1970 */
	struct random random;
	struct decode_options options;
	struct capture_settings settings;
	uint64_t next_packet; /* STATE_PACKET once this frame is done; set by the source */
	struct piece_counts stream_pieces; /* of the steps that are being made */
	struct piece_counts fragment_pieces;
	uint8_t ports[65536 / 8];
	struct dns_answer answer;
};

/* Takes over the reassembly state in body. observer: NULL when nothing but records is wanted. 0 or
 * -errno. */
int capture_open(struct capture *capture, const struct config *config, uint32_t worker_index,
		 const struct state_watch *watch, struct state_head *head, struct body *body,
		 struct outbox *outbox, struct observer *observer);

void capture_frame(struct capture *capture, const struct frame *frame);

/* Lets go of what waited too long in reassembly; messages behind holes that are given up are taken.
 */
void capture_expire(struct capture *capture);

/* Lets go of all that is held of datagrams and streams: they are another worker's from now on. */
void capture_give_away(struct capture *capture);

/* The end of the input: gives up all holes. */
void capture_finish(struct capture *capture);
