/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/response.h"

#include "base/cursor.h"
#include "dns/message.h"

#define CLASS_IN 1

static void response_put(struct response *response, const void *bytes, size_t length)
{
	memcpy(response->bytes + response->length, bytes, length);
	response->length += length;
}

static void response_put_u16(struct response *response, uint16_t value)
{
	be16_store(response->bytes + response->length, value);
	response->length += 2;
}

static void response_put_u32(struct response *response, uint32_t value)
{
	be32_store(response->bytes + response->length, value);
	response->length += 4;
}

static void response_count(struct response *response, enum response_section section)
{
	uint8_t *count = response->bytes + 6 + 2 * section;

	be16_store(count, (uint16_t)(be16_load(count) + 1));
}

void response_start(struct response *response, uint16_t id, uint16_t flags,
		    const struct wire_name *name, uint16_t type)
{
	memset(response->bytes, 0, DNS_HEADER_SIZE);
	be16_store(response->bytes, id);
	be16_store(response->bytes + 2, flags);
	be16_store(response->bytes + 4, 1);
	response->length = DNS_HEADER_SIZE;
	response_put(response, name->bytes, name->length);
	response_put_u16(response, type);
	response_put_u16(response, CLASS_IN);
}

uint16_t response_record(struct response *response, enum response_section section, uint16_t owner,
			 uint16_t type, uint32_t ttl, const void *data, size_t length)
{
	uint16_t data_offset;

	response_put_u16(response, 0xc000 | owner);
	response_put_u16(response, type);
	response_put_u16(response, CLASS_IN);
	response_put_u32(response, ttl);
	response_put_u16(response, (uint16_t)length);
	data_offset = (uint16_t)response->length;
	response_put(response, data, length);
	response_count(response, section);
	return data_offset;
}

void response_opt(struct response *response)
{
	static const uint8_t opt[] = {0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};

	response_put(response, opt, sizeof(opt));
	response_count(response, RESPONSE_ADDITIONAL);
}
