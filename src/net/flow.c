/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes of a flow that are still needed lie, in this order: in the run, from next to the edge;
 * in the segment at hand, from the edge on; and behind a hole, in the backlog. A segment in order
 * is kept at hand and read where it is; only what is left of it when no message is complete goes to
 * the run. While there is a backlog, segments go there first, and from there to the run.
 */
#include "net/flow.h"

#include <netinet/tcp.h>

#include "base/cursor.h"

#define WINDOW	     (1 << 20) /* a sequence number further off than this is not of this stream, */
#define STRIKES_MAX  3	       /* unless so many in a row are not */
#define MESSAGE_HEAD 12	       /* RFC 1035 4.1.1 */
#define OPCODE_DSO   6	       /* RFC 8490, the highest there is */

enum taking {
	TAKING_DONE,
	TAKING_SHORT, /* bytes are missing */
	TAKING_LOST,  /* no message begins here */
};

/* Lets everything before the backlog go; the next segment begins a search. */
static void lose(struct assembly *a, struct flow *flow, enum piece_cause cause)
{
	run_release(&a->chunks, &flow->run, a->step);
	assembly_drop(a, flow, cause, flow->held - flow->backlog.pieces);
	flow->edge += (uint32_t)a->hand.length;
	assembly_clear_hand(a);
	flow->in_hand = false;
	flow->next = flow->edge;
	flow->need = 0;
	flow->taken = 0;
	flow->state = FLOW_SEARCH;
}

static void lose_all(struct assembly *a, struct flow *flow, enum piece_cause cause)
{
	backlog_release(&a->chunks, &flow->backlog, a->step);
	lose(a, flow, cause);
}

/* From here on nothing before start is wanted. */
static void move_to(struct flow *flow, uint32_t start)
{
	flow->next = start;
	flow->edge = start;
}

/* Takes what continues the run out of the backlog. False: there was nothing, or no room for it. */
static bool merge(struct assembly *a, struct flow *flow)
{
	uint32_t before = flow->edge;
	struct backlog_part part;

	while (backlog_find(&a->chunks, &flow->backlog, flow->edge, ASSEMBLY_MESSAGE_MAX, &part)) {
		struct slice bytes = {a->message, part.length};

		chain_read(&a->chunks, &part.walk, a->message, part.length);
		if (!run_append(&a->chunks, &flow->run, bytes, part.pieces, a->step))
			break;
		flow->edge += part.length;
		backlog_passed(&a->chunks, &flow->backlog, part.pieces, a->step);
	}
	if (flow->edge == before)
		return false;
	flow->hole_ns = a->now_ns;
	return true;
}

/* Goes on behind the hole, with what is there. */
static void jump(struct assembly *a, struct flow *flow, enum piece_cause cause)
{
	lose(a, flow, cause);
	move_to(flow, backlog_lowest(&a->chunks, &flow->backlog, flow->edge));
	if (!merge(a, flow))
		lose_all(a, flow, PIECE_BYTES);
}

/*
 * Could a message of that length begin like this? What it counts must have room in it, and what is
 * in it must be counted, but for DSO, whose TLVs are not. No query has an RCODE, but what follows a
 * prefix that was missed looks like one with 1: QDCOUNT stands there.
 */
static bool is_message_head(const uint8_t *head, uint32_t length)
{
	uint32_t opcode = head[2] >> 3 & 15, questions = be16_load(head + 4);
	uint32_t records = 0u + be16_load(head + 6) + be16_load(head + 8) + be16_load(head + 10);
	uint32_t least = MESSAGE_HEAD + 5 * questions + 11 * records;
	bool is_query = !(head[2] & 0x80);

	if (opcode > OPCODE_DSO || questions > 1 || length < least || (is_query && head[3] & 15))
		return false;
	return least > MESSAGE_HEAD || length == MESSAGE_HEAD || opcode == OPCODE_DSO;
}

static enum taking take_prefix(struct assembly *a, struct flow *flow)
{
	uint8_t prefix[2];
	uint32_t ended = 0;

