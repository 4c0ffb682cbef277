/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns/name.h"

#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"

#define LABEL_MAX    63
#define POINTER_BITS 0xc0

/*
 * memcpy for labels, with few branches, since lengths of names are hard to predict; gcc makes a
 * slow "rep movs" of a memcpy of at most 254 bytes. Where there is room on both sides, 32 bytes are
 * copied for fewer; else the last 8 may be copied twice.
 */
static inline void part_copy(uint8_t *out, size_t out_room, const uint8_t *part, size_t part_room,
			     size_t length)
{
	size_t at = 0;

	if (length <= 32 && out_room >= 32 && part_room >= 32) {
		memcpy(out, part, 32);
		return;
	}
	if (length < 8) {
		for (; at < length; at++)
			out[at] = part[at];
		return;
	}
	for (; at + 8 < length; at += 8)
		memcpy(out + at, part + at, 8);
	memcpy(out + length - 8, part + length - 8, 8);
}

/*
 * One walk serves name_expand and, with out NULL, name_skip. A name consists of parts: labels
 * without a gap, ended by the root label or by a pointer to the next part. Parts begin ever closer
 * to the header, so the walk ends.
 */
static inline __attribute__((always_inline)) int name_walk(struct slice message, size_t offset,
							   struct name_budget *budget, uint8_t *out,
							   uint8_t *length)
{
	size_t part = offset, at, target;
	size_t size = 0, taken = 0;
	uint8_t head;

	for (;;) {
		for (at = part;; at += 1u + head) {
			if (at >= message.length)
				return -1;
			if (size + (at - part) >= DNS_NAME_MAX || !budget->steps)
				return 0;
			budget->steps--;
			head = message.data[at];
			if (head == 0 || head > LABEL_MAX)
				break;
		}
		if (out)
			part_copy(out + size, DNS_NAME_MAX - size, message.data + part,
				  message.length - part, at - part);
		size += at - part;
		if (head == 0)
			break;
		if (head < POINTER_BITS)
			return 0;
		if (at + 1 >= message.length)
			return -1;
		target = be16_load(message.data + at) & 0x3fff;
		if (target >= part || target < DNS_HEADER_SIZE)
			return 0;
		if (!taken)
			taken = at + 2 - offset;
		part = target;
	}
	if (out) {
		out[size] = 0;
		*length = (uint8_t)(size + 1);
	}
	return (int)(taken ? taken : at + 1 - offset);
}

int name_expand(struct slice message, size_t offset, struct name_budget *budget, uint8_t *out,
		uint8_t *length)
{
	return name_walk(message, offset, budget, out, length);
}

int name_skip(struct slice message, size_t offset, struct name_budget *budget)
{
	return name_walk(message, offset, budget, NULL, NULL);
}

size_t name_wire_length(struct slice bytes)
{
	size_t limit = bytes.length < DNS_NAME_MAX ? bytes.length : DNS_NAME_MAX;

	for (size_t at = 0; at < limit; at += 1u + bytes.data[at]) {
		if (bytes.data[at] == 0)
			return at + 1;
		if (bytes.data[at] > LABEL_MAX)
			return 0;
	}
	return 0;
}

static bool is_digit(uint8_t octet)
{
	return octet >= '0' && octet <= '9';
}

static bool is_plain(uint8_t octet)
{
	uint8_t lower = octet | 0x20;

	return (lower >= 'a' && lower <= 'z') || is_digit(octet) || octet == '-' || octet == '_';
}

size_t name_format_octet(uint8_t octet, char *text)
{
	if (is_plain(octet)) {
		text[0] = (char)octet;
		return 1;
	}
	text[0] = '\\';
	if (octet == '.' || octet == '\\') {
		text[1] = (char)octet;
		return 2;
	}
	text[1] = (char)('0' + octet / 100);
	text[2] = (char)('0' + octet / 10 % 10);
	text[3] = (char)('0' + octet % 10);
	return 4;
}

size_t name_format(const uint8_t *wire, char *text)
{
	char *end = text;

	while (*wire) {
		uint8_t left = *wire++;

		if (end != text)
			*end++ = '.';
		for (; left; left--)
			end += name_format_octet(*wire++, end);
	}
	*end = '\0';
	return (size_t)(end - text);
}

size_t name_format_absolute(const uint8_t *wire, char *text)
{
	size_t length = name_format(wire, text);

	text[length++] = '.';
	text[length] = '\0';
	return length;
}

/*
 * One octet of a label at *text, which is moved behind it: itself, escaped, or as \DDD; false when
 * it is none.
 */
static bool octet_parse(const char **text, uint8_t *octet)
{
	const uint8_t *at = (const uint8_t *)*text;
	unsigned value;

	if (*at == '\\' && is_digit(at[1])) {
		if (!is_digit(at[2]) || !is_digit(at[3]))
			return false;
		value = (at[1] - '0') * 100u + (at[2] - '0') * 10u + (at[3] - '0');
		*text += 4;
		*octet = (uint8_t)value;
		return value <= UINT8_MAX;
	}
	if (*at == '\\') {
		at++;
		++*text;
	}
	++*text;
	*octet = *at;
	return *at > ' ' && *at < 0x7f;
}

bool name_parse(const char *text, uint8_t *wire, uint8_t *length)
{
	size_t label = 0, at = 1; /* label: where its length octet stands */

	if (!strcmp(text, "."))
		text++;
	while (*text) {
		if (*text == '.' || at >= DNS_NAME_MAX || at - label > LABEL_MAX ||
		    !octet_parse(&text, &wire[at]))
			return false;
		at++;
		if (*text != '.' && *text != '\0')
			continue;
		wire[label] = (uint8_t)(at - label - 1);
		label = at++;
		if (*text == '.')
			text++;
	}
	if (label >= DNS_NAME_MAX)
		return false;
	wire[label] = 0;
	*length = (uint8_t)(label + 1);
	return true;
}
