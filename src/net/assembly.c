/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/assembly.h"

#include <string.h>

#include "net/flow.h"

void assembly_drop(struct assembly *a, struct flow *flow, enum piece_cause cause, uint32_t pieces)
{
	flow->held -= pieces;
	a->held -= pieces;
	a->counts->dropped[cause] += pieces;
}

void assembly_take_in(struct assembly *a, struct flow *flow)
{
	flow->held++;
	a->held++;
	a->counts->in++;
}

void assembly_refuse(struct assembly *a, enum piece_cause cause)
{
	a->counts->in++;
	a->counts->dropped[cause]++;
}

void assembly_clear_hand(struct assembly *a)
{
	a->hand = (struct slice){0};
	a->is_hand_cut = false;
}

uint32_t assembly_bytes(const struct assembly *a, const struct flow *flow)
{
	return flow->edge - flow->next + (uint32_t)a->hand.length;
}

static const uint8_t *take_hand(struct assembly *a, struct flow *flow, uint32_t length,
				uint32_t *ended)
{
	const uint8_t *bytes = a->hand.data;

	a->hand.data += length;
	a->hand.length -= length;
	a->is_hand_fresh = false;
	flow->edge += length;
	flow->next = flow->edge;
	if (!a->hand.length) {
		flow->in_hand = false;
		*ended += 1;
	}
	return bytes;
}

const uint8_t *assembly_take(struct assembly *a, struct flow *flow, uint8_t *out, uint32_t length,
			     uint32_t *ended)
{
	uint32_t part = flow->edge - flow->next;

	if (!part)
		return take_hand(a, flow, length, ended);
	if (part > length)
		part = length;
	*ended += run_take(&a->chunks, &flow->run, out, part, a->step);
	flow->next += part;
	if (length > part)
		memcpy(out + part, take_hand(a, flow, length - part, ended), length - part);
	return out;
}

const uint8_t *assembly_peek(const struct assembly *a, const struct flow *flow, uint8_t *out,
			     uint32_t length)
{
	uint32_t part = flow->edge - flow->next;

	if (!part)
		return a->hand.data;
	if (part > length)
		part = length;
	run_peek(&a->chunks, &flow->run, out, part);
	if (length > part)
		memcpy(out + part, a->hand.data, length - part);
	return out;
}

void assembly_skip_hand(struct assembly *a, struct flow *flow, uint32_t *ended)
{
	take_hand(a, flow, (uint32_t)a->hand.length, ended);
}
