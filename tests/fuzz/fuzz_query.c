/* SPDX-License-Identifier: BSD-3-Clause */
/* A message as a client's query; what is read of it is asked again, and read back. */
#include <assert.h>
#include <string.h>

#include "dns/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_question(const struct dns_query *query)
{
	struct slice name = {query->name, query->name_length};

	assert(query->question_length == query->name_length + 4);
	assert(12u + query->question_length <= query->message.length);
	assert(name_wire_length(name) == name.length);
	assert(name_equal(query->name, query->message.data + 12, name.length));
}

static void check_built(const struct dns_query *query)
{
	const struct query_parts parts = {
		.id = query->id,
		.flags = query->flags,
		.type = query->type,
		.class = query->class,
		.payload = query->payload,
		.is_dnssec_ok = query->is_dnssec_ok,
		.name = {query->name, query->name_length},
	};
	uint8_t bytes[QUERY_MESSAGE_MAX];
	size_t length = query_build(&parts, bytes);
	struct dns_query again;

	assert(length == 12u + query->question_length + 11);
	assert(query_parse((struct slice){bytes, length}, &again) == QUERY_OK);
	assert(again.id == query->id && again.flags == (query->flags & 0x0130));
	assert(again.type == query->type && again.class == query->class);
	assert(again.payload == query->payload && again.has_edns);
	assert(again.is_dnssec_ok == query->is_dnssec_ok);
	assert(again.name_length == query->name_length);
	assert(!memcmp(again.name, query->name, query->name_length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_query query;
	enum query_outcome outcome = query_parse((struct slice){data, size}, &query);

	if (outcome == QUERY_DROP)
		return 0;
	assert(query.payload >= QUERY_PAYLOAD_LEAST);
	assert(query.has_edns || !(query.is_dnssec_ok || query.has_keepalive || query.has_subnet));
	if (query.question_length)
		check_question(&query);
	if (outcome == QUERY_OK)
		check_built(&query);
	return 0;
}
