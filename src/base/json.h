/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes JSON (RFC 8259) into memory of the caller: one value, members and elements in the order of
 * the calls. What does not fit is left out and remembered, so that only the end is to be checked.
 * The text holds no control byte, and neither '<', '>' nor '&'.
 */
struct json {
	char *text;
	size_t size;
	size_t length;
	bool has_overflown;
	bool is_behind_value; /* the next one needs a comma */
};

void json_init(struct json *json, char *text, size_t size);

/* key: NULL for an element of an array and for the outermost value; else plain ASCII. */
void json_open_object(struct json *json, const char *key);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *key);
void json_close_array(struct json *json);

/* Bytes that are no UTF-8 become U+EF00 + byte (as in config/text.c). */
void json_add_string(struct json *json, const char *key, const char *value);
void json_add_number(struct json *json, const char *key, uint64_t value);
void json_add_signed(struct json *json, const char *key, int64_t value);
void json_add_double(struct json *json, const char *key,
		     double value); /* null when it is no number */
void json_add_bool(struct json *json, const char *key, bool value);
void json_add_null(struct json *json, const char *key);

/* Terminates the text. False when it did not fit: then it is empty. */
bool json_finish(struct json *json);
