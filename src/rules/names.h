/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

/*
 * What an entry of a list says of a name. OUT_BY_THE_WAY, IN and OUT: the longest entry that covers
 * the name decides. Each that follows goes over all before it, however short its own name is. Of
 * two that are said of the same name the later one here counts.
 */
enum names_word {
	NAMES_NOTHING,
	NAMES_OUT_BY_THE_WAY,
	NAMES_IN,
	NAMES_OUT,
	NAMES_OUT_ABOVE_ALL,
	NAMES_IN_IMPORTANT,
	NAMES_OUT_IMPORTANT,
};

/* What an entry says of its name itself, and of all names below it, in one octet. */
#define NAMES_SAY(itself, below) ((uint8_t)((itself) | (below) << 4))
#define NAMES_SAY_BOTH(word)	 NAMES_SAY(word, word)

/* Entries that were read from texts, on their way into a list (list.h): an octet of what is said,
 * and the uncompressed wire name, one after the other. Zeroed at first; owns its memory until
 * names_fini. */
struct names {
	uint8_t *bytes;
	size_t length;
	size_t size;
	size_t count;
};

void names_fini(struct names *names);

/* Each adds an entry: of a valid wire name; of a name in presentation form; of one that consists of
 * letters, digits, '-' and '_' only. A final dot is accepted. 0, -EINVAL: no such name, or -ENOMEM.
 */
int names_add_wire(struct names *names, struct slice name, uint8_t say);
int names_add(struct names *names, struct slice text, uint8_t say);
int names_add_host(struct names *names, struct slice text, uint8_t say);

/* Writes the wire form to wire[DNS_NAME_MAX] and returns its length, or 0 when text is no name in
 * presentation form. */
size_t names_encode(struct slice text, uint8_t *wire);

#define NAMES_ERROR_MAX 192

/* "TEXT is no name", into error[NAMES_ERROR_MAX], so that a person sees each octet of it. */
void names_describe_bad(struct slice text, char *error);

/*
 * Adds the names of a text in presentation form, one a line, with or without final dot, LF or CR LF
 * behind it; each says NAMES_IN of itself and all below. '#' begins a comment; blanks around a name
 * and empty lines are nothing. Returns 0, or the number of the first bad line, with what is wrong
 * in error[NAMES_ERROR_MAX].
 */
size_t names_parse(struct names *names, struct slice text, char *error);
