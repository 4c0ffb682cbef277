/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void json_init(struct json *json, char *text, size_t size)
{
	*json = (struct json){.text = text, .size = size};
}

static void add_bytes(struct json *json, const void *bytes, size_t length)
{
	/* One byte stays for the end. */
	if (json->has_overflown || length >= json->size - json->length) {
		json->has_overflown = true;
		return;
	}
	memcpy(json->text + json->length, bytes, length);
	json->length += length;
}

static void add_text(struct json *json, const char *text)
{
	add_bytes(json, text, strlen(text));
}

static void add_format(struct json *json, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_format(struct json *json, const char *format, ...)
{
	char text[32];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	add_text(json, text);
}

static void add_quoted(struct json *json, const char *text)
{
	size_t length;

	add_text(json, "\"");
	for (const uint8_t *at = (const uint8_t *)text; *at; at += length ? length : 1) {
		length = strchr("<>&", *at) ? 0 : utf8_plain_length(at); /* HTML is none */
		if (length)
			add_bytes(json, at, length);
		else if (*at == '"' || *at == '\\')
			add_format(json, "\\%c", *at);
		else
			add_format(json, *at < 0x80 ? "\\u00%02x" : "\\uef%02x", *at);
	}
	add_text(json, "\"");
}

/* What stands before every value. */
static void begin_value(struct json *json, const char *key)
{
	if (json->is_behind_value)
		add_text(json, ",");
	json->is_behind_value = true;
	if (!key)
		return;
	add_quoted(json, key);
	add_text(json, ":");
}

static void open_bracket(struct json *json, const char *key, const char *bracket)
{
	begin_value(json, key);
	add_text(json, bracket);
	json->is_behind_value = false;
}

static void close_bracket(struct json *json, const char *bracket)
{
	add_text(json, bracket);
	json->is_behind_value = true;
}

void json_open_object(struct json *json, const char *key)
{
	open_bracket(json, key, "{");
}

void json_close_object(struct json *json)
{
	close_bracket(json, "}");
}

void json_open_array(struct json *json, const char *key)
{
	open_bracket(json, key, "[");
}

void json_close_array(struct json *json)
{
	close_bracket(json, "]");
}

void json_add_string(struct json *json, const char *key, const char *value)
{
	begin_value(json, key);
	add_quoted(json, value);
}

void json_add_number(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	add_format(json, "%" PRIu64, value);
}

void json_add_signed(struct json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	add_format(json, "%" PRId64, value);
}

void json_add_double(struct json *json, const char *key, double value)
{
	if (!isfinite(value)) {
		json_add_null(json, key);
		return;
	}
	begin_value(json, key);
	add_format(json, "%.12g", value);
}

void json_add_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	add_text(json, value ? "true" : "false");
}

void json_add_null(struct json *json, const char *key)
{
	begin_value(json, key);
	add_text(json, "null");
}

bool json_finish(struct json *json)
{
	if (json->has_overflown)
		json->length = 0;
	json->text[json->length] = '\0';
	return !json->has_overflown;
}
