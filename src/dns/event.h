/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "net/address.h"

/*
 * One DNS message as all of dnsflow sees it, wherever it came from: captured, proxied, or told by
 * another server. A value with borrowed parts; ipc/event_codec.h carries it between processes.
 */

/* The numbers are those of dnstap's Message.Type: queries are odd. */
enum event_kind {
	EVENT_AUTH_QUERY = 1,
	EVENT_AUTH_RESPONSE,
	EVENT_RESOLVER_QUERY,
	EVENT_RESOLVER_RESPONSE,
	EVENT_CLIENT_QUERY,
	EVENT_CLIENT_RESPONSE,
	EVENT_FORWARDER_QUERY,
	EVENT_FORWARDER_RESPONSE,
	EVENT_STUB_QUERY,
	EVENT_STUB_RESPONSE,
	EVENT_TOOL_QUERY,
	EVENT_TOOL_RESPONSE,
	EVENT_UPDATE_QUERY,
	EVENT_UPDATE_RESPONSE,
	EVENT_KIND_END,
};

/* The numbers are those of dnstap's SocketProtocol. */
enum event_protocol {
	EVENT_UDP = 1,
	EVENT_TCP,
	EVENT_DOT,
	EVENT_DOH,
	EVENT_DNSCRYPT_UDP,
	EVENT_DNSCRYPT_TCP,
	EVENT_DOQ,
	EVENT_PROTOCOL_END,
};

/* What a rule of the proxy did. */
enum event_verdict {
	EVENT_NOT_JUDGED, /* captured, or told by another server */
	EVENT_ALLOWED,
	EVENT_LOGGED,
	EVENT_BLOCKED,
	EVENT_REDIRECTED,
	EVENT_REWRITTEN,
	EVENT_RESOLVED,
	EVENT_REFUSED,
	EVENT_VERDICT_END,
};

#define EVENT_NO_LATENCY  INT64_MIN
#define EVENT_NO_QUESTION 0 /* length of qname: the shortest name has one octet */

struct event {
	int64_t time_ns; /* since 1970 */
	/* Of a response whose query was seen; of an unanswered query, how long it was waited for;
	 * else EVENT_NO_LATENCY. */
	int64_t latency_ns;
	struct address query_address; /* who asked; version 0: not known */
	struct address response_address;
	uint16_t query_port; /* host byte order; 0: not known */
	uint16_t response_port;
	uint16_t id;
	uint16_t flags; /* the second word of the header (RFC 1035 4.1.1), host byte order */
	uint16_t rcode; /* with its upper bits of EDNS (RFC 6891 6.1.3) */
	uint16_t type;	/* of the first question; 0 without one */
	uint16_t class;
	uint16_t rule;	    /* number of the rule that judged, from 1; 0: none */
	uint8_t kind;	    /* enum event_kind */
	uint8_t protocol;   /* enum event_protocol */
	uint8_t verdict;    /* enum event_verdict */
	bool is_unanswered; /* a query that got no response in time; it came as an event of its own
			       before */
	uint32_t length;    /* bytes of the message */
	struct slice qname; /* uncompressed wire form, case as it was; empty without a question */
	struct slice identity; /* of the server or interface it was seen at: text, perhaps not
				  ASCII; empty: not known */
	struct slice message;  /* the message itself where somebody needs it, perhaps cut; else
				  empty */
};

static inline bool event_is_query(const struct event *event)
{
	return event->kind & 1;
}

/* "CLIENT_QUERY", "UDP", "INET"; "-" for what is not known. */
const char *event_kind_name(uint8_t kind);
const char *event_protocol_name(uint8_t protocol);
const char *event_family_name(const struct event *event);

/* "blocked"; "-" for EVENT_NOT_JUDGED. */
const char *event_verdict_name(uint8_t verdict);
