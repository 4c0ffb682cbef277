/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/prefilter.h"

#include <stdlib.h>
#include <string.h>

#include "rules/automaton.h"

#define WORD_BITS 64

struct prefilter {
	uint32_t count, words_count;
	uint64_t *always; /* patterns without a literal */
	uint64_t *found;
	struct automaton *automaton; /* NULL: no pattern has one */
};

/* As they are collected. */
struct collection {
	struct numbered_literal *literals;
	size_t count, room;
};

static bool collection_add(struct collection *collection, const struct literals *literals,
			   uint16_t number)
{
	if (collection->count + literals->count > collection->room) {
		size_t room = 2 * collection->room + LITERALS_MAX;
		struct numbered_literal *grown =
			reallocarray(collection->literals, room, sizeof(*grown));

		if (!grown)
			return false;
		collection->literals = grown;
		collection->room = room;
	}
	for (uint32_t i = 0; i < literals->count; i++)
		collection->literals[collection->count++] =
			(struct numbered_literal){literals->literal[i], number};
	return true;
}

static bool patterns_read(struct prefilter *prefilter, const char *const *patterns,
			  struct collection *collection)
{
	struct literals literals;

	for (uint32_t i = 0; i < prefilter->count; i++) {
		literals.count = 0;
		if (patterns[i])
			literals_find(patterns[i], &literals);
		if (!literals.count)
			prefilter->always[i / WORD_BITS] |= UINT64_C(1) << i % WORD_BITS;
		else if (!collection_add(collection, &literals, (uint16_t)i))
			return false;
	}
	return true;
}

struct prefilter *prefilter_new(const char *const *patterns, uint32_t count)
{
	struct prefilter *prefilter = calloc(1, sizeof(*prefilter));
	struct collection collection = {0};
	bool is_good;

	if (!prefilter)
		return NULL;
	prefilter->count = count;
	prefilter->words_count = (count + WORD_BITS - 1) / WORD_BITS;
	prefilter->always = calloc(prefilter->words_count + 1, sizeof(uint64_t));
	prefilter->found = calloc(prefilter->words_count + 1, sizeof(uint64_t));
	is_good = prefilter->always && prefilter->found &&
		  patterns_read(prefilter, patterns, &collection);
	if (is_good && collection.count) {
		prefilter->automaton = automaton_new(collection.literals, collection.count);
		is_good = prefilter->automaton != NULL;
	}
	free(collection.literals);
	if (is_good)
		return prefilter;
	prefilter_free(prefilter);
	return NULL;
}

void prefilter_free(struct prefilter *prefilter)
{
	if (!prefilter)
		return;
	automaton_free(prefilter->automaton);
	free(prefilter->always);
	free(prefilter->found);
	free(prefilter);
}

void prefilter_scan(struct prefilter *prefilter, struct slice name)
{
	memcpy(prefilter->found, prefilter->always, prefilter->words_count * sizeof(uint64_t));
	if (prefilter->automaton)
		automaton_scan(prefilter->automaton, name, prefilter->found);
}

uint32_t prefilter_next(const struct prefilter *prefilter, uint32_t from)
{
	uint32_t word = from / WORD_BITS;
	uint64_t bits;

	if (from >= prefilter->count)
		return prefilter->count;
	bits = prefilter->found[word] & UINT64_MAX << from % WORD_BITS;
	while (!bits) {
		if (++word == prefilter->words_count)
			return prefilter->count;
		bits = prefilter->found[word];
	}
	return word * WORD_BITS + (uint32_t)__builtin_ctzll(bits);
}
