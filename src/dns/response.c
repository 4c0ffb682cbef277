/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns/response.h"

#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/opt.h"
#include "dns/rdata.h"
#include "dns/walk.h"

#define NO_TTL UINT32_MAX

/* All but id and flags, and ttls, which ttl_count tells of. */
static void response_init(struct response *response)
{
	response->rcode = response->flags & DNS_RCODE_MASK;
	response->answer_count = response->authority_count = response->additional_count = 0;
	response->question_length = 0;
	response->has_edns = response->is_truncated = false;
	response->extended_error = -1;
	response->length = DNS_HEADER_SIZE;
	response->ttl_least_s = response->negative_ttl_s = NO_TTL;
	response->ttl_count = 0;
}

/* RFC 2181 8. */
static uint32_t ttl_load(const uint8_t *at)
{
	uint32_t ttl = be32_load(at);

	return ttl <= INT32_MAX ? ttl : 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* --- questions --- */

/* Type and class are octets as well, but not of a name: they have no case. */
static bool is_asked(struct slice rest, struct slice question, bool is_exact)
{
	size_t name = question.length - 4;

	if (rest.length < question.length)
		return false;
	if (!memcmp(rest.data, question.data, question.length))
		return true;
	return !is_exact && name_equal(rest.data, question.data, name) &&
	       !memcmp(rest.data + name, question.data + name, 4);
}

static enum response_outcome read_question(struct slice message, struct slice question,
					   bool is_exact, struct response *response)
{
	struct slice rest = {message.data + DNS_HEADER_SIZE, message.length - DNS_HEADER_SIZE};
	size_t length;

	if (is_asked(rest, question, is_exact)) {
		response->question_length = (uint16_t)question.length;
		response->length += (uint32_t)question.length;
		return RESPONSE_OK;
	}
	length = name_wire_length(rest);
	return length && rest.length - length >= 4 ? RESPONSE_OTHER : RESPONSE_MALFORMED;
}

/* --- names --- */

/* Whether one of the TTLs, which stand in order, has an octet from begin to end. */
static bool has_ttl(const struct response *response, size_t begin, size_t end)
{
	unsigned low = 0, high = response->ttl_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (response->ttls[middle] + 4u <= begin)
			low = middle + 1;
		else
			high = middle;
	}
	return low < response->ttl_count && response->ttls[low] < end;
}

/*
 * Whether a valid name still is the same when what stands behind it is cut off, and TTLs were
 * counted down: each pointer leads to what ends before the part that it ends itself (a "prior
 * occurrence", RFC 1035 4.1.4), and has no TTL in it.
 */
static bool is_name_lasting(const uint8_t *data, size_t offset, const struct response *response)
{
	size_t part = offset, limit = SIZE_MAX, at, end;

	for (;;) {
		for (at = part; data[at] && data[at] < WALK_POINTER >> 8; at += 1u + data[at])
			;
		end = data[at] ? at + 2 : at + 1;
		if (end > limit || (part != offset && has_ttl(response, part, end)))
			return false;
		if (!data[at])
			return true;
		limit = part;
		part = be16_load(data + at) & WALK_OFFSET_MAX;
	}
}

/* --- records --- */

static bool is_internet(const struct walk *walk, const struct walk_record *record)
{
	return be16_load(walk->message.data + record->data - 8) == DNS_CLASS_IN;
}

static bool is_name_data_sound(struct walk *walk, const struct response *response,
			       const struct walk_record *record, const struct rdata_layout *layout)
{
	struct slice inside = {walk->message.data, record->data + record->length};
	size_t at = rdata_first_name(layout, inside, record->data);
	int taken;

	if (!at)
		return false;
	for (unsigned left = layout->names; left; left--) {
		taken = name_skip(inside, at, &walk->budget);
		if (taken <= 0 || !is_name_lasting(inside.data, at, response))
			return false;
		at += (size_t)taken;
	}
	if (record->type == DNS_TYPE_CNAME && record->data <= WALK_OFFSET_MAX)
		walk->target_pointer = (uint16_t)(WALK_POINTER | record->data);
	return layout->tail == RDATA_ANY_TAIL || inside.length - at == layout->tail;
}

/* OPT has its place, and we sign nothing that could be answered with TSIG. */
static inline bool is_data_sound(struct walk *walk, const struct response *response,
				 const struct walk_record *record)
{
	const struct rdata_layout *layout;

	switch (record->type) {
	case DNS_TYPE_A:
		return record->length == 4 || !is_internet(walk, record);
	case DNS_TYPE_AAAA:
		return record->length == 16 || !is_internet(walk, record);
	case WALK_TYPE_OPT:
	case DNS_TYPE_TSIG:
		return false;
	default:
		layout = rdata_layout(record->type);
		return !layout || is_name_data_sound(walk, response, record, layout);
	}
}

/* The name of the question, or a CNAME target, was read before. */
static inline bool is_owner_sound(const struct walk *walk, const struct response *response,
				  size_t owner)
{
	const uint8_t *data = walk->message.data;
	uint16_t pointer = be16_load(data + owner);

	return pointer == (WALK_POINTER | DNS_HEADER_SIZE) || pointer == walk->target_pointer ||
	       is_name_lasting(data, owner, response);
}

/* A record that was walked, and is kept. */
static inline bool keep_record(struct walk *walk, struct response *response, size_t owner,
			       const struct walk_record *record)
{
	if (response->ttl_count == RESPONSE_RECORDS_MAX)
		return false;
	response->ttls[response->ttl_count++] = (uint16_t)(record->data - 6);
	return is_owner_sound(walk, response, owner) && is_data_sound(walk, response, record);
}

