/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jansson tells whether a text is JSON, and where it is not, but not where its values stand: of a
 * text that is, the events are found here, and jansson reads each string alone. Numbers and words
 * stay as they are written.
 */
#include "config/document.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
	size_t at;     /* behind the current event */
	size_t placed; /* the offset of the document's place */
	char *value;   /* of the current event, or NULL */
	bool is_checked;
};

static void *open(struct slice text)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
	struct state *state = calloc(1, sizeof(*state));

	if (state && text.length > sizeof(mark) && !memcmp(text.data, mark, sizeof(mark)))
		state->at = state->placed = sizeof(mark);
	return state;
}

static void close(void *state_)
{
	struct state *state = state_;

	free(state->value);
	free(state);
}

/* Is it JSON at all? A number that no program could keep is none. jansson passes over a NUL byte
 * behind a word. */
static bool check(struct document *document, char *problem)
{
	struct state *state = document->state;
	const struct slice text = {document->text.data + state->at,
				   document->text.length - state->at};
	const uint8_t *nul = memchr(text.data, '\0', text.length);
	json_error_t error;
	json_t *json;

	if (nul) {
		document_move(document, state->at, (size_t)(nul - document->text.data));
		strcpy(problem, "not JSON: a NUL byte");
		return false;
	}
	json = json_loadb((const char *)text.data, text.length, JSON_ALLOW_NUL, &error);
	json_decref(json);
	if (json) {
		state->is_checked = true;
		return true;
	}
	if (error.line > 0)
		document->place = (struct document_place){(size_t)error.line, (size_t)error.column};
	snprintf(problem, SETTING_ERROR_MAX, "not JSON: %s", error.text);
	return false;
}

static bool is_one_of(const char *set, uint8_t octet)
{
	return octet && strchr(set, octet);
}

/* Octets of the string that begins at a place, both quotes with it. */
static size_t string_length(struct slice text, size_t at)
{
	size_t end = at + 1;

	while (end < text.length && text.data[end] != '"')
		end += text.data[end] == '\\' ? 2 : 1;
	return end < text.length ? end + 1 - at : text.length - at;
}

static size_t word_length(struct slice text, size_t at)
{
	size_t end = at;

	while (end < text.length && !is_one_of(" \t\r\n,:]}", text.data[end]))
		end++;
	return end - at;
}

/* Copies what a string of JSON says. */
static char *read_string(const char *json, size_t json_length, size_t *length)
{
	json_t *string = json_loadb(json, json_length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	char *copy = NULL;

	if (string) {
		*length = json_string_length(string);
		copy = malloc(*length + 1);
	}
	if (copy)
		memcpy(copy, json_string_value(string), *length + 1);
	json_decref(string);
	return copy;
}

static bool take_value(struct document *document, char *problem)
{
	struct state *state = document->state;
	const char *json = (const char *)document->text.data + state->at;
	const bool is_string = *json == '"';

	document->length = is_string ? string_length(document->text, state->at)
				     : word_length(document->text, state->at);
	state->at += document->length;
	state->value = is_string ? read_string(json, document->length, &document->length)
				 : strndup(json, document->length);
	if (!state->value) {
		strcpy(problem, "out of memory");
		return false;
	}
	document->event = DOCUMENT_VALUE;
	document->value = state->value;
	document->is_null = !is_string && !strcmp(state->value, "null");
	return true;
}

static bool next(struct document *document, char *problem)
{
	static const char marks[] = "[]{}";
	static const enum document_event events[] = {DOCUMENT_LIST, DOCUMENT_LIST_END,
						     DOCUMENT_MAPPING, DOCUMENT_MAPPING_END};
	struct state *state = document->state;
	const struct slice text = document->text;

	free(state->value);
	state->value = NULL;
	if (!state->is_checked && !check(document, problem))
		return false;
	while (state->at < text.length && is_one_of(" \t\r\n,:", text.data[state->at]))
		state->at++;
	document_move(document, state->placed, state->at);
	state->placed = state->at;
	if (state->at == text.length) {
		document->event = DOCUMENT_END;
		return true;
	}
	if (!is_one_of(marks, text.data[state->at]))
		return take_value(document, problem);
	document->event = events[strchr(marks, text.data[state->at++]) - marks];
	return true;
}

const struct document_variant document_json = {open, next, close};

const char *document_json_version(void)
{
	return jansson_version_str();
}
