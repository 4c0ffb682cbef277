/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns/message.h"

#include <string.h>

#include "base/cursor.h"

#define FLAG_QR	   0x8000
#define FLAG_TC	   0x0200
#define FLAG_RD	   0x0100
#define FLAG_RA	   0x0080
#define RCODE_MASK 0x000f

#define POINTER		   0xc000
#define POINTER_OFFSET_MAX 0x3fff

/* What the names of a message may cost: several times what the tightest real ones do. */
#define NAME_STEPS	     512
#define NAME_STEPS_PER_OCTET 2

/* A message being walked. When a step fails, has_ended tells "no more bytes" from "malformed". */
struct walk {
	struct slice message;
	size_t at;
	struct name_budget budget;
	uint16_t target_pointer; /* to the newest CNAME target: where most owner names point */
	bool has_ended;
};

struct record {
	uint16_t type;
	uint16_t length;
	size_t data;
};

static bool walk_take(struct walk *walk, size_t length)
{
	if (__builtin_expect(length > walk->message.length - walk->at, 0)) {
		walk->has_ended = true;
		return false;
	}
	walk->at += length;
	return true;
}

static bool walk_name(struct walk *walk, int taken)
{
	if (taken <= 0) {
		walk->has_ended = taken < 0;
		return false;
	}
	walk->at += (size_t)taken;
	return true;
}

static bool walk_owner(struct walk *walk)
{
	const uint8_t *at = walk->message.data + walk->at;
	uint16_t pointer;

	if (walk->message.length - walk->at >= 2) {
		pointer = be16_load(at);
		if (pointer == (POINTER | DNS_HEADER_SIZE) || pointer == walk->target_pointer) {
			walk->at += 2; /* to a name that was read before: nothing to check */
			return true;
		}
	}
	return walk_name(walk, name_skip(walk->message, walk->at, &walk->budget));
}

/* Owner name and fixed part (RFC 1035 3.2.1); afterwards the walk stands behind the data. */
static bool walk_record(struct walk *walk, struct record *record)
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

/* Appends the name, or only checks it when the answer is full; returns as name_expand. */
static int answer_add_name(struct dns_answer *answer, struct slice bytes, size_t offset,
			   struct name_budget *budget)
{
	uint32_t kept = answer->names_length;
	uint8_t length;
	int taken;

	if (answer->names_count == DNS_ANSWER_NAMES_MAX) {
		answer->is_excess = true;
		return name_skip(bytes, offset, budget);
	}
	if (kept > DNS_ANSWER_NAMES_BYTES)
		kept = DNS_ANSWER_NAMES_BYTES; /* too large for any datagram: the name is only
						  checked */
	taken = name_expand(bytes, offset, budget, answer->names + kept, &length);
	if (taken > 0) {
		answer->names_count++;
		answer->names_length += length;
	}
	return taken;
}

static bool answer_add_cname(struct dns_answer *answer, struct walk *walk,
			     const struct record *record)
{
	struct slice inside = {walk->message.data, record->data + record->length};

	if (answer_add_name(answer, inside, record->data, &walk->budget) != record->length)
		return false;
	if (record->data <= POINTER_OFFSET_MAX)
		walk->target_pointer = (uint16_t)(POINTER | record->data);
	return true;
}

static bool answer_add_address(struct dns_answer *answer, const struct walk *walk,
			       const struct record *record)
{
	bool is_ip4 = record->type == DNS_TYPE_A;
	uint16_t *count = is_ip4 ? &answer->ip4s_count : &answer->ip6s_count;
	uint8_t *list = is_ip4 ? answer->ip4s : answer->ip6s;
	uint16_t size = is_ip4 ? 4 : 16;

	if (record->length != size)
		return false;
	if (*count == DNS_ANSWER_ADDRESSES_MAX) {
		answer->is_excess = true;
		return true;
	}
	list += (size_t)size * (*count)++;
	if (is_ip4)
		memcpy(list, walk->message.data + record->data, 4);
	else
		memcpy(list, walk->message.data + record->data, 16);
	return true;
}

static bool answer_add_record(struct dns_answer *answer, struct walk *walk)
{
	struct record record;

	if (!walk_record(walk, &record))
		return false;
	switch (record.type) {
	case DNS_TYPE_A:
	case DNS_TYPE_AAAA:
		return answer_add_address(answer, walk, &record);
	case DNS_TYPE_CNAME:
		return answer_add_cname(answer, walk, &record);
	default:
		return true;
	}
}

static bool answer_add_question(struct dns_answer *answer, struct walk *walk, uint16_t *type)
{
	int taken = answer_add_name(answer, walk->message, walk->at, &walk->budget);
	const uint8_t *fixed;

	if (!walk_name(walk, taken))
		return false;
	fixed = walk->message.data + walk->at;
	if (!walk_take(walk, 4))
		return false;
	*type = be16_load(fixed);
	return true;
}

static bool walk_tail(struct walk *walk, unsigned count)
{
	struct record record;

	while (count--)
		if (!walk_record(walk, &record))
			return false;
	return true;
}

static enum dns_outcome header_test(const uint8_t *header)
{
	uint16_t flags = be16_load(header + 2);

	if (!(flags & FLAG_QR))
		return DNS_NOT_RESPONSE;
	if (!(flags & FLAG_RD))
		return DNS_NOT_DESIRED;
	if (!(flags & FLAG_RA))
		return DNS_NOT_AVAILABLE;
	if (flags & RCODE_MASK)
		return DNS_NOT_NOERROR;
	if (be16_load(header + 4) != 1)
		return DNS_NOT_ONE_QUESTION;
	return DNS_RECORDED;
}

static bool is_address_type(uint16_t type)
{
	return type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_ANY;
}

static void answer_init(struct dns_answer *answer)
{
	answer->names_length = 0;
	answer->names_count = 0;
	answer->ip4s_count = 0;
	answer->ip6s_count = 0;
	answer->is_excess = false;
	answer->is_tail_malformed = false;
}

enum dns_outcome dns_answer_parse(struct slice message, bool is_cut, struct dns_answer *answer)
{
	const uint8_t *header = message.data;
	struct walk walk = {
		.message = message,
		.at = DNS_HEADER_SIZE,
		.budget.steps = NAME_STEPS + NAME_STEPS_PER_OCTET * (uint32_t)message.length,
		.target_pointer = POINTER | DNS_HEADER_SIZE,
	};
	enum dns_outcome outcome;
	uint16_t type;

	answer_init(answer);
	if (message.length < DNS_HEADER_SIZE)
		return is_cut ? DNS_TRUNCATED : DNS_MALFORMED_HEADER;
	outcome = header_test(header);
	if (outcome != DNS_RECORDED)
		return outcome;
	is_cut |= (be16_load(header + 2) & FLAG_TC) != 0;

	if (!answer_add_question(answer, &walk, &type))
		return walk.has_ended && is_cut ? DNS_TRUNCATED : DNS_MALFORMED_QUESTION;
	if (!is_address_type(type))
		return DNS_NOT_ADDRESS_TYPE;
	for (unsigned left = be16_load(header + 6); left; left--)
		if (!answer_add_record(answer, &walk))
			return walk.has_ended && is_cut ? DNS_TRUNCATED : DNS_MALFORMED_ANSWER;
	if (!answer->ip4s_count && !answer->ip6s_count)
		return DNS_NO_ADDRESS;

	/* What a cut took away behind the answer section is no error. */
	if (!walk_tail(&walk, be16_load(header + 8) + be16_load(header + 10)))
		answer->is_tail_malformed = !(walk.has_ended && is_cut);
	return DNS_RECORDED;
}
