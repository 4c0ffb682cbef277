/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "base/slice.h"
#include "config/setting.h"

/*
 * A text, event by event: what YAML and JSON have in common. Nothing nests, expands or is kept.
 * JSON is what begins with a brace.
 */

/* libyaml's time goes with the square of the depth: who skips what is there, goes no deeper. */
#define DOCUMENT_DEPTH_MAX 16

enum document_event {
	DOCUMENT_VALUE,
	DOCUMENT_LIST,
	DOCUMENT_LIST_END,
	DOCUMENT_MAPPING, /* its keys are values, each before its own */
	DOCUMENT_MAPPING_END,
	DOCUMENT_END, /* a text may have nothing else */
};

/* From 1; columns are characters. */
struct document_place {
	size_t line, column;
};

struct document_variant;

struct document {
	struct slice text; /* borrowed */
	enum document_event event;
	struct document_place place; /* where the event begins */
	char *value;   /* DOCUMENT_VALUE: NUL-terminated, to write in until the next event */
	size_t length; /* of value: longer than its text when it holds a NUL */
	bool is_null;  /* it is no text */
	const struct document_variant *variant;
	void *state;
};

/* False when out of memory: there is nothing to close then. */
bool document_open(struct document *document, struct slice text);
void document_close(struct document *document);

/* Takes the next event, not behind DOCUMENT_END. False with what is wrong in
 * problem[SETTING_ERROR_MAX], at the document's place. */
bool document_next(struct document *document, char *problem);

/* Moves the place along the text, from an offset on to another. */
void document_move(struct document *document, size_t from, size_t to);

const char *document_yaml_version(void);
const char *document_json_version(void);

/* How a kind of text is read (document_yaml.c, document_json.c). */
struct document_variant {
	void *(*open)(struct slice text); /* NULL when out of memory */
	bool (*next)(struct document *document, char *problem);
	void (*close)(void *state);
};

extern const struct document_variant document_yaml, document_json;
