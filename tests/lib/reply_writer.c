/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/reply_writer.h"

#include "base/cursor.h"
#include "dns/message.h"

static void reply_writer_put(struct reply_writer *reply, const void *bytes, size_t length)
{
	memcpy(reply->bytes + reply->length, bytes, length);
	reply->length += length;
}

static void reply_writer_put_u16(struct reply_writer *reply, uint16_t value)
{
	be16_store(reply->bytes + reply->length, value);
	reply->length += 2;
}

static void reply_writer_put_u32(struct reply_writer *reply, uint32_t value)
{
	be32_store(reply->bytes + reply->length, value);
	reply->length += 4;
}

static void reply_writer_count(struct reply_writer *reply, enum reply_writer_section section)
{
	uint8_t *count = reply->bytes + 6 + 2 * section;

	be16_store(count, (uint16_t)(be16_load(count) + 1));
}

void reply_writer_start(struct reply_writer *reply, uint16_t id, uint16_t flags,
			const struct wire_name *name, uint16_t type)
{
	memset(reply->bytes, 0, DNS_HEADER_SIZE);
	be16_store(reply->bytes, id);
	be16_store(reply->bytes + 2, flags);
	be16_store(reply->bytes + 4, 1);
	reply->length = DNS_HEADER_SIZE;
	reply_writer_put(reply, name->bytes, name->length);
	reply_writer_put_u16(reply, type);
	reply_writer_put_u16(reply, DNS_CLASS_IN);
}

uint16_t reply_writer_record(struct reply_writer *reply, enum reply_writer_section section,
			     uint16_t owner, uint16_t type, uint32_t ttl, const void *data,
			     size_t length)
{
	uint16_t data_offset;

	reply_writer_put_u16(reply, 0xc000 | owner);
	reply_writer_put_u16(reply, type);
	reply_writer_put_u16(reply, DNS_CLASS_IN);
	reply_writer_put_u32(reply, ttl);
	reply_writer_put_u16(reply, (uint16_t)length);
	data_offset = (uint16_t)reply->length;
	reply_writer_put(reply, data, length);
	reply_writer_count(reply, section);
	return data_offset;
}

void reply_writer_opt(struct reply_writer *reply)
{
	static const uint8_t opt[] = {0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};

	reply_writer_put(reply, opt, sizeof(opt));
	reply_writer_count(reply, REPLY_WRITER_ADDITIONAL);
}
