/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "stats/rates.h"

/*
 * What the aggregator must not forget when it dies: a memfd that the supervisor keeps and only
 * reads. The aggregator works on words of its own and commits them whole: they are copied beside
 * the valid ones, and one store makes them the valid ones. So SIGKILL at any instruction leaves the
 * words of one commit or of the next. Not of permanent layout: another version begins with clean
 * words, and what the old ones had queued is counted lost.
 */

/* How far the events of one worker are read. */
struct source_account {
	uint64_t position; /* in its ring: all before it is in the outputs' queues, or counted */
	uint64_t read;	   /* events */
	uint64_t damaged;  /* records that are no event */
};

/* What became of the events of one output: read = all others together, as they stand here from
 * written to spooled. */
struct output_account {
	uint64_t identity; /* a hash of what it is and where it goes; another one begins clean */
	uint64_t read;
	uint64_t written;
	uint64_t filtered;
	uint64_t sampled_out;
	uint64_t dropped_full;	  /* no room in queue and spool */
	uint64_t dropped_failed;  /* refused by who should take it */
	uint64_t dropped_too_big; /* longer than a record of its kind can be */
	uint64_t dropped_damaged; /* in a spool or queue that could not be read */
	uint64_t lost;		  /* queued for an output that is no longer configured */
	uint64_t queued;	  /* records in the queue */
	uint64_t spooled;	  /* records in the spool */
	/* where things stand */
	uint64_t head, tail; /* of the queue, in bytes */
	uint64_t spool_head, spool_tail;
	uint64_t file_length; /* of standard output: what is written of the first record */
	uint64_t file_number; /* inode of the file that it belongs to */
	uint64_t opened_ns;   /* wall clock, of that file: rotation by time */
	uint64_t sequence;    /* of the last datagram of records */
	/* beside it */
	uint64_t bytes_written;
	uint64_t failures; /* connections lost or refused, writes that failed */
	uint64_t is_up;	   /* it can take records now */
	uint64_t given_up; /* matches of a filter's pattern that took too long: no match */
};

struct aggregator_words {
	struct source_account sources[CONFIG_WORKERS_MAX];
	struct output_account outputs[CONFIG_OUTPUTS_MAX];
};

#define AGGREGATOR_STREAMS_MAX 64 /* with rates: the captured one, and those of other servers */

struct aggregator_state {
	uint64_t layout; /* aggregator_layout() of who began it; 0 = fresh */
	uint32_t active; /* which words are valid */
	uint32_t reserved;
	uint64_t sequence; /* of commits: changes before words are overwritten */
	struct aggregator_words words[2];
	/* outside of commits: the event that an aggregator which takes care is at, position 0: none
	 */
	uint64_t suspect_source;
	uint64_t suspect_position;
	/* and statistics, of which one tick may be wrong */
	struct rates rates[AGGREGATOR_STREAMS_MAX];
	char stream_names[AGGREGATOR_STREAMS_MAX][256]; /* by slot; "" = free */
};

/* The aggregator: begins, or goes on with what is there: *words is a copy of what is valid. Returns
 * whether there was something to go on with. */
bool aggregator_state_attach(struct aggregator_state *state, struct aggregator_words *words);

/* Makes words the valid ones. */
void aggregator_state_commit(struct aggregator_state *state, const struct aggregator_words *words);

/* Anybody: a copy of the valid words. False when they are of another layout, or change all the
 * time. */
bool aggregator_state_read(const struct aggregator_state *state, struct aggregator_words *words);
