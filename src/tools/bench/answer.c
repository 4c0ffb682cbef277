/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/answer.h"

#include <stdbool.h>
#include <string.h>

#include "base/cursor.h"

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
	uint16_t flags, questions;

	if (message.length < DNS_HEADER_SIZE)
		return foreign;
	flags = be16_load(header + 2);
	if ((flags & (DNS_FLAG_QR | DNS_OPCODE_MASK)) != DNS_FLAG_QR)
		return foreign;
	answer = (struct answer){ANSWER_EMPTY, flags & DNS_RCODE_MASK};
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
