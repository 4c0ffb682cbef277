/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

/* Names that were read from texts, on their way into a list (list.h): uncompressed wire names, one
 * after the other. Zeroed at first; owns its memory until names_fini. */
struct names {
	uint8_t *bytes;
	size_t length;
	size_t size;
};

void names_fini(struct names *names);

#define NAMES_ERROR_MAX 192

/*
 * Adds the names of a text in presentation form, one a line, with or without final dot, LF or CR LF
 * behind it. '#' begins a comment; blanks around a name and empty lines are nothing. Returns 0, or
 * the number of the first bad line, with what is wrong in error[NAMES_ERROR_MAX].
 */
size_t names_parse(struct names *names, struct slice text, char *error);

static inline struct slice names_slice(const struct names *names)
{
	return (struct slice){names->bytes, names->length};
}
