/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dns/name.h"

/*
 * A DNS response being written by a generator: fast, names in wire form, owners as compression
 * pointers, as servers write them. Nothing is checked; a response stays within RESPONSE_MAX.
 */
#define RESPONSE_MAX	  8192
#define RESPONSE_QUESTION 12 /* where the question's name starts: the owner of most records */

#define RESPONSE_FLAGS_RECURSIVE 0x8180 /* QR, RD, RA, NOERROR */

enum response_section { RESPONSE_ANSWER, RESPONSE_AUTHORITY, RESPONSE_ADDITIONAL };

struct response {
	size_t length;
	uint8_t bytes[RESPONSE_MAX];
};

/* An uncompressed name in wire form. */
struct wire_name {
	uint8_t length;
	uint8_t bytes[DNS_NAME_MAX];
};

/* The header and the only question. */
void response_start(struct response *response, uint16_t id, uint16_t flags,
		    const struct wire_name *name, uint16_t type);

/* One record of class IN; owner is an offset of the message. Returns the offset of its data. */
uint16_t response_record(struct response *response, enum response_section section, uint16_t owner,
			 uint16_t type, uint32_t ttl, const void *data, size_t length);

/* An OPT record (RFC 6891) that offers 1232 bytes. */
void response_opt(struct response *response);
