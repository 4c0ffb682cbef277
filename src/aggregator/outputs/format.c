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

/* Names that there are. */
static void add_fields(struct format *format, const char *names)
{
	while (*names)
		format->columns[format->column_count++].field = &fields[fields_take(&names)];
}

static void add_default_fields(struct format *format, bool has_geoip)
{
	add_fields(format, format->notation->fields);
	if (has_geoip)
		add_fields(format, "country\ncity");
	add_fields(format, format->notation->fields_behind);
}

static int compare_columns(const void *a, const void *b)
{
	const struct column *one = a, *other = b;

	return strcmp(field_name(one->field), field_name(other->field));
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
	struct format *format;

	if (!fields_check(names, error))
		return NULL;
	format = xcalloc(1, sizeof(*format));
	format->notation = notations[kind];
	format->suffixes = suffixes;
	if (*names)
		add_fields(format, names);
	else
		add_default_fields(format, has_geoip);
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
