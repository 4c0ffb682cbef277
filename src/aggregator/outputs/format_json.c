/* SPDX-License-Identifier: BSD-3-Clause */
/* One object a line, all of it ASCII (spec 5.2). */
#include <stdio.h>
#include <string.h>

#include "aggregator/outputs/notation.h"
#include "dns/name.h"

static const char *quote_of(const struct field *field)
{
	return field && field->shape != FIELD_NUMBER ? "\"" : "";
}

/* Quotes are parts of the literals around a value. */
static void separate(const struct field *before, const struct field *behind, char *text)
{
	if (behind)
		snprintf(text, NOTATION_LITERAL_MAX, "%s%s\"%s\": %s", quote_of(before),
			 before ? ", " : "{", field_name(behind), quote_of(behind));
	else
		snprintf(text, NOTATION_LITERAL_MAX, "%s}\n", quote_of(before));
}

/* name_format's form, in which every backslash is written as two. */
static size_t escape(uint8_t octet, char *text)
{
	char plain[ESCAPE_MAX];
	size_t length = name_format_octet(octet, plain), end = 0;

	for (size_t i = 0; i < length; i++) {
		if (plain[i] == '\\')
			text[end++] = '\\';
		text[end++] = plain[i];
	}
	return end;
}

static char *put_unit(char *out, uint32_t unit)
{
	static const char digits[] = "0123456789abcdef";

	*out++ = '\\';
	*out++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*out++ = digits[unit >> shift & 15];
	return out;
}

static char *put_character(char *out, uint32_t character)
{
	if (character < 0x10000)
		return put_unit(out, character);
	out = put_unit(out, 0xd7c0 + (character >> 10)); /* a surrogate pair (RFC 8259 7) */
	return put_unit(out, 0xdc00 | (character & 0x3ff));
}

static char *put_text(char *out, struct slice text)
{
	uint32_t character;

	for (size_t at = 0, length; at < text.length; at += length) {
		uint8_t octet = text.data[at];

		length = 1;
		if (octet >= ' ' && octet < 0x7f) {
			if (octet == '"' || octet == '\\')
				*out++ = '\\';
			*out++ = (char)octet;
			continue;
		}
		length = notation_decode(text, at, &character);
		out = put_character(out, character);
	}
	return out;
}

static char *write_json(const struct format *format, const struct field_source *source, char *out)
{
	static const struct notation_values values = {
		.unknown_number = "\"-\"", .unknown_text = "-", .put_text = put_text};

	return notation_put_record(format, source, out, values);
}

const struct notation notation_json = {
	.fields = NOTATION_KEYS,
	.fields_behind = "datetime",
	.separate = separate,
	.escape = escape,
	.write = write_json,
};
