/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns/response.h"

#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/walk.h"

/*
 * The new message has the form of the old one: where a name ended with a pointer, it does so again,
 * to where those labels stand now, or has them written out where they are not there yet. So it is
 * hardly longer, and made in one pass, however names are tangled. A name is the old question's as a
 * whole or not at all: www.NAME stays what it is.
 */

#define MESSAGE_MAX UINT16_MAX
#define PLACES	    512 /* a power of two */

/* The walk read names of owners that are pointers once; here they are read each time. */
#define BUDGET_PER_OCTET (2 * WALK_NAME_STEPS_PER_OCTET)

struct rename {
	struct slice message;
	struct slice old_name, name; /* of the question */
	struct name_budget budget;
	uint8_t *out;
	size_t size, at;
	/* Where labels of the old message stand in the new one: of those with the same lower bits
	 * of their offset the last ones. 0: none. */
	uint16_t from[PLACES], to[PLACES];
};

static bool put(struct rename *rename, const uint8_t *bytes, size_t length)
{
	if (length > rename->size - rename->at)
		return false;
	memcpy(rename->out + rename->at, bytes, length);
	rename->at += length;
	return true;
}

static bool put_pointer(struct rename *rename, size_t offset)
{
	uint8_t bytes[2];

	be16_store(bytes, (uint16_t)(WALK_POINTER | offset));
	return put(rename, bytes, sizeof(bytes));
}

static uint16_t place_find(const struct rename *rename, size_t offset)
{
	return rename->from[offset % PLACES] == offset ? rename->to[offset % PLACES] : 0;
}

/* What is written next is the label at offset. */
static void place_add(struct rename *rename, size_t offset)
{
	if (rename->at > WALK_OFFSET_MAX)
		return;
	rename->from[offset % PLACES] = (uint16_t)offset;
	rename->to[offset % PLACES] = (uint16_t)rename->at;
}

/* A valid name: its pointers were followed before. */
static bool put_labels(struct rename *rename, size_t offset)
{
	const uint8_t *data = rename->message.data;
	uint16_t place;

	for (;;) {
		if (data[offset] >= WALK_POINTER >> 8) {
			offset = be16_load(data + offset) & WALK_OFFSET_MAX;
			continue;
		}
		if (!data[offset])
			return put(rename, data + offset, 1);
		place = place_find(rename, offset);
		if (place)
			return put_pointer(rename, place);
		place_add(rename, offset);
		if (!put(rename, data + offset, 1u + data[offset]))
			return false;
		offset += 1u + data[offset];
	}
}

/* The name at *offset, which is moved behind it. */
static bool put_name(struct rename *rename, size_t *offset, bool is_compressible)
{
	uint8_t wire[DNS_NAME_MAX], length;
	size_t begin = *offset;
	int taken = name_expand(rename->message, begin, &rename->budget, wire, &length);

	if (taken <= 0)
		return false;
	*offset += (size_t)taken;
	if (length != rename->old_name.length || !name_equal(wire, rename->old_name.data, length))
		return is_compressible ? put_labels(rename, begin) : put(rename, wire, length);
	return is_compressible ? put_pointer(rename, DNS_HEADER_SIZE)
			       : put(rename, rename->name.data, rename->name.length);
}

/* From offset to end. */
static bool put_data(struct rename *rename, uint16_t type, size_t offset, size_t end)
{
	const struct rdata_layout *layout = rdata_layout(type);
	const uint8_t *data = rename->message.data;
	size_t at = offset;

	if (layout) {
		at = rdata_first_name(layout, (struct slice){data, end}, offset);
		if (!put(rename, data + offset, at - offset))
			return false;
		for (unsigned left = layout->names; left; left--)
			if (!put_name(rename, &at, layout->is_compressible))
				return false;
	}
	return put(rename, data + at, end - at);
}

/* The record at *offset, which is moved behind it. Its TTL comes to *ttl. */
static bool put_record(struct rename *rename, size_t *offset, uint16_t *ttl)
{
	const uint8_t *fixed;
	size_t at, end;

	if (!put_name(rename, offset, true))
		return false;
	fixed = rename->message.data + *offset;
	at = rename->at;
	end = *offset + 10 + be16_load(fixed + 8);
	if (!put(rename, fixed, 10) || !put_data(rename, be16_load(fixed), *offset + 10, end))
		return false;
	be16_store(rename->out + at + 8, (uint16_t)(rename->at - at - 10));
	*ttl = (uint16_t)(at + 4);
	*offset = end;
	return true;
}

static bool put_message(struct rename *rename, struct response *response)
{
	size_t offset = DNS_HEADER_SIZE;

	if (!put(rename, rename->message.data, offset))
		return false;
	if (!response->question_length)
		return true;
	offset += rename->old_name.length;
	if (!put(rename, rename->name.data, rename->name.length) ||
	    !put(rename, rename->message.data + offset, 4))
		return false;
	offset += 4;
	for (unsigned i = 0; i < response->ttl_count; i++)
		if (!put_record(rename, &offset, &response->ttls[i]))
			return false;
	response->question_length = (uint16_t)(rename->name.length + 4);
	return true;
}

size_t response_rename(struct slice message, struct slice name, struct response *response,
		       uint8_t *out, size_t size)
{
	struct rename rename = {
		.message = message,
		.old_name = {message.data + DNS_HEADER_SIZE, response->question_length - 4u},
		.name = name,
		.budget = {WALK_NAME_STEPS + BUDGET_PER_OCTET * (uint32_t)message.length},
		.out = out,
		.size = size < MESSAGE_MAX ? size : MESSAGE_MAX,
	};

	if (!put_message(&rename, response))
		return 0;
	response->length = (uint32_t)rename.at;
	return rename.at;
}