/* One of the answer or authority section, and its TTL. */
static inline bool read_record(struct walk *walk, struct response *response,
			       struct walk_record *record, uint32_t *ttl_s)
{
	size_t owner = walk->at;

	if (!walk_record(walk, record) || !keep_record(walk, response, owner, record))
		return false;
	*ttl_s = ttl_load(walk->message.data + record->data - 6);
	return true;
}

static bool read_answers(struct walk *walk, struct response *response)
{
	struct walk_record record;
	uint32_t ttl_s;

	for (unsigned left = response->answer_count; left; left--) {
		if (!read_record(walk, response, &record, &ttl_s))
			return false;
		response->ttl_least_s = least(response->ttl_least_s, ttl_s);
	}
	return true;
}

static bool read_authorities(struct walk *walk, struct response *response)
{
	struct walk_record record;
	uint32_t ttl_s, minimum_s;

	for (unsigned left = response->authority_count; left; left--) {
		if (!read_record(walk, response, &record, &ttl_s))
			return false;
		if (record.type != DNS_TYPE_SOA)
			continue;
		minimum_s = ttl_load(walk->message.data + walk->at - 4);
		response->negative_ttl_s = least(response->negative_ttl_s, least(ttl_s, minimum_s));
	}
	return true;
}

static bool read_opt(struct walk *walk, struct response *response, struct walk_record *record)
{
	struct opt_option option;
	struct cursor options;
	struct opt opt;

	if (response->has_edns)
		return false;
	response->has_edns = true;
	opt_read(walk, record, &opt, &options);
	response->rcode |= (uint16_t)(opt.rcode_upper << 4);
	while (opt_next(&options, &option))
		if (option.code == OPT_EXTENDED_ERROR && option.data.length >= 2 &&
		    response->extended_error < 0)
			response->extended_error = be16_load(option.data.data);
	return !options.failed;
}

/* Records behind OPT are read, but not kept. */
static bool read_additionals(struct walk *walk, struct response *response, unsigned count)
{
	struct walk_record record;
	size_t owner;

	for (; count; count--) {
		owner = walk->at;
		if (!walk_record(walk, &record))
			return false;
		if (record.type == WALK_TYPE_OPT) {
			if (walk->message.data[owner] || !read_opt(walk, response, &record))
				return false;
			continue;
		}
		if (response->has_edns) {
			if (!is_data_sound(walk, response, &record))
				return false;
			continue;
		}
		if (!keep_record(walk, response, owner, &record))
			return false;
		response->additional_count++;
		response->length = (uint32_t)walk->at;
	}
	return true;
}

static enum response_outcome read_records(struct slice message, struct response *response)
{
	struct walk walk;

	walk_init(&walk, message);
	walk.at += response->question_length;
	response->answer_count = be16_load(message.data + 6);
	response->authority_count = be16_load(message.data + 8);
	if (!read_answers(&walk, response) || !read_authorities(&walk, response))
		return RESPONSE_MALFORMED;
	response->length = (uint32_t)walk.at;
	if (!read_additionals(&walk, response, be16_load(message.data + 10)))
		return RESPONSE_MALFORMED;
	return RESPONSE_OK;
}

/* Without a question there is nothing that a record could answer: there is OPT, or nothing. */
static enum response_outcome read_bare(struct slice message, struct response *response)
{
	uint16_t additional = be16_load(message.data + 10);
	enum response_outcome outcome;

	if (be16_load(message.data + 6) || be16_load(message.data + 8) || additional > 1)
		return RESPONSE_MALFORMED;
	/* The walk takes the name behind the header for read; here it is the owner of OPT. */
	if (additional && (message.length == DNS_HEADER_SIZE || message.data[DNS_HEADER_SIZE] != 0))
		return RESPONSE_MALFORMED;
	outcome = read_records(message, response);
	return response->ttl_count ? RESPONSE_MALFORMED : outcome;
}

static bool is_bare_rcode(uint16_t rcode)
{
	return rcode == DNS_FORMERR || rcode == DNS_SERVFAIL || rcode == DNS_NOTIMP;
}

enum response_outcome response_parse(struct slice message, struct slice question, bool is_exact,
				     struct response *response)
{
	enum response_outcome outcome;
	uint16_t question_count;

	if (message.length < DNS_HEADER_SIZE)
		return RESPONSE_MALFORMED;
	response->id = be16_load(message.data);
	response->flags = be16_load(message.data + 2);
	if ((response->flags & (DNS_FLAG_QR | DNS_OPCODE_MASK)) != DNS_FLAG_QR)
		return RESPONSE_MALFORMED;
	response_init(response);
	question_count = be16_load(message.data + 4);
	if (question_count == 0)
		return is_bare_rcode(response->rcode) ? read_bare(message, response)
						      : RESPONSE_OTHER;
	if (question_count > 1)
		return RESPONSE_MALFORMED;
	outcome = read_question(message, question, is_exact, response);
	if (outcome != RESPONSE_OK)
		return outcome;
	response->is_truncated = response->flags & DNS_FLAG_TC;
	return response->is_truncated ? RESPONSE_OK : read_records(message, response);
}

size_t response_compact(uint8_t *message, const struct response *response)
{
	be16_store(message + 6, response->answer_count);
	be16_store(message + 8, response->authority_count);
	be16_store(message + 10, response->additional_count);
	return response->length;
}
