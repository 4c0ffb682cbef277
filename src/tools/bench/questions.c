/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/questions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "tools/bench/known.h"
#include "tools/bench/name_line.h"

#define CLASS_IN   1
#define FIRST_ROOM 4096

/* Room for size bytes at least; it doubles, so that a million names are copied 20 times at most. */
static void *grow(void *memory, size_t *room, size_t size)
{
	if (size <= *room)
		return memory;
	while (*room < size)
		*room = *room ? *room * 2 : FIRST_ROOM;
	memory = realloc(memory, *room);
	if (!memory)
		log_fatal("out of memory");
	return memory;
}

static void questions_add(struct questions *questions, const struct name_line *line, uint16_t type)
{
	uint32_t start = questions->count ? questions->starts[questions->count] : 0;
	uint32_t end = start + line->length + 4u;
	uint8_t *at;

	if (end < start)
		log_fatal("more than 4 GiB of names");
	questions->bytes = grow(questions->bytes, &questions->bytes_room, end);
	questions->starts = grow(questions->starts, &questions->starts_room,
				 (questions->count + 2ul) * sizeof(*questions->starts));
	at = questions->bytes + start;
	memcpy(at, line->wire, line->length);
	be16_store(at + line->length, line->type ? line->type : type);
	be16_store(at + line->length + 2, CLASS_IN);
	questions->starts[questions->count++] = start;
	questions->starts[questions->count] = end;
}

static void lines_load(struct questions *questions, FILE *file, const char *path, uint16_t type)
{
	unsigned long number = 0;
	struct name_line parsed;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, file)) >= 0) {
		struct slice bytes = {(const uint8_t *)line, (size_t)length};
		enum name_line_result result = name_line_parse(bytes, &parsed);

		number++;
		if (result == NAME_LINE_BAD)
			log_fatal("%s: line %lu: neither a name nor rank,name", path, number);
		if (result == NAME_LINE_NAME)
			questions_add(questions, &parsed, type);
	}
	if (ferror(file))
		log_fatal("%s: %s", path, strerror(errno));
	free(line);
}

void questions_load(struct questions *questions, const char *path, uint16_t type)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;

	*questions = (struct questions){0};
	if (!file)
		log_fatal("%s: %s", path, strerror(errno));
	lines_load(questions, file, path, type);
	if (file != stdin)
		fclose(file);
	if (!questions->count)
		log_fatal("%s: no names", path);
}

static void text_add(struct questions *questions, struct slice text, uint16_t type)
{
	struct name_line line;

	if (name_line_parse(text, &line) == NAME_LINE_NAME)
		questions_add(questions, &line, type);
}

void questions_load_known(struct questions *questions, uint16_t type)
{
	const char *at = known_names;
	char numbered[64];

	*questions = (struct questions){0};
	while (*at) {
		size_t length = strcspn(at, " ");

		text_add(questions, (struct slice){(const uint8_t *)at, length}, type);
		at += length + strspn(at + length, " ");
	}
	for (unsigned i = 1; questions->count < QUESTIONS_KNOWN; i++) {
		int length = snprintf(numbered, sizeof(numbered), "host%u.example.com", i);

		text_add(questions, (struct slice){(uint8_t *)numbered, (size_t)length}, type);
	}
}

void questions_fini(struct questions *questions)
{
	free(questions->bytes);
	free(questions->starts);
}
