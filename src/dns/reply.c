/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns/reply.h"

#include <assert.h>
#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/opt.h"
#include "dns/walk.h"

#define TCP_PAYLOAD UINT16_MAX
#define RECORD_SIZE (2 + 10) /* octets before the data, with a pointer for an owner */

/* What a reply has of its query's header, of an upstream's response, and of one that is an error.
 */
#define QUERY_FLAGS  (DNS_OPCODE_MASK | DNS_FLAG_RD | DNS_FLAG_CD)
#define SOURCE_FLAGS (DNS_FLAG_AA | DNS_FLAG_TC | DNS_FLAG_RA)
#define ERROR_FLAGS  (DNS_FLAG_AA | DNS_FLAG_RA)

void reply_question_of(const struct dns_query *query, uint16_t payload,
		       struct reply_question *question)
{
	question->id = query->id;
	question->flags = query->flags;
	question->payload = payload;
	question->own_payload = REPLY_PAYLOAD;
	question->has_edns = query->has_edns;
	question->is_dnssec_ok = query->is_dnssec_ok;
	question->has_keepalive = query->has_keepalive && payload == TCP_PAYLOAD;
	question->keepalive = 0;
	question->question_length = query->question_length;
	memcpy(question->question, query->message.data + DNS_HEADER_SIZE, query->question_length);
}

/* --- the OPT record --- */

static uint16_t options_size(const struct reply_question *question, enum extended_error error)
{
	return (uint16_t)((error != EDE_NONE ? OPT_NUMBER_SIZE : 0) +
			  (question->has_keepalive ? OPT_NUMBER_SIZE : 0));
}

static size_t opt_size(const struct reply_question *question, enum extended_error error)
{
	return question->has_edns ? OPT_SIZE + options_size(question, error) : 0;
}

/* Ends a reply of so many octets with the OPT record, which is counted; returns its length. */
static size_t put_opt(const struct reply_question *question, uint16_t rcode,
		      enum extended_error error, uint8_t *out, size_t length)
{
	const struct opt opt = {
		.payload = question->own_payload,
		.rcode_upper = (uint8_t)(rcode >> 4),
		.is_dnssec_ok = question->is_dnssec_ok,
	};
	uint8_t *at = out + length;

	if (!question->has_edns)
		return length;
	be16_store(out + 10, (uint16_t)(be16_load(out + 10) + 1));
	at = opt_put(at, &opt, options_size(question, error));
	if (error != EDE_NONE)
		at = opt_put_number(at, OPT_EXTENDED_ERROR, (uint16_t)error);
	if (question->has_keepalive)
		at = opt_put_number(at, OPT_KEEPALIVE, question->keepalive);
	return (size_t)(at - out);
}

/* The lower bits alone would say something else. */
static uint16_t rcode_for(const struct reply_question *question, uint16_t rcode)
{
	return rcode <= DNS_RCODE_MASK || question->has_edns ? rcode : DNS_SERVFAIL;
}

/* --- made here --- */

/* Header, without records or an rcode yet, and question; returns their length. */
static size_t reply_start(const struct reply_question *question, uint16_t flags, uint8_t *out)
{
	be16_store(out, question->id);
	be16_store(out + 2, (uint16_t)(DNS_FLAG_QR | flags | (question->flags & QUERY_FLAGS)));
	be16_store(out + 4, question->question_length ? 1 : 0);
	memset(out + 6, 0, 6);
	memcpy(out + DNS_HEADER_SIZE, question->question, question->question_length);
	return DNS_HEADER_SIZE + question->question_length;
}

/* Leaves header and question; returns their length. */
static size_t reply_truncate(const struct reply_question *question, uint8_t *out)
{
	out[2] |= DNS_FLAG_TC >> 8;
	memset(out + 6, 0, 6);
	return DNS_HEADER_SIZE + question->question_length;
}

static size_t reply_finish(const struct reply_question *question, enum extended_error error,
			   uint8_t *out, size_t length)
{
	if (length + opt_size(question, error) > question->payload)
		length = reply_truncate(question, out);
	return put_opt(question, DNS_NOERROR, error, out, length);
}

static size_t put_error(const struct reply_question *question, uint16_t flags, uint16_t rcode,
			enum extended_error error, uint8_t *out)
{
	size_t length;

	rcode = rcode_for(question, rcode);
	length = reply_start(question, flags | (rcode & DNS_RCODE_MASK), out);
	return put_opt(question, rcode, error, out, length);
}

/* Without RA: Sentry's own reply to what is blocked, and one to who gets no service. */
size_t reply_error(const struct reply_question *question, uint16_t rcode, enum extended_error error,
		   uint8_t *out)
{
	bool is_available = rcode != DNS_NOERROR && rcode != DNS_REFUSED;

	return put_error(question, is_available ? DNS_FLAG_RA : 0, rcode, error, out);
}

size_t reply_truncated(const struct reply_question *question, uint8_t *out)
{
	return put_error(question, DNS_FLAG_TC | DNS_FLAG_RA, DNS_NOERROR, EDE_NONE, out);
}

