/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/answer.h"

#include <stdbool.h>
#include <string.h>

#include "base/cursor.h"

#define FLAG_QR	    0x80 /* of the third octet */
#define OPCODE_MASK 0x78
#define RCODE_MASK  0x0f /* of the fourth */

static bool is_same_question(const uint8_t *found, struct slice question)
{
	size_t name_length = question.length - 4;

	return name_equal(found, question.data, name_length) &&
	       !memcmp(found + name_length, question.data + name_length, 4);
}

struct answer answer_check(struct slice message, struct slice question)
{
	static const struct answer foreign = {ANSWER_FOREIGN, 0};
	const uint8_t *header = message.data;
	size_t end = DNS_HEADER_SIZE + question.length;
	struct answer answer;
	uint16_t questions;

	if (message.length < DNS_HEADER_SIZE || !(header[2] & FLAG_QR) || header[2] & OPCODE_MASK)
		return foreign;
	answer = (struct answer){ANSWER_EMPTY, header[3] & RCODE_MASK};
	questions = be16_load(header + 4);
	/* A server that cannot read the question, or will not, need not repeat it. */
	if (!questions && answer.rcode)
		return answer;
	if (questions != 1 || message.length < end ||
	    !is_same_question(header + DNS_HEADER_SIZE, question))
		return foreign;
	if (be16_load(header + 6) && message.length >= end + ANSWER_RECORD_LEAST)
		answer.result = ANSWER_RECORDS;
	return answer;
}