	if (assembly_bytes(a, flow) < sizeof(prefix))
		return TAKING_SHORT;
	flow->need = be16_load(assembly_take(a, flow, prefix, sizeof(prefix), &ended));
	flow->taken += (uint16_t)ended;
	return flow->need < MESSAGE_HEAD ? TAKING_LOST : TAKING_DONE;
}

static enum taking check_head(const struct assembly *a, struct flow *flow)
{
	uint8_t head[MESSAGE_HEAD];

	if (assembly_bytes(a, flow) < sizeof(head))
		return TAKING_SHORT;
	if (!is_message_head(assembly_peek(a, flow, head, sizeof(head)), flow->need))
		return TAKING_LOST;
	flow->state = FLOW_GUESSED;
	return TAKING_DONE;
}

static enum taking take_message(struct assembly *a, struct flow *flow, struct slice *message)
{
	uint32_t pieces = 0;
	enum taking taking;

	if (!flow->need) {
		taking = take_prefix(a, flow);
		if (taking != TAKING_DONE)
			return taking;
	}
	if (flow->state != FLOW_SYNCED) {
		taking = check_head(a, flow);
		if (taking != TAKING_DONE)
			return taking;
	}
	if (assembly_bytes(a, flow) < flow->need)
		return TAKING_SHORT;
	message->length = flow->need;
	message->data = assembly_take(a, flow, a->message, flow->need, &pieces);
	pieces += flow->taken;
	flow->held -= pieces;
	a->held -= pieces;
	a->counts->used += pieces;
	flow->need = 0;
	flow->taken = 0;
	return TAKING_DONE;
}

/* The rest of the segment in which there was no message goes; the next may begin with one. */
static void search(struct assembly *a, struct flow *flow)
{
	uint32_t pieces = 0;

	if (!run_is_at_record(&flow->run))
		flow->next += run_skip(&a->chunks, &flow->run, &pieces, a->step);
	else if (flow->next == flow->edge && a->hand.length && !a->is_hand_fresh)
		assembly_skip_hand(a, flow, &pieces);
	assembly_drop(a, flow, PIECE_OUT_OF_SYNC, pieces + flow->taken);
	flow->need = 0;
	flow->taken = 0;
	flow->state = FLOW_SEARCH;
}

static bool has_room(const struct assembly *a, const struct flow *flow, uint32_t more)
{
	return (uint64_t)chain_length(&flow->run.chain) + chain_length(&flow->backlog.chain) +
		       more <=
	       a->limits.stream_bytes;
}

/* No message is complete: what is left of the segment at hand goes to the run. */
static void keep_hand(struct assembly *a, struct flow *flow)
{
	uint32_t length = (uint32_t)a->hand.length;

	if (a->is_hand_cut) {
		lose(a, flow, PIECE_INVALID);
	} else if (length) {
		if (!has_room(a, flow, length) ||
		    !run_append(&a->chunks, &flow->run, a->hand, 1, a->step)) {
			lose(a, flow, PIECE_BYTES);
			return;
		}
		flow->edge += length;
		flow->in_hand = false;
		assembly_clear_hand(a);
	}
}

static bool is_over(const struct flow *flow)
{
	if (flow->is_closing)
		return true;
	return flow->has_fin &&
	       (flow->state == FLOW_SEARCH || (int32_t)(flow->edge - flow->fin) >= 0);
}

static void end(struct assembly *a, struct flow *flow)
{
	enum piece_cause cause = flow->is_closing ? flow->cause : PIECE_CLOSED;

	lose_all(a, flow, cause);
	flow->state = cause == PIECE_AGE ? FLOW_GONE : FLOW_CLOSED;
	flow->is_closing = false;
	flow->has_fin = false;
}

/* No message is complete, and nothing is at hand. True: look again. */
static bool go_on(struct assembly *a, struct flow *flow)
{
	bool is_ending = flow->is_closing || flow->has_fin;

	if (flow->backlog.pieces && (is_ending || flow->state == FLOW_SEARCH)) {
		jump(a, flow, flow->is_closing ? flow->cause : PIECE_CLOSED);
		return true;
	}
	if (is_over(flow))
		end(a, flow);
	return false;
}

