/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A message as the response to the question that it has. What is kept of it, relayed to a client,
 * or made of it for another name is a response again, with as many records.
 */
#include <assert.h>
#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "dns/response.h"

#define MESSAGE_MAX 4096
#define MADE_MAX    65535

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t kept[2 * MESSAGE_MAX], made[MADE_MAX + MESSAGE_MAX];

/* The question of the message, with letters in the other case; any, when there is none. */
static struct slice question_of(struct slice message)
{
	static uint8_t octets[DNS_NAME_MAX + 4];
	struct slice rest = {message.data + DNS_HEADER_SIZE, message.length - DNS_HEADER_SIZE};
	size_t length = name_wire_length(rest);

	if (!length || rest.length - length < 4)
		return (struct slice){(const uint8_t *)"\0\0\1\0\1", 5};
	memcpy(octets, rest.data, length + 4);
	for (size_t at = 0; at < length; at++)
		if ((octets[at] | 0x20) >= 'a' && (octets[at] | 0x20) <= 'z')
			octets[at] ^= 0x20;
	return (struct slice){octets, length + 4};
}

/* With octets behind it that are no part of any name: what a message's names may cost depends on
 * its length, and it has become shorter. */
static void check_sound(uint8_t *bytes, size_t length, struct slice question,
			const struct response *wanted)
{
	struct slice message = {bytes, length + MESSAGE_MAX};
	struct response found;

	memset(bytes + length, 0xff, MESSAGE_MAX);
	assert(response_parse(message, question, true, &found) == RESPONSE_OK);
	assert(found.length == length && wanted->length == length);
	assert(found.question_length == wanted->question_length);
	assert(found.is_truncated == wanted->is_truncated);
	assert(found.answer_count == wanted->answer_count);
	assert(found.authority_count == wanted->authority_count);
	assert(found.additional_count == wanted->additional_count);
	assert(found.ttl_least_s == wanted->ttl_least_s);
	assert(found.negative_ttl_s == wanted->negative_ttl_s);
	assert(found.ttl_count == wanted->ttl_count);
	assert(!memcmp(found.ttls, wanted->ttls, sizeof(found.ttls[0]) * found.ttl_count));
}

/* To a client of either kind, that may get so much. */
static void check_relay(struct slice message, struct slice question,
			const struct response *response, uint16_t payload)
{
	struct reply_question asked = {
		.id = 1,
		.flags = payload & 0x0130,
		.payload = payload | QUERY_PAYLOAD_LEAST,
		.own_payload = REPLY_PAYLOAD,
		.has_edns = payload & 1,
		.question_length = (uint16_t)question.length,
	};
	const struct reply_source source = {
		.message = message,
		.ttls = response->ttls,
		.ttl_count = response->ttl_count,
		.rcode = response->rcode,
		.age_s = payload & 2 ? 1000 : 0,
		.ttl_most_s = UINT32_MAX,
		.error = response->extended_error < 0 ? EDE_NONE : EDE_OTHER,
	};
	struct response found;
	size_t length;

	memcpy(asked.question, question.data, question.length);
	length = reply_relay(&asked, &source, made, MADE_MAX);
	assert(length <= asked.payload);
	memset(made + length, 0xff, MESSAGE_MAX);
	assert(response_parse((struct slice){made, length + MESSAGE_MAX}, question, true, &found) ==
	       RESPONSE_OK);
	if (found.is_truncated || !response->question_length)
		return;
	assert(found.has_edns == asked.has_edns);
	if (asked.has_edns)
		assert(found.rcode == response->rcode);
	assert(found.ttl_count == response->ttl_count && found.length == response->length);
	if (source.age_s)
		return;
	length = response_compact(made, &found); /* without OPT it is what was kept */
	check_sound(made, length, question, response);
}

static void check_rename(struct slice message, struct slice question, struct response *response)
{
	static const uint8_t name[] = "\3new\4name";
	uint8_t other[sizeof(name) + 4];
	size_t length = response_rename(message, (struct slice){name, sizeof(name)}, response, made,
					MADE_MAX);

	if (!length)
		return;
	memcpy(other, name, sizeof(name));
	memcpy(other + sizeof(name), question.data + question.length - 4, 4);
	check_sound(made, length, (struct slice){other, sizeof(other)}, response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice message = {data, size}, question;
	struct response response;

	if (size < DNS_HEADER_SIZE || size > MESSAGE_MAX)
		return 0;
	question = question_of(message);
	if (response_parse(message, question, false, &response) != RESPONSE_OK)
		return 0;
	memcpy(kept, data, response.length);
	assert(response_compact(kept, &response) == response.length);
	message = (struct slice){kept, response.length};
	if (response.question_length) /* the case of its letters counts below */
		memcpy(kept + DNS_HEADER_SIZE, question.data, question.length);
	check_sound(kept, message.length, question, &response);
	check_relay(message, question, &response, be16_load(data));
	check_rename(message, question, &response);
	return 0;
}
