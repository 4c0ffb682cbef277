/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "rules/literals.h"

/*
 * Which of many literals are in a text? One pass over it tells, whatever their number is: an
 * automaton (Aho and Corasick) with a row of transitions for each start of a literal.
 */
struct prefilter;

/* So large is the table at most: of literals that need more, only their starts are looked for. */
#define PREFILTER_BYTES_MAX (16 << 20)

struct prefilter_literal {
	struct literal literal; /* in lower case */
	uint16_t number;	/* what it stands for, perhaps among others */
};

/* literals: borrowed. NULL when out of memory. */
struct prefilter *prefilter_new(const struct prefilter_literal *literals, size_t count);
void prefilter_free(struct prefilter *prefilter);

/* Sets the bit of every number that has a literal in the text, in any case; and perhaps of others.
 * Numbers below 64 are in words[0], and so on. */
void prefilter_scan(struct prefilter *prefilter, struct slice text, uint64_t *words);
