/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"

#define SIZE_FIRST 4096

void names_fini(struct names *names)
{
	free(names->bytes);
	*names = (struct names){0};
}

static bool names_make_room(struct names *names)
{
	size_t size = names->size ? 2 * names->size : SIZE_FIRST;
	uint8_t *bytes;

	if (names->size - names->length >= DNS_NAME_MAX)
		return true;
	bytes = realloc(names->bytes, size);
	if (!bytes)
		return false;
	names->bytes = bytes;
	names->size = size;
	return true;
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

/* Writes the octets of a bad name so that a person can see them, and that it is none. */
static void describe_bad_name(struct slice name, char *error)
{
	size_t shown = 0;

	while (name.length && shown + 64 < NAMES_ERROR_MAX) {
		uint8_t octet = *name.data++;

		name.length--;
		if (octet > ' ' && octet < 0x7f)
			error[shown++] = (char)octet;
		else
			shown += name_format_octet(octet, error + shown);
	}
	snprintf(error + shown, NAMES_ERROR_MAX - shown, "%s is no name", name.length ? "..." : "");
}

static bool names_add(struct names *names, struct slice name, char *error)
{
	char text[DNS_NAME_TEXT_MAX + 1]; /* a final dot more */
	uint8_t length;

	if (!names_make_room(names)) {
		snprintf(error, NAMES_ERROR_MAX, "out of memory");
		return false;
	}
	if (name.length < sizeof(text) && !memchr(name.data, '\0', name.length)) {
		memcpy(text, name.data, name.length);
		text[name.length] = '\0';
		if (name_parse(text, names->bytes + names->length, &length)) {
			names->length += length;
			return true;
		}
	}
	describe_bad_name(name, error);
	return false;
}

size_t names_parse(struct names *names, struct slice text, char *error)
{
	for (size_t number = 1; text.length; number++) {
		const uint8_t *end = memchr(text.data, '\n', text.length);
		size_t length = end ? (size_t)(end - text.data) : text.length;
		struct slice name = line_trim((struct slice){text.data, length});

		if (name.length && !names_add(names, name, error))
			return number;
		length += end != NULL;
		text.data += length;
		text.length -= length;
	}
	return 0;
}
