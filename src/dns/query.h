/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "dns/name.h"

/*
 * A query as a server takes it: header, one question, at most one OPT record, nothing else (RFC
 * 1035 4.1, RFC 6891 6.1). What is not understood is refused, never passed on.
 *
 * Octets behind the last record are no error: BIND and Unbound ignore them, there are devices that
 * send their whole buffer, and they can do no harm, since nothing here goes on but what was read.
 */

#define QUERY_PAYLOAD_LEAST 512 /* octets that every client takes over UDP */

/* What becomes of it. All but QUERY_OK and QUERY_DROP are answered with an error, for which *query
 * is filled as far as reply_error() needs it. */
enum query_outcome {
	QUERY_OK,
	QUERY_DROP,    /* no answer: shorter than a header, or a response (QR = 1) */
	QUERY_FORMERR, /* not one question, malformed, records that no query has, two OPT records */
	QUERY_NOTIMP,  /* another opcode than QUERY */
	QUERY_BADVERS, /* EDNS of another version than 0 (RFC 6891 6.1.3) */
	QUERY_REFUSED, /* signed (TSIG, SIG(0)): we have no keys, and what goes on is not what was
			  signed (RFC 8945 5.5) */
};

struct dns_query {
	struct slice message; /* borrowed; perhaps with octets behind the end of the query */
	uint16_t id;
	uint16_t flags; /* host byte order */
	uint16_t type, class;
	uint16_t question_length; /* octets of the question behind the header; 0: none was read */
	uint16_t payload;	  /* what the client takes over UDP: at least QUERY_PAYLOAD_LEAST */
	bool has_edns;
	bool is_dnssec_ok;	    /* DO (RFC 3225) */
	bool has_keepalive;	    /* edns-tcp-keepalive. One with a time, which no client may
				       send, is none: over UDP it must be ignored anyway (RFC 7828
				       3.2.1, 3.3.1) */
	bool has_subnet;	    /* client subnet (RFC 7871) */
	uint8_t name_length;	    /* of name */
	uint8_t name[DNS_NAME_MAX]; /* uncompressed wire form, in lower case; the octets that the
				       client wrote are in message */
};

/*
 * Linear in the message's length. A name in a query is not compressed: there is nothing before it
 * to point to. Of what is wrong, the first counts in this order: DROP, for which *query is not
 * touched, NOTIMP, FORMERR, then as the records stand.
 */
enum query_outcome query_parse(struct slice message, struct dns_query *query);

#define QUERY_MESSAGE_MAX (12 + DNS_NAME_MAX + 4 + 11) /* of query_build() */

/*
 * Makes a query with an OPT record for an upstream: RD, CD and AD of flags, no others. name: wire
 * form, written as it is. payload: what we take over UDP. Returns its length; out has
 * QUERY_MESSAGE_MAX bytes.
 */
struct query_parts {
	uint16_t id, flags;
	uint16_t type, class;
	uint16_t payload;
	bool is_dnssec_ok;
	struct slice name;
};

size_t query_build(const struct query_parts *parts, uint8_t *out);
