/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "dns/name.h"

/* The fixed head of a DNS message (RFC 1035 4.1.1). */
#define DNS_HEADER_SIZE 12

/* Octets of a message's length, which is before each over TCP (RFC 1035 4.2.2). */
#define DNS_FRAME_SIZE 2

/* Its second word, in host byte order (RFC 1035 4.1.1, RFC 4035 3). */
#define DNS_FLAG_QR	0x8000
#define DNS_OPCODE_MASK 0x7800
#define DNS_FLAG_AA	0x0400
#define DNS_FLAG_TC	0x0200
#define DNS_FLAG_RD	0x0100
#define DNS_FLAG_RA	0x0080
#define DNS_FLAG_AD	0x0020
#define DNS_FLAG_CD	0x0010
#define DNS_RCODE_MASK	0x000f

#define DNS_CLASS_IN 1

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16, /* the first with upper bits in EDNS (RFC 6891 6.1.3) */
};

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_SIG = 24,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_TKEY =
		249, /* from here to MAILA (254): what is asked of one server, not resolved */
	DNS_TYPE_TSIG = 250,
	DNS_TYPE_MAILA = 254,
	DNS_TYPE_ANY = 255,
};

/* What becomes of one message: the tests of spec section 4 in this order, then the parse. The first
 * that fails decides. */
enum dns_outcome {
	DNS_RECORDED,
	DNS_NOT_RESPONSE,     /* QR = 0 */
	DNS_NOT_DESIRED,      /* RD = 0 */
	DNS_NOT_AVAILABLE,    /* RA = 0 */
	DNS_NOT_NOERROR,      /* RCODE != 0 */
	DNS_NOT_ONE_QUESTION, /* QDCOUNT != 1 */
	DNS_NOT_ADDRESS_TYPE, /* QTYPE is not A, AAAA or ANY */
	DNS_NO_ADDRESS,	      /* no A or AAAA record in the answer section */
	DNS_MALFORMED_HEADER, /* fewer than 12 bytes, and not cut */
	DNS_MALFORMED_QUESTION,
	DNS_MALFORMED_ANSWER,
	DNS_TRUNCATED, /* the message ends inside the question or answer section because it was cut
			  or has TC set */
	DNS_OUTCOME_COUNT,
};

#define DNS_ANSWER_NAMES_MAX	 255
#define DNS_ANSWER_ADDRESSES_MAX 255
/* Names beyond this many bytes are counted in names_length but not kept: such an answer is larger
 * than any datagram. */
#define DNS_ANSWER_NAMES_BYTES 1500

/* What spec section 4 extracts from a response. The first name is the question's, the others are
 * CNAME targets, in order. */
struct dns_answer {
	uint32_t names_length; /* bytes of all counted names, also of those not kept */
	uint16_t names_count;
	uint16_t ip4s_count;
	uint16_t ip6s_count;
	uint16_t type, class;	 /* of the question */
	uint16_t rcode;		 /* with the upper bits of the OPT record, if that can be found */
	uint8_t question_length; /* of the first name */
	bool is_excess;		 /* names or addresses beyond 255 were left out */
	bool is_tail_malformed;	 /* an error behind the answer section */
	uint8_t names[DNS_ANSWER_NAMES_BYTES +
		      DNS_NAME_MAX]; /* uncompressed wire names, one after the other */
	uint8_t ip4s[(DNS_ANSWER_ADDRESSES_MAX + 1) * 4]; /* whole chunks, for record/set.c */
	uint8_t ip6s[DNS_ANSWER_ADDRESSES_MAX * 16];
};

/*
 * Parses one message. is_cut: it was captured shorter than it was. *answer is complete only for
 * DNS_RECORDED. Linear in the message's length; counts in the header are hints only. A record's
 * data is read strictly inside its RDLENGTH: an A record has 4 bytes, an AAAA record 16, a CNAME
 * exactly one name.
 */
enum dns_outcome dns_answer_parse(struct slice message, bool is_cut, struct dns_answer *answer);