bool flow_next(struct assembly *a, struct flow *flow, struct slice *message)
{
	for (;;) {
		switch (take_message(a, flow, message)) {
		case TAKING_DONE:
			return true;
		case TAKING_LOST:
			search(a, flow);
			break;
		case TAKING_SHORT:
			keep_hand(a, flow);
			if (!go_on(a, flow))
				return false;
		}
	}
}

bool flow_is_settled(const struct assembly *a, const struct flow *flow)
{
	return flow->next == flow->edge && !a->hand.length && !a->is_hand_cut &&
	       !flow->is_closing && !flow->has_fin && !flow->backlog.pieces;
}

/* A piece that does not continue the run, or does so while others wait. */
static void set_aside(struct assembly *a, struct flow *flow, uint32_t start, struct slice piece)
{
	uint32_t end = start + (uint32_t)piece.length;
	bool had_hole = flow_has_hole(flow);

	if (backlog_covers(&a->chunks, &flow->backlog, flow->edge, start, end)) {
		assembly_drop(a, flow, PIECE_DUPLICATE, 1);
		return;
	}
	if (!has_room(a, flow, (uint32_t)piece.length) ||
	    !backlog_add(&a->chunks, &flow->backlog, flow->edge, start, piece, a->step)) {
		assembly_drop(a, flow, PIECE_BYTES, 1);
		return;
	}
	if (!had_hole)
		flow->hole_ns = a->now_ns;
	merge(a, flow);
	if (!flow->backlog.pieces)
		return;
	if (backlog_bytes(&a->chunks, &flow->backlog, flow->edge) >= a->limits.hole_bytes)
		jump(a, flow, PIECE_BYTES);
	else if (flow->backlog.pieces >= BACKLOG_PIECES_MAX)
		jump(a, flow, PIECE_ENTRIES);
	else if (assembly_is_due(a, flow->hole_ns, a->limits.hole_ns))
		jump(a, flow, PIECE_AGE);
}

static bool is_in_search(const struct flow *flow)
{
	return flow->state == FLOW_SEARCH || flow->state == FLOW_CLOSED;
}

/* False: the segment is not of the stream as it is known. Moves to where the stream seems to be. */
static bool follow(struct assembly *a, struct flow *flow, uint32_t start, uint32_t end)
{
	bool is_ahead = (int32_t)(start - flow->edge) > 0;
	bool is_far =
		(int32_t)(start - flow->edge) > WINDOW || (int32_t)(end - flow->edge) < -WINDOW;

	if (is_far && !is_in_search(flow) && ++flow->strikes < STRIKES_MAX)
		return false;
	flow->strikes = 0;
	if (is_far || (is_ahead && is_in_search(flow))) {
		lose_all(a, flow, PIECE_OUT_OF_SYNC);
		move_to(flow, start);
	}
	return true;
}

static void take_payload(struct assembly *a, struct flow *flow, uint32_t start,
			 const struct packet *segment)
{
	struct slice piece = segment->payload;
	uint32_t end = start + (uint32_t)piece.length, known;

	if (!follow(a, flow, start, end)) {
		assembly_refuse(a, PIECE_OUT_OF_SYNC);
		return;
	}
	known = flow->edge - start;
	assembly_take_in(a, flow);
	if ((int32_t)(end - flow->edge) <= 0) {
		assembly_drop(a, flow, PIECE_DUPLICATE, 1);
		return;
	}
	if (flow->state == FLOW_CLOSED)
		flow->state = FLOW_SEARCH;
	if (flow->backlog.pieces || known > piece.length) {
		if (segment->is_cut)
			assembly_drop(a, flow, PIECE_INVALID, 1);
		else
			set_aside(a, flow, start, piece);
		return;
	}
	flow->in_hand = true;
	a->hand = (struct slice){piece.data + known, piece.length - known};
	a->is_hand_fresh = true;
	a->is_hand_cut = segment->is_cut;
}

/* A SYN may be repeated, or come behind the first data; else it begins another stream. */
static void take_syn(struct assembly *a, struct flow *flow, uint32_t start)
{
	bool is_repeated = flow->has_syn ? flow->syn == start : flow->edge - start <= WINDOW;

	if (!is_repeated || flow->state == FLOW_CLOSED) {
		lose_all(a, flow, PIECE_CLOSED);
		*flow = (struct flow){.state = FLOW_SEARCH, .used_ns = flow->used_ns};
		move_to(flow, start);
	}
	if (flow->state == FLOW_SEARCH && flow->edge == start)
		flow->state = FLOW_SYNCED;
	flow->has_syn = true;
	flow->syn = start;
}

