/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/print.h"

#include <string.h>

#include "dns/name.h"

/* Version 0 sends presentation text: its dots part labels, all else is escaped octet by octet. */
static size_t text_take(struct slice *names, char *text)
{
	size_t length = strlen((const char *)names->data), size = 0;
	const uint8_t *at = names->data;

	names->data += length + 1;
	names->length -= length + 1;
	if (length && at[length - 1] == '.')
		length--;
	for (; length; length--, at++) {
		if (*at == '.')
			text[size++] = '.';
		else
			size += name_format_octet(*at, text + size);
	}
	return size;
}

size_t print_name_take(struct slice *names, bool is_text, char *text)
{
	const uint8_t *wire = names->data;
	size_t length;

	if (is_text)
		return text_take(names, text);
	length = name_wire_length(*names);
	names->data += length;
	names->length -= length;
	return name_format(wire, text);
}

static char *octet_print(uint8_t octet, char *text)
{
	if (octet >= 100)
		*text++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*text++ = (char)('0' + octet / 10 % 10);
	*text++ = (char)('0' + octet % 10);
	return text;
}

void print_address(struct output *output, const uint8_t *bytes, size_t size)
{
	char *text = output_room(output, ADDRESS_TEXT_MAX);
	struct address address = {.version = 6};

	if (size == 4) {
		for (int i = 0; i < 4; i++) {
			if (i)
				*text++ = '.';
			text = octet_print(bytes[i], text);
		}
		output_keep(output, text);
		return;
	}
	memcpy(address.bytes, bytes, sizeof(address.bytes));
	output_keep(output, text + strlen(address_format(&address, text)));
}
