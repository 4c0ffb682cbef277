/* SPDX-License-Identifier: BSD-3-Clause */
#include "record/reader.h"

#include <string.h>

#include "dns/name.h"

/* A name as text, its trailing dot and NUL included. */
#define RECORD_TEXT_MAX (DNS_NAME_TEXT_MAX + 1)

enum record_error record_reader_open(struct record_reader *reader, struct slice datagram)
{
	*reader = (struct record_reader){.cursor = cursor_of(datagram)};
	reader->version = cursor_u8(&reader->cursor);
	reader->sets_count = cursor_u8(&reader->cursor);
	reader->flags = cursor_u16(&reader->cursor);
	reader->sequence = cursor_u32(&reader->cursor);
	if (reader->cursor.failed)
		return RECORD_BAD_HEADER;
	if (reader->version > RECORD_VERSION || reader->sets_count == 0)
		return RECORD_BAD_PACKET;
	return RECORD_OK;
}

enum record_error record_reader_stats(struct record_reader *reader, struct record_stats *stats)
{
	struct cursor *c = &reader->cursor;

	*stats = (struct record_stats){0};
	stats->captured = cursor_u32(c);
	stats->received = cursor_u32(c);
	stats->dropped = cursor_u32(c);
	stats->interface_dropped = cursor_u32(c);
	if (reader->version >= 2)
		stats->sample_rate = cursor_u32(c);
	return c->failed ? RECORD_BAD_DATA : RECORD_OK;
}

static void address_read(struct cursor *c, uint8_t version, size_t width, struct address *address)
{
	const uint8_t *bytes = cursor_take(c, width);

	*address = (struct address){.version = version};
	if (bytes)
		memcpy(address->bytes, bytes, version == 4 ? 4 : 16);
}

/* Versions 0 to 2: IPv4 clients alone, 8 bytes. */
static uint16_t old_head_read(struct cursor *c, struct record_set *set)
{
	address_read(c, 4, 4, &set->client);
	set->resolver = (struct address){.version = 4};
	set->names_count = cursor_u8(c);
	set->ip4s_count = cursor_u8(c);
	set->ip6s_count = 0;
	return cursor_u16(c);
}

/*
 * Version 3: an address takes what it needs, 12 or 24 bytes; version 4 adds the resolver, 40 bytes
 * always.
 */
static uint16_t new_head_read(struct cursor *c, uint8_t format, struct record_set *set)
{
	uint8_t version = cursor_u8(c);
	size_t width = format == 3 && version == 4 ? 4 : 16;
	uint16_t names_length;

	if (version != 4 && version != 6)
		c->failed = true;
	set->names_count = cursor_u8(c);
	set->ip4s_count = cursor_u8(c);
	set->ip6s_count = cursor_u8(c);
	names_length = cursor_u16(c);
	cursor_u16(c);
	address_read(c, version, width, &set->client);
	set->resolver = (struct address){.version = 4};
	if (format >= 4)
		address_read(c, version, width, &set->resolver);
	return names_length;
}

static size_t text_length(struct slice bytes)
{
	size_t limit = bytes.length < RECORD_TEXT_MAX ? bytes.length : RECORD_TEXT_MAX;
	const uint8_t *end = memchr(bytes.data, '\0', limit);

	return end ? (size_t)(end - bytes.data) + 1 : 0;
}

/* Cuts the names area down to its names: what is left over is padding. */
static bool names_check(struct record_set *set)
{
	struct slice left = set->names;
	size_t length;

	for (unsigned i = 0; i < set->names_count; i++) {
		length = set->are_names_text ? text_length(left) : name_wire_length(left);
		if (!length)
			return false;
		left.data += length;
		left.length -= length;
	}
	set->names.length -= left.length;
	return true;
}

static struct slice slice_read(struct cursor *c, size_t length)
{
	return (struct slice){.data = cursor_take(c, length), .length = length};
}

static enum record_error set_read(struct record_reader *reader, struct record_set *set)
{
	struct cursor *c = &reader->cursor;
	uint16_t names_length;

	set->are_names_text = reader->version == 0;
	names_length = reader->version < 3 ? old_head_read(c, set)
					   : new_head_read(c, reader->version, set);
	set->names = slice_read(c, names_length);
	set->ip4s = slice_read(c, 4u * set->ip4s_count);
	set->ip6s = slice_read(c, 16u * set->ip6s_count);
	if (c->failed)
		return RECORD_BAD_DATA;
	return names_check(set) ? RECORD_OK : RECORD_BAD_NAMES;
}

enum record_error record_reader_next(struct record_reader *reader, struct record_set *set,
				     bool *is_end)
{
	enum record_error error;

	*is_end = reader->sets_read == reader->sets_count;
	if (*is_end)
		return RECORD_OK;
	error = set_read(reader, set);
	if (error)
		reader->sets_read = reader->sets_count; /* where the next set begins is not known */
	else
		reader->sets_read++;
	return error;
}
