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
struct automaton;

/* So large is the table at most: of literals that need more, only their starts are looked for. */
#define AUTOMATON_BYTES_MAX (16 << 20)

struct numbered_literal {
	struct literal literal; /* of printable ASCII, in lower case */
	uint16_t number;	/* what it stands for, perhaps among others */
};

/* literals: borrowed. NULL when out of memory. */
struct automaton *automaton_new(const struct numbered_literal *literals, size_t count);
void automaton_free(struct automaton *automaton);

/* Sets the bit of every number that has a literal in the text, in any case; and perhaps of others.
 * Numbers below 64 are in words[0], and so on. */
void automaton_scan(struct automaton *automaton, struct slice text, uint64_t *words);
