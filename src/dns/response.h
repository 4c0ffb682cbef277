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
	RESPONSE_MALFORMED, /* no response, a broken record, counts that lie, two OPT records, too
			       many records */
	RESPONSE_OTHER,	    /* well-formed, but not to this question */
};

struct response {
	uint16_t id;
	uint16_t flags;						  /* host byte order */
	uint16_t rcode;						  /* with upper bits of EDNS */
	uint16_t answer_count, authority_count, additional_count; /* the last without OPT */
	uint16_t question_length;
	bool has_edns;
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
 * case of letters unless is_exact, RFC 1035 2.3.3), type and class are equal. A response of an
 * error without a question is RESPONSE_OK only for FORMERR, NOTIMP and SERVFAIL, where servers of
 * old do so. Records behind OPT, and octets behind the last record, are not kept. Linear in its
 * length.
 *
 * question: wire name, type and class.
 */
enum response_outcome response_parse(struct slice message, struct slice question, bool is_exact,
				     struct response *response);

/* Makes the message, which was parsed, what is kept of it: counts without what is left out. Returns
 * response->length. */
size_t response_compact(uint8_t *message, const struct response *response);

/*
 * For rewritten questions: writes the message, which was parsed and compacted, with the name of its
 * question, and of every record that has it, replaced by name. Names are compressed anew, those in
 * data only of types that RFC 3597 4 lists. *response becomes that of the new message, but for the
 * fields that do not change. Returns its length, or 0 when it does not fit into size.
 */
size_t response_rename(struct slice message, struct slice name, struct response *response,
		       uint8_t *out, size_t size);
