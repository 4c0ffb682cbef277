/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "aggregator/outputs/field.h"
#include "aggregator/outputs/format.h"
#include "base/utf8.h"

/* What formats have in common, for their own files alone. */

#define NOTATION_LITERAL_MAX sizeof(struct put_word)

/* How one format writes. */
struct notation {
	const char *fields;	   /* when none are chosen; names with newlines between them */
	const char *fields_behind; /* behind those of GeoIP */
	bool is_sorted;
	/* What stands between two values; before the first and behind the last one is NULL. */
	void (*separate)(const struct field *before, const struct field *behind,
			 char text[NOTATION_LITERAL_MAX]);
	/* One octet of a label; writes at most ESCAPE_MAX bytes and returns how many. */
	size_t (*escape)(uint8_t octet, char *text);
	/* A whole record; returns its end. */
	char *(*write)(const struct format *format, const struct field_source *source, char *out);
};

/* The default keys of JSON and YAML, as far as country and city. */
#define NOTATION_KEYS                                                                          \
	"identity\nqname\nrrtype\nquery-ip\nquery-port\nresponse-ip\nresponse-port\nlatency\n" \
	"message\nfamily\nprotocol\nlength\ntimestamp\ntype\nrcode\nid"

extern const struct notation notation_text, notation_json, notation_yaml;

#define ESCAPE_MAX 7

struct escape {
	char text[ESCAPE_MAX];
	uint8_t length;
};

struct column {
	const struct field *field;
	struct put_word before; /* the literal in front of its value */
};

struct format {
	const struct notation *notation;
	const struct suffixes *suffixes;
	struct column columns[CONFIG_FIELD_COUNT];
	uint32_t column_count;
	struct put_word end;	    /* behind the last value */
	struct escape escapes[256]; /* of octets of names */
	struct field_cache cache;
};

/* What differs in the values of formats; constants, so that the loop is compiled for each. */
struct notation_values {
	const char *unknown_number;
	const char *unknown_text;
	char *(*put_text)(char *out, struct slice text);
	/* Looks at a word or name that was written, and may quote it; or NULL. */
	char *(*quote)(char *out, char *end);
};

/*
 * The character at a place of a text; returns its bytes. As everywhere (base/json.h), a byte that
 * is no UTF-8 is U+EF00 + byte; so are those of the characters that this would be mistaken for.
 */
static inline size_t notation_decode(struct slice text, size_t at, uint32_t *character)
{
	size_t length = utf8_decode(text.data + at, text.length - at, character);

	if (length && (*character < 0xef80 || *character > 0xefff))
		return length;
	*character = 0xef00u + text.data[at];
	return 1;
}

/* A name with its final dot. Most labels need no escape: they are copied, and looked at on the way.
 */
static inline char *notation_put_name(const struct escape *escapes, struct slice name, char *out)
{
	const uint8_t *at = name.data;
	uint8_t left, lengths;

	if (!*at)
		*out++ = '.';
	for (; (left = *at++) != 0; *out++ = '.') {
		lengths = 0;
		for (uint8_t i = 0; i < left; i++) {
			out[i] = (char)at[i];
			lengths |= escapes[at[i]].length;
		}
		if (lengths == 1) {
			out += left;
			at += left;
			continue;
		}
		for (; left; left--, at++) {
			memcpy(out, escapes[*at].text, ESCAPE_MAX);
			out += escapes[*at].length;
		}
	}
	return out;
}

static inline __attribute__((always_inline)) char *
notation_put_value(const struct format *format, const struct field *field,
		   const struct field_source *source, char *out,
		   const struct notation_values values)
{
	bool is_number = field->shape == FIELD_NUMBER;
	struct slice text;
	char *end = out;

	if (field->write) {
		end = field->write(field, source, out);
	} else {
		text = field->find(source);
		if (text.length && field->shape == FIELD_TEXT)
			return values.put_text(out, text);
		if (text.length)
			end = notation_put_name(format->escapes, text, out);
	}
	if (end == out) {
		const char *unknown = is_number ? values.unknown_number : values.unknown_text;

		return put_bytes(out, unknown, strlen(unknown));
	}
	return values.quote && !is_number ? values.quote(out, end) : end;
}

static inline __attribute__((always_inline)) char *
notation_put_record(const struct format *format, const struct field_source *source, char *out,
		    const struct notation_values values)
{
	for (uint32_t i = 0; i < format->column_count; i++) {
		const struct column *column = &format->columns[i];

		out = put_word(out, &column->before);
		out = notation_put_value(format, column->field, source, out, values);
	}
	return put_word(out, &format->end);
}
