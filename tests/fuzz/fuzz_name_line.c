/* SPDX-License-Identifier: BSD-3-Clause */
/* A line of a file of names for dnsflow-bench. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "dns/code.h"
#include "tools/bench/name_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is read again from a line of the same meaning. */
static void check_again(const struct name_line *line)
{
	char text[DNS_NAME_TEXT_MAX + DNS_CODE_TEXT_MAX + 8], type[DNS_CODE_TEXT_MAX];
	char name[DNS_NAME_TEXT_MAX];
	struct name_line again;
	int length;

	name_format(line->wire, name);
	length = snprintf(text, sizeof(text), "1,%s. %s #", name,
			  line->type ? dns_type_name(line->type, type) : "");
	assert(name_line_parse((struct slice){(uint8_t *)text, (size_t)length}, &again) ==
	       NAME_LINE_NAME);
	assert(again.length == line->length && again.type == line->type);
	assert(!memcmp(again.wire, line->wire, line->length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct name_line line;

	if (name_line_parse((struct slice){data, size}, &line) != NAME_LINE_NAME)
		return 0;
	assert(name_wire_length((struct slice){line.wire, line.length}) == line.length);
	check_again(&line);
	return 0;
}
