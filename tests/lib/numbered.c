/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/numbered.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "net/address.h"

#define DOMAIN	   "numbered.example"
#define TYPE_TXT   16
#define TXT_LENGTH 200

void numbered_prepend(struct wire_name *name, uint32_t run, uint32_t number)
{
	char label[NUMBERED_LABEL_MAX];
	int length = snprintf(label, sizeof(label), "r%u-%u", run, number);

	memmove(name->bytes + 1 + length, name->bytes, name->length);
	name->bytes[0] = (uint8_t)length;
	memcpy(name->bytes + 1, label, (size_t)length);
	name->length = (uint8_t)(name->length + 1 + length);
}

/* A decimal number without sign in [*at, end); leaves *at behind it. */
static bool number_parse(const uint8_t **at, const uint8_t *end, uint32_t *number)
{
	const uint8_t *start = *at;
	uint64_t value = 0;

	for (; *at < end && **at >= '0' && **at <= '9' && value <= UINT32_MAX; (*at)++)
		value = value * 10 + (uint64_t)(**at - '0');
	*number = (uint32_t)value;
	return *at > start && value <= UINT32_MAX;
}

bool numbered_parse(const uint8_t *name, uint32_t *run, uint32_t *number)
{
	const uint8_t *at = name + 2, *end = name + 1 + name[0];

	if (name[0] < 4 || name[1] != 'r' || !number_parse(&at, end, run) || at == end ||
	    *at++ != '-')
		return false;
	return number_parse(&at, end, number) && at == end;
}

/* What the number tells: the same counts for message and description. */
struct shape {
	uint32_t cnames;
	uint32_t addresses;
	bool is_ipv6;
};

static struct shape shape_of(uint32_t number)
{
	return (struct shape){number % 4, 1 + number / 4 % 4, number / 16 % 3 == 0};
}

static struct address address_of(uint32_t number, uint32_t index, bool is_ipv6)
{
	struct address address = {.version = is_ipv6 ? 6 : 4};

	if (!is_ipv6) {
		be32_store(address.bytes, 198u << 24 | (number & 0xffff) << 8 | index);
	} else {
		be32_store(address.bytes, 0x20010db8);
		be32_store(address.bytes + 4, number);
		be32_store(address.bytes + 12, index + 1);
	}
	return address;
}

static void name_of(struct wire_name *name, uint32_t run, uint32_t number)
{
	static const struct wire_name domain = {18, "\10numbered\7example"};

	*name = domain;
	numbered_prepend(name, run, number);
}

/* CNAME targets are "c<index>" in front of the question's name. */
static uint16_t put_cname(struct reply_writer *reply, uint16_t owner, uint32_t index)
{
	const uint8_t data[] = {2, 'c', (uint8_t)('0' + index), 0xc0, REPLY_WRITER_QUESTION};

	return reply_writer_record(reply, REPLY_WRITER_ANSWER, owner, DNS_TYPE_CNAME, 300, data,
				   sizeof(data));
}

void numbered_response(struct reply_writer *reply, uint32_t run, uint32_t number, uint32_t fill)
{
	struct shape shape = shape_of(number);
	uint16_t type = shape.is_ipv6 ? DNS_TYPE_AAAA : DNS_TYPE_A;
	uint16_t owner = REPLY_WRITER_QUESTION;
	uint8_t text[TXT_LENGTH] = {TXT_LENGTH - 1};
	struct wire_name name;

	name_of(&name, run, number);
	reply_writer_start(reply, (uint16_t)number, REPLY_WRITER_FLAGS_RECURSIVE, &name, type);
	for (uint32_t i = 0; i < shape.cnames; i++)
		owner = put_cname(reply, owner, i);
	for (uint32_t i = 0; i < shape.addresses; i++) {
		struct address address = address_of(number, i, shape.is_ipv6);

		reply_writer_record(reply, REPLY_WRITER_ANSWER, owner, type, 60, address.bytes,
				    shape.is_ipv6 ? 16 : 4);
	}
	memset(text + 1, 'x', sizeof(text) - 1);
	for (; fill >= TXT_LENGTH; fill -= TXT_LENGTH)
		reply_writer_record(reply, REPLY_WRITER_ADDITIONAL, owner, TYPE_TXT, 0, text,
				    sizeof(text));
	reply_writer_opt(reply);
}

void numbered_describe(char *text, uint32_t run, uint32_t number)
{
	struct shape shape = shape_of(number);
	char *at = text;

	at += sprintf(at, "r%u-%u." DOMAIN, run, number);
	for (uint32_t i = 0; i < shape.cnames; i++)
		at += sprintf(at, ",c%u.r%u-%u." DOMAIN, i, run, number);
	at += sprintf(at, shape.is_ipv6 ? "||" : "|");
	for (uint32_t i = 0; i < shape.addresses; i++) {
		struct address address = address_of(number, i, shape.is_ipv6);
		char one[ADDRESS_TEXT_MAX];

		at += sprintf(at, "%s%s", i ? "," : "", address_format(&address, one));
	}
	if (!shape.is_ipv6)
		sprintf(at, "|");
}
