/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "dns/message.h"
#include "dns/question.h"
#include "ipc/ring.h"
#include "ipc/state.h"
#include "net/decode.h"
#include "stats/pairs.h"
#include "stats/shard.h"
#include "worker/observe/own_traffic.h"
#include "worker/observe/dry_run.h"

/*
 * What a worker sees of DNS besides records: each message, query or response, becomes an event,
 * that is matched with its other half, counted, and, when outputs need events, handed to the
 * aggregator.
 */

struct observer {
	struct state_head *head;
	const struct state_watch *watch;
	struct shard shard;
	struct pairs pairs;
	struct ring_producer ring;
	struct hash_key key;
	struct suffixes *suffixes;
	bool has_events;		    /* events go to the aggregator */
	bool has_messages;		    /* with the message itself */
	const struct own_traffic *left_out; /* whose packets make no events; or NULL */
	bool is_dry_run;		    /* a dry run of rules */
	struct dry_run dry_run;
	uint64_t epoch;
	int64_t ticked_ns;
	struct address own[CONFIG_OWN_ADDRESSES_MAX]; /* of the server that is watched */
	uint32_t own_count;
	struct dns_question question;
	struct event event; /* of the message; what no captured one has stays zero */
	bool (*wait)(void *argument);
	void *wait_argument;
};

/* Takes over the state that a predecessor left. Reads the list of suffixes, so before the sandbox.
 * NULL, or one line that says what is wrong. */
const char *observer_open(struct observer *observer, const struct config *config,
			  const struct state_watch *watch, struct state_head *head);

/* Files: where there is no room for an event, wait is called until there is, or until it says that
 * nobody reads any more. */
void observer_on_wait(struct observer *observer, bool (*wait)(void *argument), void *argument);

/* Packets of these make no events from now on; borrowed. */
void observer_leave_out(struct observer *observer, const struct own_traffic *traffic);

/* Counts a message and stages its event: for the step that its caller commits. answer: what was
 * parsed of a message that is recorded; of any other NULL. */
void observer_take(struct observer *observer, const struct packet *packet, struct slice message,
		   const struct dns_answer *answer, int64_t time_ns);

/* The same for an event that its caller has made, with its latency: a step of its own. message is
 * left out where nobody needs it. */
void observer_note(struct observer *observer, struct event *event);

/* Between two steps, at least once a second: queries that waited too long, as steps of their own.
 * now_ns: since 1970, on the packets' clock. */
void observer_tick(struct observer *observer, int64_t now_ns);

/* Before a turn: looks whether statistics are to begin anew, for what comes now is to be in them.
 */
void observer_begin(struct observer *observer);

/* After a turn: publishes what is committed, and catches up with what was put off. */
void observer_settle(struct observer *observer);
