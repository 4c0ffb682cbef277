/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "dns/query.h"
#include "dns/response.h"
#include "net/address.h"

/*
 * Replies to clients: those that are made here (spec/sentry.md 5), and responses of upstreams made
 * fit for a client (spec/dot-proxy.md 6). All have the question as the client wrote it, and an OPT
 * record if and only if the client had one.
 */

#define REPLY_LOCAL_MAX 4096 /* octets of any reply that is made here */
#define REPLY_TTL	300  /* seconds, of records that rules give */
#define REPLY_PAYLOAD	1232 /* octets over UDP that are hardly ever fragmented */

/* Extended DNS errors (RFC 8914 4). */
enum extended_error {
	EDE_NONE = -1,
	EDE_OTHER = 0,
	EDE_STALE_ANSWER = 3,
	EDE_BLOCKED = 15,
	EDE_PROHIBITED = 18,
	EDE_STALE_NXDOMAIN_ANSWER = 19,
	EDE_NO_REACHABLE_AUTHORITY = 22,
	EDE_NETWORK_ERROR = 23,
};

/*
 * Who asked what, as a reply needs it: what is left of a query while its answer is waited for.
 */
struct reply_question {
	uint16_t id;
	uint16_t flags;	      /* of the query, host byte order */
	uint16_t payload;     /* the most octets that it may get: at least QUERY_PAYLOAD_LEAST,
				 UINT16_MAX over TCP */
	uint16_t own_payload; /* what OPT tells of us */
	bool has_edns;
	bool is_dnssec_ok;
	bool has_keepalive;	  /* it came over TCP, and asked for the time (RFC 7828) */
	uint16_t keepalive;	  /* then in units of 100 ms */
	uint16_t question_length; /* 0: none, as of a query that could not be read */
	uint8_t question[DNS_NAME_MAX + 4]; /* name, type and class as the client wrote them */
};

/* What there is to say of a query; payload: as in the struct. Sets own_payload to REPLY_PAYLOAD,
 * and keepalive to 0 (close soon): the caller's to change. */
void reply_question_of(const struct dns_query *query, uint16_t payload,
		       struct reply_question *question);

/*
 * All write at most REPLY_LOCAL_MAX octets to out and return how many; flags are QR, and opcode,
 * RD (and CD) of the query. What the client may not get at that length has TC set and no records.
 *
 * RA is set but where spec/sentry.md 5 has replies without: in an empty one without an error, and
 * in a redirection to a name; and but for REFUSED. A stub resolver that gets an empty reply with
 * neither RA nor AA asks its next server.
 */

/* No records. rcode: with upper bits (BADVERS); a client without EDNS, which cannot be told those,
 * gets SERVFAIL instead. */
size_t reply_error(const struct reply_question *question, uint16_t rcode, enum extended_error error,
		   uint8_t *out);

/* Ask again over TCP: TC, and no records. */
size_t reply_truncated(const struct reply_question *question, uint8_t *out);

/* One CNAME record: target in wire form. Spec 5: for every type and class. */
size_t reply_redirect(const struct reply_question *question, struct slice target, uint8_t *out);

/* Those of the addresses that the type of the question asks for (ANY: all); none of them: no
 * records. At most REPLY_ADDRESSES_MAX. */
#define REPLY_ADDRESSES_MAX 16
size_t reply_addresses(const struct reply_question *question, const struct address *addresses,
		       uint32_t count, enum extended_error error, uint8_t *out);

/* An error of an upstream, with what its flags have of AA and RA. Else as reply_error(). */
size_t reply_relay_error(const struct reply_question *question, uint16_t flags, uint16_t rcode,
			 enum extended_error error, uint8_t *out);

/* What an upstream's response, or what was kept of it, becomes for one client. */
struct reply_source {
	struct slice message; /* as response_compact() leaves it; to the question of the client,
				 which may have another case of letters */
	const uint16_t *ttls; /* where its TTLs lie */
	uint16_t ttl_count;
	uint16_t rcode;		   /* with upper bits */
	uint32_t age_s;		   /* is taken off every TTL, to 0 at least */
	uint32_t ttl_most_s;	   /* no TTL is larger: of a stale answer */
	bool is_authentic;	   /* AD may be passed on */
	enum extended_error error; /* to be told, or EDE_NONE */
};

/*
 * Writes it to out, of size octets. Flags are the upstream's, but RD, CD and opcode the client's,
 * and AD only where the client set AD or DO (RFC 6840 5.7). One that is longer than the client may
 * get, or than there is room, lacks the additional section if it has answers and fits so, else has
 * TC set and no records (RFC 2181 9). One without a question, which is an error, becomes
 * reply_relay_error(). Returns the length; size is at least REPLY_LOCAL_MAX.
 */
size_t reply_relay(const struct reply_question *question, const struct reply_source *source,
		   uint8_t *out, size_t size);
