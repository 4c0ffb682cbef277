/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns/query.h"

#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/opt.h"
#include "dns/walk.h"

#define PASSED_FLAGS (DNS_FLAG_RD | DNS_FLAG_AD | DNS_FLAG_CD)

/* All but name, which name_length tells of. */
static void query_init(struct dns_query *query, struct slice message)
{
	query->message = message;
	query->id = be16_load(message.data);
	query->flags = be16_load(message.data + 2);
	query->type = query->class = 0;
	query->question_length = 0;
	query->payload = QUERY_PAYLOAD_LEAST;
	query->has_edns = query->is_dnssec_ok = false;
	query->has_keepalive = query->has_subnet = false;
	query->name_length = 0;
}

static bool read_question(struct dns_query *query)
{
	struct slice rest = {query->message.data + DNS_HEADER_SIZE,
			     query->message.length - DNS_HEADER_SIZE};
	size_t length = name_wire_length(rest);

	if (!length || rest.length - length < 4)
		return false;
	name_lower(rest.data, length, query->name);
	query->name_length = (uint8_t)length;
	query->type = be16_load(rest.data + length);
	query->class = be16_load(rest.data + length + 2);
	query->question_length = (uint16_t)(length + 4);
	return true;
}

static bool read_options(struct dns_query *query, struct cursor *options)
{
	struct opt_option option;

	while (opt_next(options, &option)) {
		if (option.code == OPT_KEEPALIVE && !option.data.length)
			query->has_keepalive = true;
		else if (option.code == OPT_SUBNET)
			query->has_subnet = true;
	}
	return !options->failed;
}

static enum query_outcome read_opt(struct dns_query *query, const struct walk *walk,
				   const struct walk_record *record)
{
	struct cursor options;
	struct opt opt;

	if (query->has_edns)
		return QUERY_FORMERR;
	opt_read(walk, record, &opt, &options);
	query->has_edns = true;
	query->is_dnssec_ok = opt.is_dnssec_ok;
	if (opt.payload > QUERY_PAYLOAD_LEAST)
		query->payload = opt.payload;
	/* Another version may write options in another way. */
	if (opt.version != OPT_VERSION)
		return QUERY_BADVERS;
	return read_options(query, &options) ? QUERY_OK : QUERY_FORMERR;
}

static enum query_outcome read_record(struct dns_query *query, struct walk *walk)
{
	size_t owner = walk->at;
	struct walk_record record;

	if (!walk_record(walk, &record))
		return QUERY_FORMERR;
	switch (record.type) {
	case WALK_TYPE_OPT:
		return walk->message.data[owner] ? QUERY_FORMERR : read_opt(query, walk, &record);
	case DNS_TYPE_TSIG:
	case DNS_TYPE_SIG:
		return QUERY_REFUSED;
	default:
		return QUERY_FORMERR;
	}
}

static enum query_outcome read_body(struct dns_query *query)
{
	const uint8_t *header = query->message.data;
	enum query_outcome outcome = QUERY_OK, other;
	struct walk walk;

	if (be16_load(header + 4) != 1 || !read_question(query))
		return QUERY_FORMERR;
	if (be16_load(header + 6) || be16_load(header + 8))
		return QUERY_FORMERR;
	walk_init(&walk, query->message);
	walk.at += query->question_length;
	for (unsigned left = be16_load(header + 10); left; left--) {
		other = read_record(query, &walk);
		if (other == QUERY_FORMERR)
			return other;
		if (outcome == QUERY_OK)
			outcome = other;
	}
	return outcome;
}

enum query_outcome query_parse(struct slice message, struct dns_query *query)
{
	enum query_outcome outcome;

	if (message.length < DNS_HEADER_SIZE || be16_load(message.data + 2) & DNS_FLAG_QR)
		return QUERY_DROP;
	query_init(query, message);
	outcome = read_body(query);
	return query->flags & DNS_OPCODE_MASK ? QUERY_NOTIMP : outcome;
}

size_t query_build(const struct query_parts *parts, uint8_t *out)
{
	const struct opt opt = {.payload = parts->payload, .is_dnssec_ok = parts->is_dnssec_ok};
	uint8_t *at = out + DNS_HEADER_SIZE;

	be16_store(out, parts->id);
	be16_store(out + 2, parts->flags & PASSED_FLAGS);
	be16_store(out + 4, 1);
	memset(out + 6, 0, 4);
	be16_store(out + 10, 1);
	memcpy(at, parts->name.data, parts->name.length);
	at += parts->name.length;
	be16_store(at, parts->type);
	be16_store(at + 2, parts->class);
	return (size_t)(opt_put(at + 4, &opt, 0) - out);
}
