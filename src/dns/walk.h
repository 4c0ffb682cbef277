/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/cursor.h"
#include "base/slice.h"
#include "dns/message.h"
#include "dns/name.h"

/* The walk over the questions and records of a message, for its parsers. Inline: it runs for every
 * message. */

#define WALK_POINTER	0xc000
#define WALK_OFFSET_MAX 0x3fff /* that a pointer can tell of */

#define WALK_TYPE_OPT 41

/* What the names of a message may cost: several times what the tightest real ones do. */
#define WALK_NAME_STEPS		  512
#define WALK_NAME_STEPS_PER_OCTET 2

/* A message being walked. When a step fails, has_ended tells "no more bytes" from "malformed". */
struct walk {
	struct slice message;
	size_t at;
	struct name_budget budget;
	uint16_t target_pointer; /* to the newest CNAME target: where most owner names point */
	bool has_ended;
};

struct walk_record {
	uint16_t type;
	uint16_t length;
	size_t data; /* the eight octets before it are class, TTL and length */
};

/* Begins behind the header, which the message has. */
static inline void walk_init(struct walk *walk, struct slice message)
{
	walk->message = message;
	walk->at = DNS_HEADER_SIZE;
	walk->budget.steps = WALK_NAME_STEPS + WALK_NAME_STEPS_PER_OCTET * (uint32_t)message.length;
	walk->target_pointer = WALK_POINTER | DNS_HEADER_SIZE;
	walk->has_ended = false;
}

static inline bool walk_take(struct walk *walk, size_t length)
{
	if (__builtin_expect(length > walk->message.length - walk->at, 0)) {
		walk->has_ended = true;
		return false;
	}
	walk->at += length;
	return true;
}

/* Behind a name of which name_expand or name_skip said what it takes. */
static inline bool walk_name(struct walk *walk, int taken)
{
	if (taken <= 0) {
		walk->has_ended = taken < 0;
		return false;
	}
	walk->at += (size_t)taken;
	return true;
}

/* The name at the start of the first question is taken for good: who walks a message without
 * questions looks at the first owner name himself. */
static inline bool walk_owner(struct walk *walk)
{
	const uint8_t *at = walk->message.data + walk->at;
	uint16_t pointer;

	if (walk->message.length - walk->at >= 2) {
		pointer = be16_load(at);
		if (pointer == (WALK_POINTER | DNS_HEADER_SIZE) ||
		    pointer == walk->target_pointer) {
			walk->at += 2; /* to a name that was read before: nothing to check */
			return true;
		}
	}
	return walk_name(walk, name_skip(walk->message, walk->at, &walk->budget));
}

/* Owner name and fixed part (RFC 1035 3.2.1); afterwards the walk stands behind the data. */
static inline bool walk_record(struct walk *walk, struct walk_record *record)
{
	const uint8_t *fixed;

	if (!walk_owner(walk))
		return false;
	fixed = walk->message.data + walk->at;
	if (!walk_take(walk, 10))
		return false;
	record->type = be16_load(fixed);
	record->length = be16_load(fixed + 8);
	record->data = walk->at;
	return walk_take(walk, record->length);
}

/*
 * The records of the additional section. The first OPT record there, whose owner is the root, has
 * the upper bits of the response code in the first octet of its TTL (RFC 6891 6.1.3): *rcode gets
 * them.
 */
static inline bool walk_additional(struct walk *walk, unsigned count, uint16_t *rcode)
{
	struct walk_record record;
	bool has_opt = false;
	size_t owner;

	for (; count; count--) {
		owner = walk->at;
		if (!walk_record(walk, &record))
			return false;
		if (record.type != WALK_TYPE_OPT || walk->message.data[owner] || has_opt)
			continue;
		*rcode |= (uint16_t)(walk->message.data[record.data - 6] << 4);
		has_opt = true;
	}
	return true;
}