/* An answer for the name of the question; returns the length of the reply with it. */
static size_t put_answer(uint8_t *out, size_t length, uint16_t type, struct slice data)
{
	uint8_t *at = out + length;

	be16_store(at, WALK_POINTER | DNS_HEADER_SIZE);
	be16_store(at + 2, type);
	be16_store(at + 4, DNS_CLASS_IN);
	be32_store(at + 6, REPLY_TTL);
	be16_store(at + 10, (uint16_t)data.length);
	memcpy(at + RECORD_SIZE, data.data, data.length);
	be16_store(out + 6, (uint16_t)(be16_load(out + 6) + 1));
	return length + RECORD_SIZE + data.length;
}

size_t reply_redirect(const struct reply_question *question, struct slice target, uint8_t *out)
{
	size_t length = reply_start(question, 0, out); /* without RA, as Sentry's */

	assert(question->question_length);
	length = put_answer(out, length, DNS_TYPE_CNAME, target);
	return reply_finish(question, EDE_NONE, out, length);
}

static bool is_asked_for(const struct reply_question *question, const struct address *address)
{
	uint16_t type = be16_load(question->question + question->question_length - 4);

	return type == DNS_TYPE_ANY || type == (address->version == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA);
}

size_t reply_addresses(const struct reply_question *question, const struct address *addresses,
		       uint32_t count, enum extended_error error, uint8_t *out)
{
	size_t length = reply_start(question, DNS_FLAG_RA, out);

	assert(question->question_length && count <= REPLY_ADDRESSES_MAX);
	for (const struct address *end = addresses + count; addresses < end; addresses++) {
		bool is_ip4 = addresses->version == 4;

		if (is_asked_for(question, addresses))
			length = put_answer(out, length, is_ip4 ? DNS_TYPE_A : DNS_TYPE_AAAA,
					    (struct slice){addresses->bytes, is_ip4 ? 4 : 16});
	}
	return reply_finish(question, error, out, length);
}

/* --- relayed --- */

static uint16_t relay_flags(const struct reply_question *question,
			    const struct reply_source *source)
{
	uint16_t flags = be16_load(source->message.data + 2);
	uint16_t relayed = DNS_FLAG_QR | (flags & SOURCE_FLAGS) | (question->flags & QUERY_FLAGS);

	if (source->is_authentic && (question->flags & DNS_FLAG_AD || question->is_dnssec_ok))
		relayed |= flags & DNS_FLAG_AD;
	return relayed;
}

/* By type and class: the name may differ in the case of letters. */
static bool is_question_of(struct slice message, const struct reply_question *question)
{
	size_t fixed = question->question_length - 4u;

	return question->question_length && message.length >= DNS_HEADER_SIZE + fixed + 4 &&
	       !memcmp(message.data + DNS_HEADER_SIZE + fixed, question->question + fixed, 4);
}

static void put_ttls(const struct reply_source *source, uint8_t *out, size_t length)
{
	for (unsigned i = 0; i < source->ttl_count && source->ttls[i] + 4u <= length; i++) {
		uint8_t *at = out + source->ttls[i];
		uint32_t ttl = be32_load(at);

		if (ttl > INT32_MAX) /* RFC 2181 8 */
			ttl = 0;
		ttl = ttl > source->age_s ? ttl - source->age_s : 0;
		be32_store(at, ttl < source->ttl_most_s ? ttl : source->ttl_most_s);
	}
}

/* Octets that a client needs: what is behind the authority section, only a referral cannot do
 * without (RFC 2181 9, RFC 9471 2.1). */
static size_t needed_length(const struct reply_source *source)
{
	const uint8_t *message = source->message.data, *last_ttl;
	unsigned answers = be16_load(message + 6), records = answers + be16_load(message + 8);

	if (!answers || records > source->ttl_count)
		return source->message.length;
	last_ttl = message + source->ttls[records - 1];
	return (size_t)(last_ttl - message) + 6 + be16_load(last_ttl + 4);
}

size_t reply_relay_error(const struct reply_question *question, uint16_t flags, uint16_t rcode,
			 enum extended_error error, uint8_t *out)
{
	return put_error(question, flags & ERROR_FLAGS, rcode, error, out);
}

size_t reply_relay(const struct reply_question *question, const struct reply_source *source,
		   uint8_t *out, size_t size)
{
	size_t most = question->payload < size ? question->payload : size;
	size_t length = source->message.length, opt = opt_size(question, source->error);
	bool is_whole = length + opt <= most, fits;
	uint16_t rcode = rcode_for(question, source->rcode);

	if (!be16_load(source->message.data + 4))
		return reply_relay_error(question, relay_flags(question, source), rcode,
					 source->error, out);
	assert(is_question_of(source->message, question));
	if (!is_whole)
		length = needed_length(source);
	fits = length + opt <= most;
	memcpy(out, source->message.data, fits ? length : DNS_HEADER_SIZE);
	if (!is_whole)
		be16_store(out + 10, 0);
	be16_store(out, question->id);
	be16_store(out + 2, relay_flags(question, source) | (rcode & DNS_RCODE_MASK));
	memcpy(out + DNS_HEADER_SIZE, question->question, question->question_length);
	if (fits)
		put_ttls(source, out, length);
	else
		length = reply_truncate(question, out);
	return put_opt(question, rcode, source->error, out, length);
}
