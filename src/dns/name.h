/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

#define DNS_NAME_MAX \
	255 /* octets of an uncompressed name, its root label included (RFC 1035 3.1) */
#define DNS_LABELS_MAX	  127
#define DNS_NAME_TEXT_MAX (4 * DNS_NAME_MAX + 1) /* every octet escaped, and the NUL */

/*
 * Steps that names of one message may cost, all together: one per label or pointer followed. Linear
 * in the message, so that no message is expensive; a real message does not come
 * near it.
 */
struct name_budget {
	uint32_t steps;
};

/*
 * Reads a name at offset of a message, following compression pointers: each must point strictly
 * before the start of the part of the name that it ends (RFC 9267 2), and not into the header.
 * Label types 01 and 10 are errors.
 *
 * name_expand writes the uncompressed wire name to out[DNS_NAME_MAX] and its length to *length;
 * name_skip only checks. Both return the octets that the name takes at offset (at least 1), or 0
 * when it is malformed, or -1 when the message ends inside it.
 */
int name_expand(struct slice message, size_t offset, struct name_budget *budget, uint8_t *out,
		uint8_t *length);
int name_skip(struct slice message, size_t offset, struct name_budget *budget);

/* Octets of the uncompressed wire name at the start of bytes, or 0 when there is no valid one. */
size_t name_wire_length(struct slice bytes);

/*
 * Presentation form of a valid uncompressed wire name: letters, digits, '-' and '_' as they are,
 * '.' and '\' inside a label as
 * '\.' and '\\', every other octet (',' and '|' included) as '\DDD' (RFC 1035 5.1, RFC 4343). No
 * trailing dot; the root is "". Injective. text has DNS_NAME_TEXT_MAX bytes; returns its length
 * without NUL. name_parse is the inverse (a trailing dot is accepted); false when text is no name.
 */
size_t name_format(const uint8_t *wire, char *text);
bool name_parse(const char *text, uint8_t *wire, uint8_t *length);

/* name_format for one octet of a label: writes 1 to 4 bytes, without NUL, and returns how many. */
size_t name_format_octet(uint8_t octet, char *text);
