/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "dns/name.h"

/* The header, the first question and the EDNS response code of any DNS message, query or response.
 */
struct dns_question {
	uint16_t id;
	uint16_t flags; /* host byte order */
	uint16_t rcode; /* with the upper bits of the OPT record, if that can be found */
	uint16_t type;	/* 0 without a question */
	uint16_t class;
	uint8_t name_length;	    /* 0 without a question */
	uint8_t name[DNS_NAME_MAX]; /* uncompressed wire form */
};

/*
 * Reads them. False when the message is shorter than a header, or its question is malformed or cut
 * away; id and flags are right whenever there is a header. Records that cannot be walked leave the
 * response code of the header. Linear in the message's length.
 */
bool dns_question_parse(struct slice message, struct dns_question *question);
