/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/aggregator_state.h"
#include "ipc/state.h"

/*
 * The ledger: for every stage of a worker, what came in equals the sum of all that it became. What
 * still waits (in the ring, in reassembly, in slots) is measured on its own, so that no residual
 * can hide a loss. At a quiet moment every line adds up; under load a snapshot may be torn.
 */

/* A snapshot of one worker, or the sum of several. */
struct ledger {
	uint64_t words[STATE_WORDS]; /* of the state head; only counters and amounts make sense in a
					sum */
	struct state_watch watch;
	uint64_t
		in_ring; /* packets in blocks that the kernel has handed over and nobody has read */
	uint64_t datagrams_made;
	uint64_t datagrams_waiting; /* in slots */
	/* of the aggregator, which its caller adds */
	uint64_t events_read, events_damaged, events_in_ring;
};

/* Adds a worker to a ledger that began as zero. */
void ledger_add(struct ledger *ledger, const struct state_head *head,
		const struct state_watch *watch, uint64_t in_ring);

static inline uint64_t ledger_counter(const struct ledger *ledger, enum counter counter)
{
	return ledger->words[STATE_COUNTERS + (int)counter];
}

#define LEDGER_LINES_MAX 12
#define LEDGER_PARTS_MAX 24

struct ledger_term {
	const char *name; /* borrowed */
	uint64_t value;
};

/* One identity: whole = sum of parts. */
struct ledger_line {
	const char *stage;
	const char *unit;
	struct ledger_term whole;
	struct ledger_term parts[LEDGER_PARTS_MAX];
	uint32_t part_count;
	int64_t missing; /* whole - sum of parts */
};

/* Makes the lines, at most LEDGER_LINES_MAX; returns how many. is_live: with the line of the
 * kernel's ring. */
uint32_t ledger_make(const struct ledger *ledger, bool is_live, struct ledger_line *lines);

/* The line of one output: what became of the events that it read. name is borrowed. */
void ledger_make_output(const struct output_account *account, const char *name,
			struct ledger_line *line);

/* Whether every line has nothing missing. */
bool ledger_adds_up(const struct ledger *ledger, bool is_live);
