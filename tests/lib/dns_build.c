/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/dns_build.h"

#include <assert.h>
#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "net/address.h"

#define TTL	    300
#define TYPE_OPT    41
#define POINTER	    0xc000
#define POINTER_MAX 0x3fff

static uint8_t *count_at(struct dns_build *build, enum dns_section section)
{
	return build->bytes + 4 + 2 * section;
}

static void section_add(struct dns_build *build, enum dns_section section)
{
	uint8_t *count = count_at(build, section);

	be16_store(count, (uint16_t)(be16_load(count) + 1));
}

void dns_build_start(struct dns_build *build, uint16_t id, uint16_t flags)
{
	memset(build->bytes, 0, DNS_HEADER_SIZE);
	be16_store(build->bytes, id);
	be16_store(build->bytes + 2, flags);
	build->length = DNS_HEADER_SIZE;
	build->suffix_count = 0;
	build->section = DNS_ANSWER;
	build->is_uncompressed = false;
}

void dns_build_bytes(struct dns_build *build, const void *bytes, uint32_t length)
{
	assert(length <= DNS_BUILD_MAX - build->length);
	if (length)
		memcpy(build->bytes + build->length, bytes, length);
	build->length += length;
}

void dns_build_u16(struct dns_build *build, uint16_t value)
{
	dns_build_bytes(build, (const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

/* A pointer to where the message has this name already, or 0. */
static uint16_t suffix_find(const struct dns_build *build, const uint8_t *wire, size_t size)
{
	uint8_t known[DNS_NAME_MAX], length;

	for (uint32_t i = 0; i < build->suffix_count; i++) {
		struct name_budget budget = {DNS_NAME_MAX};

		name_expand(dns_build_message(build), build->suffixes[i], &budget, known, &length);
		if (length == size && !memcmp(known, wire, size))
			return POINTER | build->suffixes[i];
	}
	return 0;
}

static void suffix_add(struct dns_build *build, uint32_t offset)
{
	if (offset <= POINTER_MAX && build->suffix_count < DNS_BUILD_NAMES_MAX)
		build->suffixes[build->suffix_count++] = (uint16_t)offset;
}

void dns_build_name(struct dns_build *build, const char *name)
{
	uint32_t begin = build->length, fresh = 0;
	uint8_t wire[DNS_NAME_MAX], length;
	bool is_name = name_parse(name, wire, &length);
	uint16_t pointer = 0;
	uint8_t *at = wire;

	assert(is_name);
	for (; *at && !build->is_uncompressed; at += 1 + *at) {
		pointer = suffix_find(build, at, (size_t)(wire + length - at));
		if (pointer)
			break;
	}
	if (pointer) {
		dns_build_bytes(build, wire, (uint32_t)(at - wire));
		dns_build_u16(build, pointer);
	} else {
		dns_build_bytes(build, wire, length);
		at = wire + length - 1;
	}
	for (; wire + fresh < at; fresh += 1u + wire[fresh])
		suffix_add(build, begin + fresh);
}

void dns_build_question(struct dns_build *build, const char *name, uint16_t type)
{
	dns_build_name(build, name);
	dns_build_u16(build, type);
	dns_build_u16(build, DNS_CLASS_IN);
	section_add(build, DNS_QUESTION);
}

void dns_build_section(struct dns_build *build, enum dns_section section)
{
	build->section = section;
}

static void record_head(struct dns_build *build, const char *owner, uint16_t type, uint16_t class)
{
	dns_build_name(build, owner);
	dns_build_u16(build, type);
	dns_build_u16(build, class);
	dns_build_u16(build, 0);
	dns_build_u16(build, type == TYPE_OPT ? 0 : TTL);
	section_add(build, build->section);
}

void dns_build_record(struct dns_build *build, const char *owner, uint16_t type, const void *data,
		      uint16_t length)
{
	record_head(build, owner, type, DNS_CLASS_IN);
	dns_build_u16(build, length);
	dns_build_bytes(build, data, length);
}

void dns_build_address(struct dns_build *build, const char *owner, const char *address)
{
	struct address parsed;
	bool is_address = address_parse(address, &parsed);
	bool is_ip4 = parsed.version == 4;

	assert(is_address);
	dns_build_record(build, owner, is_ip4 ? DNS_TYPE_A : DNS_TYPE_AAAA, parsed.bytes,
			 is_ip4 ? 4 : 16);
}

void dns_build_alias(struct dns_build *build, const char *owner, uint16_t type, const char *target)
{
	uint32_t data;

	record_head(build, owner, type, DNS_CLASS_IN);
	dns_build_u16(build, 0);
	data = build->length;
	dns_build_name(build, target);
	be16_store(build->bytes + data - 2, (uint16_t)(build->length - data));
}

void dns_build_edns(struct dns_build *build, uint16_t payload_size)
{
	dns_build_section(build, DNS_ADDITIONAL);
	record_head(build, ".", TYPE_OPT, payload_size);
	dns_build_u16(build, 0);
}

void dns_build_count(struct dns_build *build, enum dns_section section, uint16_t count)
{
	be16_store(count_at(build, section), count);
}

struct slice dns_build_message(const struct dns_build *build)
{
	return (struct slice){build->bytes, build->length};
}
