/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a server sends to dnsflow-bench over TCP, whole and in pieces as large as the first byte
 * says, and its messages as answers to one question.
 */
#include <assert.h>
#include <string.h>

#include "dns/question.h"
#include "tools/bench/answer.h"
#include "tools/bench/frame.h"

static const struct slice question = {(const uint8_t *)"\3www\7example\3com\0\0\1\0\1", 21};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An answer with records has the question that any other reader finds in it. */
static void check_answer(struct slice message)
{
	struct answer answer = answer_check(message, question);
	struct dns_question found;

	assert(answer.rcode <= 15);
	if (answer.result == ANSWER_RECORDS) {
		assert(dns_question_parse(message, &found));
		assert(found.name_length == 17 && found.type == 1 && found.class == 1);
		assert(found.flags & 0x8000 && (found.flags & 15) == answer.rcode);
	}
}

struct sums {
	size_t messages, octets;
	uint32_t check;
};

static void stream_read(struct slice stream, size_t piece, struct sums *sums)
{
	struct frame frame = {0};
	struct slice bytes, message;

	for (size_t at = 0; at < stream.length; at += bytes.length) {
		size_t left = stream.length - at;
		struct slice rest;

		bytes = (struct slice){stream.data + at, left < piece ? left : piece};
		rest = bytes;
		while (frame_next(&frame, &rest, &message)) {
			assert(message.length <= ANSWER_KEPT);
			check_answer(message);
			sums->messages++;
			sums->octets += message.length;
			for (size_t i = 0; i < message.length; i++)
				sums->check = sums->check * 31 + message.data[i];
		}
		assert(!rest.length);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sums whole = {0}, pieces = {0};
	struct slice stream = {data + 1, size - 1};

	if (!size)
		return 0;
	stream_read(stream, stream.length, &whole);
	stream_read(stream, data[0] ? data[0] : 1, &pieces);
	assert(whole.messages == pieces.messages && whole.octets == pieces.octets &&
	       whole.check == pieces.check);
	check_answer(stream);
	return 0;
}
