/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A name on the wire at an offset given by the first byte, and the rest of the input as
 * presentation text.
 */
#include <assert.h>
#include <string.h>

#include "dns/message.h"
#include "dns/name.h"

#define TEXT_MAX 1200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_wire(struct slice message, size_t offset)
{
	struct name_budget budget = {300}, same = {300};
	uint8_t wire[DNS_NAME_MAX], again[DNS_NAME_MAX], length, parsed;
	char text[DNS_NAME_TEXT_MAX];
	int taken = name_expand(message, offset, &budget, wire, &length);

	assert(name_skip(message, offset, &same) == taken && same.steps == budget.steps);
	if (taken <= 0)
		return;
	assert(offset + (size_t)taken <= message.length);
	assert(name_wire_length((struct slice){wire, length}) == length);
	name_format(wire, text);
	assert(name_parse(text, again, &parsed));
	assert(parsed == length && !memcmp(wire, again, length));
}

static void check_text(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1], canonical[DNS_NAME_TEXT_MAX];
	uint8_t wire[DNS_NAME_MAX], again[DNS_NAME_MAX], length, parsed;

	memcpy(text, data, size);
	text[size] = '\0';
	if (!name_parse(text, wire, &length))
		return;
	assert(name_wire_length((struct slice){wire, length}) == length);
	assert(name_format(wire, canonical) == strlen(canonical));
	assert(name_parse(canonical, again, &parsed));
	assert(parsed == length && !memcmp(wire, again, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > TEXT_MAX)
		return 0;
	check_wire((struct slice){data + 1, size - 1}, data[0]);
	check_text(data + 1, size - 1);
	name_wire_length((struct slice){data + 1, size - 1});
	return 0;
}
