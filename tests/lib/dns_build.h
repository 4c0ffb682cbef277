/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

/*
 * Builds DNS messages for tests and generators. Names are text as name_parse takes it and are
 * compressed against all names before them, as servers do. Wrong use (a bad name, a full message)
 * is a bug of the test: assert.
 */

#define DNS_BUILD_MAX	    65535
#define DNS_BUILD_NAMES_MAX 1024

/* The usual answer of a recursive server: QR, RD and RA. */
#define DNS_BUILD_ANSWERED 0x8180

enum dns_section { DNS_QUESTION, DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_build {
	uint8_t bytes[DNS_BUILD_MAX];
	uint32_t length;
	uint32_t suffix_count;
	uint16_t suffixes[DNS_BUILD_NAMES_MAX]; /* where a name, or the rest of one, begins */
	enum dns_section section;
	bool is_uncompressed; /* set it to write names in full */
};

void dns_build_start(struct dns_build *build, uint16_t id, uint16_t flags);
void dns_build_question(struct dns_build *build, const char *name, uint16_t type);

/* Where the next records go; start and question leave it at DNS_ANSWER. */
void dns_build_section(struct dns_build *build, enum dns_section section);

/*
 * A record of any type in the current section, which counts it. All have class IN and a TTL of 300
 * s.
 */
void dns_build_record(struct dns_build *build, const char *owner, uint16_t type, const void *data,
		      uint16_t length);
void dns_build_address(struct dns_build *build, const char *owner, const char *address);

/* A record whose data is one name: CNAME, NS, PTR, DNAME. */
void dns_build_alias(struct dns_build *build, const char *owner, uint16_t type, const char *target);

/* The EDNS record (RFC 6891), without options. */
void dns_build_edns(struct dns_build *build, uint16_t payload_size);

/* Raw parts, for what no server would send: nothing is counted or remembered. */
void dns_build_bytes(struct dns_build *build, const void *bytes, uint32_t length);
void dns_build_u16(struct dns_build *build, uint16_t value);
void dns_build_name(struct dns_build *build, const char *name);

/* Sets a count of the header, whatever is there. */
void dns_build_count(struct dns_build *build, enum dns_section section, uint16_t count);

/* Borrowed from build. */
struct slice dns_build_message(const struct dns_build *build);
