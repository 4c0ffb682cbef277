/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "base/slice.h"
#include "dns/message.h"

/* As much of a message as is looked at: header, question, and that a record can follow. */
#define ANSWER_RECORD_LEAST 11 /* octets of a record of the root without data */
#define ANSWER_KEPT	    (DNS_HEADER_SIZE + DNS_NAME_MAX + 4 + ANSWER_RECORD_LEAST)

enum answer_result {
	ANSWER_RECORDS, /* an answer, with a record at least */
	ANSWER_EMPTY,	/* an answer without one: an error, or nothing of this name and type */
	ANSWER_FOREIGN, /* no answer to this question */
};

struct answer {
	enum answer_result result;
	uint8_t rcode; /* of the header: queries have no EDNS */
};

/*
 * message: what came in, or its first ANSWER_KEPT octets; its id is the caller's to check.
 * question: name, type and class as they were sent. Letters may have another case.
 */
struct answer answer_check(struct slice message, struct slice question);
