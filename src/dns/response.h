/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

/*
 * A response of an upstream server, before anything of it is believed or passed on: walked from end
 * to end, so that no octet goes on that was not parsed.
 */

#define RESPONSE_RECORDS_MAX 1024 /* of one message that is passed on, OPT apart */

enum response_outcome {
	RESPONSE_OK,
	RESPONSE_MALFORMED, /* no response, not one question, a broken record, counts that lie, OPT
			       where it has no place, too many records */
	RESPONSE_OTHER,	    /* to another question, or none; what follows that was not looked at */
};

struct response {
	uint16_t id;
	uint16_t flags;						  /* host byte order */
	uint16_t rcode;						  /* with upper bits of EDNS */
	uint16_t answer_count, authority_count, additional_count; /* the last without OPT */
	uint16_t question_length;
	bool has_edns;
	bool is_truncated;	 /* TC: nothing but header and question was read, or is kept */
	int extended_error;	 /* its first one (RFC 8914), or -1 */
	uint32_t length;	 /* octets of what is kept: header to the last record before OPT */
	uint32_t ttl_least_s;	 /* of the answer section; UINT32_MAX without records. RFC 2181 8: a
				    TTL with its upper bit set is 0 */
	uint32_t negative_ttl_s; /* RFC 2308 5: the smaller of the SOA record's TTL and its MINIMUM,
				    UINT32_MAX without one in the authority section */
	uint16_t ttl_count;
	uint16_t ttls[RESPONSE_RECORDS_MAX]; /* where the TTLs of all records that are kept lie */
};

/*
 * Checks that a message is the response to a question: QR is set, opcode is QUERY, and name (in any
 * case of letters unless is_exact, RFC 1035 2.3.3), type and class are equal. One without a
 * question is RESPONSE_OK only for FORMERR, NOTIMP and SERVFAIL, which servers of old send so, and
 * without records.
 *
 * Each record is walked, and what it has of a meaning here is checked: addresses of class IN, and
 * names that may be compressed (dns/rdata.h). Records behind OPT, and octets behind the last
 * record, are not kept. A truncated response is cut anywhere, and its counts are as they are:
 * nothing of it is kept but header and question. Linear in its length.
 *
 * question: wire name, type and class. Of *response all fields are set for RESPONSE_OK alone; id
 * and flags whenever there is a header.
 */
enum response_outcome response_parse(struct slice message, struct slice question, bool is_exact,
				     struct response *response);

/* Makes the message, which was parsed, what is kept of it: counts without what is left out. Returns
 * response->length. */
size_t response_compact(uint8_t *message, const struct response *response);

/*
 * For rewritten questions: writes the message, which was parsed and compacted, with the name of its
 * question replaced by name, also where it is the owner of a record or a name in its data. Data are
 * octets but for the types of dns/rdata.h, and have names compressed only in those of RFC 1035 (RFC
 * 3597 4). *response becomes that of the new message: lengths and places change, counts and the
 * rest do not. Returns its length, or 0 when it does not fit into size, or its names are
 * tangled as no honest ones are; then *response is of no use.
 */
size_t response_rename(struct slice message, struct slice name, struct response *response,
		       uint8_t *out, size_t size);
