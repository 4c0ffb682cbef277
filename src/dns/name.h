/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
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

/* name_format, and the final dot; it has room in DNS_NAME_TEXT_MAX bytes as well. */
size_t name_format_absolute(const uint8_t *wire, char *text);

/* name_format for one octet of a label: writes 1 to 4 bytes, without NUL, and returns how many. */
size_t name_format_octet(uint8_t octet, char *text);

/* Upper-case ASCII letters of a word become lower-case. Length octets of a wire name are no letters
 * (RFC 1035 2.3.4), so it serves for whole names. */
static inline uint64_t name_lower_word(uint64_t word)
{
	const uint64_t each = 0x0101010101010101;
	uint64_t seven = word & 0x7f * each;
	uint64_t from_a = seven + (0x80 - 'A') * each;
	uint64_t beyond_z = seven + (0x7f - 'Z') * each;
	uint64_t is_upper = (from_a ^ beyond_z) & ~word & 0x80 * each;

	return word | is_upper >> 2;
}

static inline uint64_t name_load_lower(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return name_lower_word(word);
}

/* Copies a wire name, or a part of one, in lower case. The last octets may be copied twice: there
 * are few branches, as lengths are hard to predict. */
static inline void name_lower(const uint8_t *wire, size_t length, uint8_t *out)
{
	uint64_t word;
	size_t at = 0;

	if (length < sizeof(word)) {
		for (; at < length; at++)
			out[at] = (uint8_t)name_lower_word(wire[at]);
		return;
	}
	for (; at + sizeof(word) < length; at += sizeof(word)) {
		word = name_load_lower(wire + at);
		memcpy(out + at, &word, sizeof(word));
	}
	word = name_load_lower(wire + length - sizeof(word));
	memcpy(out + length - sizeof(word), &word, sizeof(word));
}

/* Whether two wire names of one length are equal in any case of letters (RFC 4343). */
static inline bool name_equal(const uint8_t *left, const uint8_t *right, size_t length)
{
	const size_t step = sizeof(uint64_t);
	size_t at = 0;

	if (length < step) {
		for (; at < length; at++)
			if (name_lower_word(left[at]) != name_lower_word(right[at]))
				return false;
		return true;
	}
	for (; at + step < length; at += step)
		if (name_load_lower(left + at) != name_load_lower(right + at))
			return false;
	return name_load_lower(left + length - step) == name_load_lower(right + length - step);
}
