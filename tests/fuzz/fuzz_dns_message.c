/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A message, and the record that is made of it. The first byte: is it cut, and is its header made
 * one of an answer.
 */
#include <assert.h>
#include <string.h>

#include "dns/message.h"
#include "record/reader.h"
#include "record/set.h"

#define MESSAGE_MAX 65535

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dns_answer answer;

/* The names that were kept are valid, and as many as counted unless some were too much to keep. */
static void check_names(void)
{
	struct slice left = {answer.names, answer.names_length};
	uint16_t count = 0;

	for (; left.length; count++) {
		size_t length = name_wire_length(left);
		uint8_t wire[DNS_NAME_MAX], parsed;
		char text[DNS_NAME_TEXT_MAX];

		assert(length);
		assert(name_format(left.data, text) == strlen(text));
		assert(name_parse(text, wire, &parsed));
		assert(parsed == length && !memcmp(wire, left.data, length));
		left.data += length;
		left.length -= length;
	}
	assert(count == answer.names_count);
}

/* What is encoded is read back the same. */
static void check_record(void)
{
	static const struct address client = {{192, 0, 2, 1}, 4}, resolver = {{192, 0, 2, 53}, 4};
	uint8_t bytes[RECORD_PAYLOAD_MAX + RECORD_SET_SLACK];
	uint32_t length = RECORD_HEADER_SIZE;
	struct record_reader reader;
	struct record_set set;
	bool is_end;

	record_header_encode(bytes, 1, 0, 1);
	length += record_set_encode(bytes + length, &client, &resolver, &answer);
	assert(length <= RECORD_PAYLOAD_MAX && length % 4 == 0);
	assert(record_reader_open(&reader, (struct slice){bytes, length}) == RECORD_OK);
	assert(record_reader_next(&reader, &set, &is_end) == RECORD_OK && !is_end);
	assert(cursor_left(&reader.cursor) == 0);
	assert(address_equal(&set.client, &client) && address_equal(&set.resolver, &resolver));
	assert(set.names_count == answer.names_count && set.names.length == answer.names_length);
	assert(!memcmp(set.names.data, answer.names, answer.names_length));
	assert(set.ip4s.length == 4u * answer.ip4s_count);
	assert(!memcmp(set.ip4s.data, answer.ip4s, set.ip4s.length));
	assert(set.ip6s.length == 16u * answer.ip6s_count);
	assert(!memcmp(set.ip6s.data, answer.ip6s, set.ip6s.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[MESSAGE_MAX];
	struct slice message;
	bool is_cut, is_answer;
	enum dns_outcome outcome;

	if (size < 1 || size > 1 + MESSAGE_MAX)
		return 0;
	is_cut = data[0] & 1;
	is_answer = data[0] & 2;
	message = (struct slice){data + 1, size - 1};
	if (is_answer && message.length >= 6) {
		memcpy(bytes, message.data, message.length);
		memcpy(bytes + 2, "\201\200\0\1", 4);
		message.data = bytes;
	}
	outcome = dns_answer_parse(message, is_cut, &answer);
	assert(outcome < DNS_OUTCOME_COUNT);
	assert(answer.names_count <= DNS_ANSWER_NAMES_MAX);
	assert(answer.ip4s_count <= DNS_ANSWER_ADDRESSES_MAX);
	assert(answer.ip6s_count <= DNS_ANSWER_ADDRESSES_MAX);
	if (outcome != DNS_RECORDED)
		return 0;
	assert(answer.names_count && answer.ip4s_count + answer.ip6s_count);
	if (answer.names_length <= DNS_ANSWER_NAMES_BYTES)
		check_names();
	if (record_estimate(&answer) <= RECORD_ESTIMATE_MAX)
		check_record();
	return 0;
}
