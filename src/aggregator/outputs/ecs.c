/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/ecs.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/walk.h"

#define TYPE_OPT       41
#define OPTION_HEAD    4
#define OPTION_ECS     8
#define OPTION_PADDING 12
#define ECS_HEAD       4

/* Behind the questions; false when they are malformed, or the message is no message. */
static bool walk_questions(struct walk *walk)
{
	unsigned left = be16_load(walk->message.data + 4);

	/* No name was read that the first owner name could point to. */
	if (!left && walk->at < walk->message.length)
		return walk->message.data[walk->at] < WALK_POINTER >> 8;
	for (; left; left--)
		if (!walk_name(walk, name_skip(walk->message, walk->at, &walk->budget)) ||
		    !walk_take(walk, 4))
			return false;
	return true;
}

static unsigned count_records(const uint8_t *header)
{
	return 0u + be16_load(header + 6) + be16_load(header + 8) + be16_load(header + 10);
}

/* Of an option at a place of data: false when it does not fit before end. */
static bool option_fits(const uint8_t *data, size_t at, size_t end)
{
	return end - at >= OPTION_HEAD && be16_load(data + at + 2) <= end - at - OPTION_HEAD;
}

static bool ecs_parse(struct slice data, struct ecs *ecs)
{
	uint16_t family = data.length >= ECS_HEAD ? be16_load(data.data) : 0;
	uint8_t bits = family == 1 ? 32 : 128, bytes;

	if ((family != 1 && family != 2) || data.data[2] > bits)
		return false;
	memset(ecs, 0, sizeof(*ecs));
	ecs->prefix_length = data.data[2];
	ecs->address.version = family == 1 ? 4 : 6;
	bytes = (uint8_t)((ecs->prefix_length + 7) / 8);
	if (data.length != ECS_HEAD + (size_t)bytes)
		return false;
	memcpy(ecs->address.bytes, data.data + ECS_HEAD, bytes);
	if (ecs->prefix_length % 8)
		ecs->address.bytes[bytes - 1] &= (uint8_t)(0xff00 >> ecs->prefix_length % 8);
	return true;
}

static bool find_in_options(struct slice message, size_t at, size_t end, struct ecs *ecs)
{
	const uint8_t *data = message.data;

	for (size_t length; at < end && option_fits(data, at, end); at += OPTION_HEAD + length) {
		length = be16_load(data + at + 2);
		if (be16_load(data + at) == OPTION_ECS)
			return ecs_parse((struct slice){data + at + OPTION_HEAD, length}, ecs);
	}
	return false;
}

bool ecs_find(struct slice message, struct ecs *ecs)
{
	struct walk_record record;
	struct walk walk;

	if (message.length < DNS_HEADER_SIZE)
		return false;
	walk_init(&walk, message);
	if (!walk_questions(&walk))
		return false;
	for (unsigned left = count_records(message.data); left; left--) {
		if (!walk_record(&walk, &record))
			return false;
		if (record.type == TYPE_OPT &&
		    find_in_options(message, record.data, record.data + record.length, ecs))
			return true;
	}
	return false;
}

/* Takes the options out of a record that nothing but *length octets of the message ends. */
static bool cut_options(uint8_t *message, const struct walk_record *record, size_t *length)
{
	size_t at = record->data, end = at + record->length, size;

	while (at < end) {
		if (!option_fits(message, at, end))
			return false;
		size = OPTION_HEAD + (size_t)be16_load(message + at + 2);
		if (be16_load(message + at) == OPTION_ECS) {
			memmove(message + at, message + at + size, *length - at - size);
			*length -= size;
			end -= size;
		} else {
			at += size;
		}
	}
	be16_store(message + record->data - 2, (uint16_t)(end - record->data));
	return true;
}

static bool blank_options(uint8_t *message, const struct walk_record *record)
{
	size_t at = record->data, end = at + record->length, length;

	for (; at < end; at += OPTION_HEAD + length) {
		if (!option_fits(message, at, end))
			return false;
		length = be16_load(message + at + 2);
		if (be16_load(message + at) != OPTION_ECS)
			continue;
		be16_store(message + at, OPTION_PADDING);
		memset(message + at + OPTION_HEAD, 0, length);
	}
	return true;
}

int ecs_remove(struct slice message, uint8_t *out)
{
	size_t length = message.length;
	struct walk_record record;
	struct walk walk;
	bool is_done;

	if (message.length < DNS_HEADER_SIZE)
		return -EBADMSG;
	memcpy(out, message.data, message.length);
	walk_init(&walk, message);
	if (!walk_questions(&walk))
		return -EBADMSG;
	for (unsigned left = count_records(message.data); left; left--) {
		if (!walk_record(&walk, &record))
			return -EBADMSG;
		if (record.type != TYPE_OPT)
			continue;
		is_done =
			left > 1 ? blank_options(out, &record) : cut_options(out, &record, &length);
		if (!is_done)
			return -EBADMSG;
	}
	return (int)length;
}
