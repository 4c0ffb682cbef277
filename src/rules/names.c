/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"

#define SIZE_FIRST 4096
#define LABEL_MAX  63

void names_fini(struct names *names)
{
	free(names->bytes);
	*names = (struct names){0};
}

/* Room for an entry more, whatever its name. */
static bool names_make_room(struct names *names)
{
	size_t size = names->size ? 2 * names->size : SIZE_FIRST;
	uint8_t *bytes;

	if (names->size - names->length > DNS_NAME_MAX)
		return true;
	bytes = realloc(names->bytes, size);
	if (!bytes)
		return false;
	names->bytes = bytes;
	names->size = size;
	return true;
}

/* Takes in what stands behind the entries already: the octet of what it says is still to come. */
static int names_take(struct names *names, size_t length, uint8_t say)
{
	if (!length)
		return -EINVAL;
	names->bytes[names->length] = say;
	names->length += 1 + length;
	names->count++;
	return 0;
}

int names_add_wire(struct names *names, struct slice name, uint8_t say)
{
	if (!names_make_room(names))
		return -ENOMEM;
	memcpy(names->bytes + names->length + 1, name.data, name.length);
	return names_take(names, name.length, say);
}

/* Octets that a host's name has in its labels (RFC 1123 2.1), and '_'. */
static const bool is_host_octet[256] = {
	['-'] = true,	      ['_'] = true,	    ['0' ... '9'] = true,
	['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

/* Writes the length of the label that began at start and ends before end; false when it has none.
 */
static bool label_end(uint8_t *wire, size_t start, size_t end)
{
	size_t length = end - start - 1;

	wire[start] = (uint8_t)length;
	return length && length <= LABEL_MAX;
}

/* As names_encode, in one pass, for names of such octets only. */
static size_t host_read(struct slice text, uint8_t *wire)
{
	size_t label = 0, at;

	if (text.length && text.data[text.length - 1] == '.')
		text.length--;
	if (!text.length || text.length > DNS_NAME_MAX - 2)
		return 0;
	for (at = 1; at <= text.length; at++) {
		uint8_t octet = text.data[at - 1];

		wire[at] = octet;
		if (is_host_octet[octet])
			continue;
		if (octet != '.' || !label_end(wire, label, at))
			return 0;
		label = at;
	}
	wire[at] = 0;
	return label_end(wire, label, at) ? at + 1 : 0;
}

size_t names_encode(struct slice text, uint8_t *wire)
{
	char copy[DNS_NAME_TEXT_MAX + 1]; /* a final dot more */
	size_t simple = host_read(text, wire);
	uint8_t length;

	if (simple)
		return simple;
	if (!text.length || text.length >= sizeof(copy) || memchr(text.data, '\0', text.length))
		return 0;
	memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	return name_parse(copy, wire, &length) ? length : 0;
}

int names_add(struct names *names, struct slice text, uint8_t say)
{
	if (!names_make_room(names))
		return -ENOMEM;
	return names_take(names, names_encode(text, names->bytes + names->length + 1), say);
}

int names_add_host(struct names *names, struct slice text, uint8_t say)
{
	if (!names_make_room(names))
		return -ENOMEM;
	return names_take(names, host_read(text, names->bytes + names->length + 1), say);
}

static bool is_blank(uint8_t octet)
{
	return octet == ' ' || octet == '\t' || octet == '\r';
}

/* What a line says, without its comment and the blanks around it. */
static struct slice line_trim(struct slice line)
{
	const uint8_t *comment = line.length ? memchr(line.data, '#', line.length) : NULL;

	if (comment)
		line.length = (size_t)(comment - line.data);
	while (line.length && is_blank(line.data[line.length - 1]))
		line.length--;
	for (; line.length && is_blank(*line.data); line.data++)
		line.length--;
	return line;
}

void names_describe_bad(struct slice text, char *error)
{
	size_t shown = 0;

	while (text.length && shown + 64 < NAMES_ERROR_MAX) {
		uint8_t octet = *text.data++;

		text.length--;
		if (octet > ' ' && octet < 0x7f)
			error[shown++] = (char)octet;
		else
			shown += name_format_octet(octet, error + shown);
	}
	snprintf(error + shown, NAMES_ERROR_MAX - shown, "%s is no name", text.length ? "..." : "");
}

static bool line_add(struct names *names, struct slice name, char *error)
{
	int result = names_add(names, name, NAMES_SAY_BOTH(NAMES_IN));

	if (result == -ENOMEM)
		snprintf(error, NAMES_ERROR_MAX, "out of memory");
	else if (result)
		names_describe_bad(name, error);
	return !result;
}

size_t names_parse(struct names *names, struct slice text, char *error)
{
	for (size_t number = 1; text.length; number++) {
		const uint8_t *end = memchr(text.data, '\n', text.length);
		size_t length = end ? (size_t)(end - text.data) : text.length;
		struct slice name = line_trim((struct slice){text.data, length});

		if (name.length && !line_add(names, name, error))
			return number;
		length += end != NULL;
		text.data += length;
		text.length -= length;
	}
	return 0;
}