static void take_end(struct assembly *a, struct flow *flow, uint8_t flags, uint32_t end)
{
	uint32_t off = end - flow->edge + WINDOW;

	if (flow->state == FLOW_CLOSED || (flow->state != FLOW_SEARCH && off > 2 * WINDOW))
		return;
	if (flags & TH_RST) {
		flow_close(a, flow, PIECE_CLOSED);
	} else if (!flow->has_fin) {
		if (!flow_has_hole(flow))
			flow->hole_ns = a->now_ns;
		flow->has_fin = true;
		flow->fin = end;
	}
}

static uint32_t start_of(const struct packet *segment)
{
	return segment->tcp_sequence + !!(segment->tcp_flags & TH_SYN);
}

void flow_begin(struct flow *flow, const struct packet *segment)
{
	move_to(flow, start_of(segment));
}

void flow_add(struct assembly *a, struct flow *flow, const struct packet *segment)
{
	uint8_t flags = segment->tcp_flags;
	uint32_t start = start_of(segment);

	flow->used_ns = a->now_ns;
	if (flow->in_hand) {
		/* The segment that it was part of never came again. */
		assembly_drop(a, flow, PIECE_OUT_OF_SYNC, 1);
		flow->in_hand = false;
	}
	if (flags & TH_RST) {
		if (segment->payload.length)
			assembly_refuse(a, PIECE_CLOSED);
		take_end(a, flow, flags, start);
		return;
	}
	if (flags & TH_SYN)
		take_syn(a, flow, start);
	if (segment->payload.length)
		take_payload(a, flow, start, segment);
	if (flags & TH_FIN)
		take_end(a, flow, flags, start + (uint32_t)segment->payload.length);
}

void flow_add_again(struct assembly *a, const struct flow *flow, const struct packet *segment)
{
	uint32_t known = flow->edge - start_of(segment);

	a->is_hand_cut = segment->is_cut;
	if (!flow->in_hand || known >= segment->payload.length)
		return;
	a->hand = (struct slice){segment->payload.data + known, segment->payload.length - known};
	a->is_hand_fresh = !known;
}

void flow_give_up_hole(struct assembly *a, struct flow *flow)
{
	if (flow->backlog.pieces)
		jump(a, flow, PIECE_AGE);
	else
		flow_close(a, flow, PIECE_AGE);
}

void flow_close(struct assembly *a, struct flow *flow, enum piece_cause cause)
{
	if (flow->in_hand)
		assembly_drop(a, flow, PIECE_OUT_OF_SYNC, 1);
	flow->in_hand = false;
	flow->is_closing = true;
	flow->cause = (uint8_t)cause;
}

void flow_drop(struct assembly *a, struct flow *flow, enum piece_cause cause)
{
	lose_all(a, flow, cause);
}

/* Whether what the parts of a flow hold adds up. */
static bool is_sound(const struct flow *flow, uint64_t bytes, uint64_t pieces)
{
	if (flow->state > FLOW_CLOSED || flow->cause >= PIECE_CAUSE_COUNT ||
	    (flow->need && flow->need < MESSAGE_HEAD) || bytes != flow->edge - flow->next)
		return false;
	if (flow->state == FLOW_CLOSED && (bytes || flow->held))
		return false;
	return flow->held == pieces + flow->taken + flow->backlog.pieces + flow->in_hand;
}

bool flow_mark(struct assembly *a, struct flow *flow)
{
	uint64_t bytes, pieces;

	if (!run_mark(&a->chunks, &flow->run, &bytes, &pieces))
		return false;
	if (backlog_mark(&a->chunks, &flow->backlog, flow->edge)) {
		if (is_sound(flow, bytes, pieces)) {
			a->held += flow->held;
			return true;
		}
		chain_unmark(&a->chunks, &flow->backlog.chain);
	}
	chain_unmark(&a->chunks, &flow->run.chain);
	return false;
}
