/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dns/name.h"

/*
 * A DNS response being written by a generator: fast, names in wire form, owners as compression
 * pointers, as servers write them. Nothing is checked; a response stays within REPLY_WRITER_MAX.
 */
#define REPLY_WRITER_MAX      8192
#define REPLY_WRITER_QUESTION 12 /* where the question's name starts: the owner of most records */

#define REPLY_WRITER_FLAGS_RECURSIVE 0x8180 /* QR, RD, RA, NOERROR */

enum reply_writer_section { REPLY_WRITER_ANSWER, REPLY_WRITER_AUTHORITY, REPLY_WRITER_ADDITIONAL };

struct reply_writer {
	size_t length;
	uint8_t bytes[REPLY_WRITER_MAX];
};

/* An uncompressed name in wire form. */
struct wire_name {
	uint8_t length;
	uint8_t bytes[DNS_NAME_MAX];
};

/* The header and the only question. */
void reply_writer_start(struct reply_writer *reply, uint16_t id, uint16_t flags,
			const struct wire_name *name, uint16_t type);

/* One record of class IN; owner is an offset of the message. Returns the offset of its data. */
uint16_t reply_writer_record(struct reply_writer *reply, enum reply_writer_section section,
			     uint16_t owner, uint16_t type, uint32_t ttl, const void *data,
			     size_t length);

/* An OPT record (RFC 6891) that offers 1232 bytes. */
void reply_writer_opt(struct reply_writer *reply);
