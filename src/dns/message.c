/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns/message.h"

#include <string.h>

#include "base/cursor.h"
#include "dns/walk.h"

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
			     const struct walk_record *record)
{
	struct slice inside = {walk->message.data, record->data + record->length};

	if (answer_add_name(answer, inside, record->data, &walk->budget) != record->length)
		return false;
	if (record->data <= WALK_OFFSET_MAX)
		walk->target_pointer = (uint16_t)(WALK_POINTER | record->data);
	return true;
}

static bool answer_add_address(struct dns_answer *answer, const struct walk *walk,
			       const struct walk_record *record)
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
	struct walk_record record;

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

static bool answer_add_question(struct dns_answer *answer, struct walk *walk)
{
	int taken = answer_add_name(answer, walk->message, walk->at, &walk->budget);
	const uint8_t *fixed;

	if (!walk_name(walk, taken))
		return false;
	fixed = walk->message.data + walk->at;
	if (!walk_take(walk, 4))
		return false;
	answer->question_length = (uint8_t)answer->names_length;
	answer->type = be16_load(fixed);
	answer->class = be16_load(fixed + 2);
	return true;
}

/* The authority and the additional section. */
static bool walk_tail(struct walk *walk, uint16_t *rcode)
{
	const uint8_t *header = walk->message.data;
	struct walk_record record;

	for (unsigned left = be16_load(header + 8); left; left--)
		if (!walk_record(walk, &record))
			return false;
	return walk_additional(walk, be16_load(header + 10), rcode);
}

static enum dns_outcome header_test(const uint8_t *header)
{
	uint16_t flags = be16_load(header + 2);

	if (!(flags & DNS_FLAG_QR))
		return DNS_NOT_RESPONSE;
	if (!(flags & DNS_FLAG_RD))
		return DNS_NOT_DESIRED;
	if (!(flags & DNS_FLAG_RA))
		return DNS_NOT_AVAILABLE;
	if (flags & DNS_RCODE_MASK)
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
	answer->rcode = 0; /* or it has no record */
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
	struct walk walk;
	enum dns_outcome outcome;

	answer_init(answer);
	if (message.length < DNS_HEADER_SIZE)
		return is_cut ? DNS_TRUNCATED : DNS_MALFORMED_HEADER;
	outcome = header_test(header);
	if (outcome != DNS_RECORDED)
		return outcome;
	is_cut |= (be16_load(header + 2) & DNS_FLAG_TC) != 0;
	walk_init(&walk, message);

	if (!answer_add_question(answer, &walk))
		return walk.has_ended && is_cut ? DNS_TRUNCATED : DNS_MALFORMED_QUESTION;
	if (!is_address_type(answer->type))
		return DNS_NOT_ADDRESS_TYPE;
	for (unsigned left = be16_load(header + 6); left; left--)
		if (!answer_add_record(answer, &walk))
			return walk.has_ended && is_cut ? DNS_TRUNCATED : DNS_MALFORMED_ANSWER;
	if (!answer->ip4s_count && !answer->ip6s_count)
		return DNS_NO_ADDRESS;

	/* What a cut took away behind the answer section is no error. */
	if (!walk_tail(&walk, &answer->rcode))
		answer->is_tail_malformed = !(walk.has_ended && is_cut);
	return DNS_RECORDED;
}
