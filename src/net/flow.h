/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "net/assembly.h"
#include "net/backlog.h"
#include "net/decode.h"
#include "net/pieces.h"
#include "net/run.h"

/*
 * One direction of a TCP connection: segments in, DNS messages out. A flow is state that a step may
 * undo; what it needs to be worked on it shares with its table, in struct assembly.
 */
enum flow_state {
	FLOW_SEARCH,  /* where a message begins is not known; perhaps at the next segment */
	FLOW_GUESSED, /* a segment began with what looked like one, and those after it did too */
	FLOW_SYNCED,  /* known from the SYN on */
	FLOW_CLOSED,  /* kept to tell repeated segments from new ones; holds nothing */
	FLOW_GONE,    /* to be freed */
};

struct flow {
	uint8_t state;
	uint8_t strikes; /* segments far out of the window, in a row */
	uint8_t cause;	 /* why it is closing */
	bool has_syn : 1;
	bool has_fin : 1;
	bool is_closing : 1; /* gives out what is complete, then ends */
	bool in_hand : 1;    /* a piece was counted whose bytes lie in the segment at hand */
	uint16_t need;	     /* length of the message at next, 0: prefix not read yet */
	uint16_t taken;	     /* pieces that ended with the prefix */
	uint32_t syn;	     /* sequence numbers: of the byte after the SYN, */
	uint32_t fin;	     /* of the FIN, */
	uint32_t next;	     /* of the first byte not taken, */
	uint32_t edge;	     /* of the first byte behind the run */
	uint32_t held;	     /* pieces */
	struct run run;
	struct backlog backlog;
	int64_t used_ns; /* last segment */
	int64_t hole_ns; /* since when it waits for the bytes at the edge */
};

/* For open: checks a flow that a dead process left and marks its chunks. */
bool flow_mark(struct assembly *assembly, struct flow *flow);

/* A new flow, all zero before, that begins with this segment. */
void flow_begin(struct flow *flow, const struct packet *segment);
void flow_add(struct assembly *assembly, struct flow *flow, const struct packet *segment);
/* Takes up a segment again some of whose messages were given out in committed steps. */
void flow_add_again(struct assembly *assembly, const struct flow *flow,
		    const struct packet *segment);
/* The next complete message; false: none, and what had to be done to the flow has been done. */
bool flow_next(struct assembly *assembly, struct flow *flow, struct slice *message);
/* Whether flow_next() would change anything. */
bool flow_is_settled(const struct assembly *assembly, const struct flow *flow);

/* These two: then flow_next(). */
void flow_give_up_hole(struct assembly *assembly, struct flow *flow);
void flow_close(struct assembly *assembly, struct flow *flow, enum piece_cause cause);
/* At once, with everything it holds. */
void flow_drop(struct assembly *assembly, struct flow *flow, enum piece_cause cause);

static inline bool flow_has_hole(const struct flow *flow)
{
	return flow->backlog.pieces || flow->has_fin;
}

/* A process that died may have left messages in it that flow_next() gives. */
static inline bool flow_is_unfinished(const struct flow *flow)
{
	return !flow->in_hand && (flow->is_closing || flow->next != flow->edge);
}

static inline bool flow_has_chunks(const struct flow *flow)
{
	return flow->run.chain.end || flow->backlog.chain.end;
}
