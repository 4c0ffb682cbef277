/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "record/reader.h"

/*
 * A multiset of expected records as text, one "resolver|client|name,name|ip4,..|ip6,.." a line.
 * Names are plain text: nothing in them is escaped.
 */
#define LINE_TEXT_MAX 131072

struct line {
	char *text;
	uint32_t wanted;
	uint32_t seen;
};

struct lines {
	struct line *line; /* sorted, each text once */
	size_t count;
	uint64_t wanted; /* with repetitions */
};

/* Returns 0 or -errno. Exits when out of memory. */
int lines_load(struct lines *lines, const char *path);
void lines_fini(struct lines *lines);

/* Writes the line of a record into text[LINE_TEXT_MAX]. */
void line_format(char *text, const struct record_set *set);

/* The line with this text, or NULL. */
struct line *lines_find(const struct lines *lines, const char *text);
