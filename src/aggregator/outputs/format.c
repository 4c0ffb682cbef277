/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/format.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregator/outputs/notation.h"
#include "base/memory.h"

static const struct notation *const notations[] = {
	[OUTPUT_TEXT] = &notation_text,
	[OUTPUT_JSON] = &notation_json,
	[OUTPUT_YAML] = &notation_yaml,
};

static bool has_field(const struct format *format, const struct field *field)
{
	for (uint32_t i = 0; i < format->column_count; i++)
		if (format->columns[i].field == field)
			return true;
	return false;
}

static bool add_field(struct format *format, struct slice name, char *error)
{
	const struct field *field = field_find(name);

	if (!field) {
		snprintf(error, CONFIG_ERROR_MAX, "there is no field \"%.*s\"; is \"%s\" meant?",
			 (int)name.length, (const char *)name.data, field_nearest(name)->name);
		return false;
	}
	if (has_field(format, field)) {
		snprintf(error, CONFIG_ERROR_MAX, "field \"%s\" is there twice", field->name);
		return false;
	}
	format->columns[format->column_count++].field = field;
	return true;
}

static bool add_fields(struct format *format, const char *names, char *error)
{
	for (size_t length; *names; names += length + (names[length] == '\n')) {
		length = strcspn(names, "\n");
		if (!add_field(format, (struct slice){(const uint8_t *)names, length}, error))
			return false;
	}
	return true;
}

static bool add_default_fields(struct format *format, bool has_geoip, char *error)
{
	const struct notation *notation = format->notation;

	return add_fields(format, notation->fields, error) &&
	       (!has_geoip || add_fields(format, "country\ncity", error)) &&
	       add_fields(format, notation->fields_behind, error);
}

static int compare_columns(const void *a, const void *b)
{
	const struct column *one = a, *other = b;

	return strcmp(one->field->name, other->field->name);
}

static void compile(struct format *format)
{
	const struct notation *notation = format->notation;
	const struct field *before = NULL;
	char text[NOTATION_LITERAL_MAX];

	if (notation->is_sorted)
		qsort(format->columns, format->column_count, sizeof(format->columns[0]),
		      compare_columns);
	for (uint32_t i = 0; i < format->column_count; i++) {
		struct column *column = &format->columns[i];

		notation->separate(before, column->field, text);
		put_word_init(&column->before, text);
		before = column->field;
	}
	notation->separate(before, NULL, text);
	put_word_init(&format->end, text);
	for (int octet = 0; octet < 256; octet++) {
		struct escape *escape = &format->escapes[octet];

		escape->length = (uint8_t)notation->escape((uint8_t)octet, escape->text);
	}
	field_cache_init(&format->cache);
}

struct format *format_new(enum output_format kind, const char *names, bool has_geoip,
			  const struct suffixes *suffixes, char *error)
{
	struct format *format = xcalloc(1, sizeof(*format));

	format->notation = notations[kind];
	format->suffixes = suffixes;
	if (*names ? !add_fields(format, names, error)
		   : !add_default_fields(format, has_geoip, error)) {
		free(format);
		return NULL;
	}
	compile(format);
	return format;
}

void format_free(struct format *format)
{
	free(format);
}

size_t format_event(struct format *format, const struct event *event,
		    const struct geoip_place *place, char out[FORMAT_RECORD_MAX])
{
	const struct field_source source = {event, place, format->suffixes, &format->cache};
	char *end = format->notation->write(format, &source, out);

	assert(end + PUT_SLACK <= out + FORMAT_RECORD_MAX);
	return (size_t)(end - out);
}

bool format_wants_place(const struct format *format)
{
	for (uint32_t i = 0; i < format->column_count; i++)
		if (format->columns[i].field->needs_place)
			return true;
	return false;
}

bool format_wants_message(const struct format *format)
{
	for (uint32_t i = 0; i < format->column_count; i++)
		if (format->columns[i].field->needs_message)
			return true;
	return false;
}

const char *format_field_name(uint32_t number)
{
	return number < FIELDS_COUNT ? fields[number].name : NULL;
}
