/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/memory.h"

static int line_compare(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->text, ((const struct line *)b)->text);
}

static void lines_append(struct lines *lines, const char *text, size_t *room)
{
	if (lines->count == *room) {
		*room = *room ? 2 * *room : 1024;
		lines->line = realloc(lines->line, *room * sizeof(*lines->line));
		if (!lines->line)
			log_fatal("out of memory");
	}
	lines->line[lines->count++] = (struct line){.text = xstrdup(text), .wanted = 1};
}

static void lines_unite(struct lines *lines)
{
	size_t count = 0;

	for (size_t i = 0; i < lines->count; i++) {
		struct line *line = &lines->line[i];

		if (count && !line_compare(&lines->line[count - 1], line)) {
			lines->line[count - 1].wanted++;
			free(line->text);
		} else {
			lines->line[count++] = *line;
		}
	}
	lines->count = count;
}

int lines_load(struct lines *lines, const char *path)
{
	FILE *file = fopen(path, "r");
	size_t room = 0, size = 0;
	char *text = NULL;

	*lines = (struct lines){0};
	if (!file)
		return -errno;
	while (getline(&text, &size, file) > 0) {
		text[strcspn(text, "\n")] = '\0';
		lines_append(lines, text, &room);
	}
	free(text);
	fclose(file);
	lines->wanted = lines->count;
	if (lines->count)
		qsort(lines->line, lines->count, sizeof(*lines->line), line_compare);
	lines_unite(lines);
	return 0;
}

void lines_fini(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i].text);
	free(lines->line);
}

static char *put_name(char *at, struct cursor *names)
{
	uint8_t length;

	for (bool is_first = true; (length = cursor_u8(names)); is_first = false) {
		if (!is_first)
			*at++ = '.';
		memcpy(at, cursor_take(names, length), length);
		at += length;
	}
	return at;
}

static char *put_addresses(char *at, struct slice bytes, uint8_t version)
{
	size_t size = version == 4 ? 4 : 16;

	for (size_t i = 0; i < bytes.length; i += size) {
		struct address address = {.version = version};

		memcpy(address.bytes, bytes.data + i, size);
		if (i)
			*at++ = ',';
		at += strlen(address_format(&address, at));
	}
	return at;
}

void line_format(char *text, const struct record_set *set)
{
	struct cursor names = cursor_of(set->names);
	char *at = text;

	at += strlen(address_format(&set->resolver, at));
	*at++ = '|';
	at += strlen(address_format(&set->client, at));
	for (uint32_t i = 0; i < set->names_count; i++) {
		*at++ = i ? ',' : '|';
		at = put_name(at, &names);
	}
	*at++ = '|';
	at = put_addresses(at, set->ip4s, 4);
	*at++ = '|';
	at = put_addresses(at, set->ip6s, 6);
	*at = '\0';
}

struct line *lines_find(const struct lines *lines, const char *text)
{
	struct line key = {.text = (char *)(uintptr_t)text};

	return lines->count ? bsearch(&key, lines->line, lines->count, sizeof(key), line_compare)
			    : NULL;
}
