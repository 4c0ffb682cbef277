/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "base/slice.h"

/* Lines of a text, and the words of a line: slices of what they are taken from. */

static inline bool is_blank(uint8_t octet)
{
	return octet == ' ' || octet == '\t' || octet == '\r';
}

static inline struct slice slice_skip(struct slice text, size_t length)
{
	return (struct slice){text.data + length, text.length - length};
}

/* Moves *text, which is not empty, behind its first line; returns that line without its LF. */
static inline struct slice line_next(struct slice *text)
{
	const uint8_t *end = memchr(text->data, '\n', text->length);
	struct slice line = {text->data, end ? (size_t)(end - text->data) : text->length};

	*text = slice_skip(*text, line.length + (end != NULL));
	return line;
}

static inline struct slice blanks_skip(struct slice text)
{
	while (text.length && is_blank(*text.data))
		text = slice_skip(text, 1);
	return text;
}

/* Without the blanks around it. */
static inline struct slice blanks_trim(struct slice text)
{
	while (text.length && is_blank(text.data[text.length - 1]))
		text.length--;
	return blanks_skip(text);
}

/* What stands before the first such octet; or all of it. */
static inline struct slice slice_before(struct slice text, uint8_t octet)
{
	const uint8_t *at = text.length ? memchr(text.data, octet, text.length) : NULL;

	return at ? (struct slice){text.data, (size_t)(at - text.data)} : text;
}

/* Moves *line behind its first word, up to a blank, and returns that; empty when there is none. */
static inline struct slice word_next(struct slice *line)
{
	struct slice word = blanks_skip(*line);
	size_t length = 0;

	while (length < word.length && !is_blank(word.data[length]))
		length++;
	*line = slice_skip(word, length);
	word.length = length;
	return word;
}

static inline bool word_starts(struct slice word, const char *text)
{
	size_t length = strlen(text);

	return word.length >= length && !memcmp(word.data, text, length);
}

/* In any case of letters. */
static inline bool word_is(struct slice word, const char *text)
{
	return word.length == strlen(text) &&
	       !strncasecmp((const char *)word.data, text, word.length);
}

/* Moves *word behind the text if it begins so. */
static inline bool word_take(struct slice *word, const char *text)
{
	bool is_there = word_starts(*word, text);

	if (is_there)
		*word = slice_skip(*word, strlen(text));
	return is_there;
}
