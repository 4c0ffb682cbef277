/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

/* What is asked, in order: question sections of one question each, in one piece of memory. */
struct questions {
	uint8_t *bytes;
	uint32_t *starts; /* of each question, and behind the last one the end */
	uint32_t count;
	size_t bytes_room, starts_room;
};

/*
 * The names of a file, "-" for standard input; type: where a line has none. Exits with one line
 * when there are no names in it, or something else.
 */
void questions_load(struct questions *questions, const char *path, uint16_t type);

/*
 * What is built in: names that many people ask for, then host1.example.com, host2.example.com and
 * so on, which exist only where somebody has set them up.
 */
#define QUESTIONS_KNOWN 10000
void questions_load_known(struct questions *questions, uint16_t type);
void questions_fini(struct questions *questions);

/* Wire name, type and class. Borrowed. */
static inline struct slice questions_at(const struct questions *questions, uint32_t number)
{
	uint32_t start = questions->starts[number];

	return (struct slice){questions->bytes + start, questions->starts[number + 1] - start};
}
