/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * States are made level by level, so that their numbers are in the order of their depths: what is
 * not yet made when the table is full are the ends of literals, the states that most names stay in
 * are close together, and the failure of a state has a lower number than the state.
 *
 * A row has a column for each character that literals have, in either case; and two before them:
 * the output of the state, and all other octets, which lead to the start.
 */
#include "rules/prefilter.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_OUTPUT 0
#define COLUMN_OTHER  1
#define COLUMN_FIRST  2
#define IS_OUTPUT     (UINT32_C(1) << 31) /* of a transition: its state has one */
#define WORD_BITS     64

/* The numbers of the literals that end in a state. */
struct output {
	uint64_t seen; /* the last scan that came by */
	uint32_t first, count;
	uint32_t next; /* the longest output that ends there too; 0: none */
};

struct prefilter {
	uint64_t scans;
	size_t states_count, states_max;
	uint32_t stride; /* of a row, in columns */
	uint32_t *rows;	 /* transitions: the place of the next state's row */
	uint32_t outputs_count;
	struct output *outputs; /* from 1 on */
	uint16_t *numbers;
	uint8_t column[256];
};

/* What making one needs. */
struct making {
	struct prefilter *prefilter;
	const struct prefilter_literal *literals;
	size_t count;
	uint32_t *ends;	    /* the state of each literal */
	uint32_t *failures; /* of each state: where what is behind its first octet leads */
};

static inline uint32_t *row_of(const struct prefilter *prefilter, size_t state)
{
	return prefilter->rows + state * prefilter->stride;
}

static inline uint8_t column_of(const struct prefilter *prefilter, char character)
{
	return prefilter->column[(uint8_t)character];
}

static void columns_set(struct making *making)
{
	struct prefilter *prefilter = making->prefilter;
	uint8_t *column = prefilter->column;

	memset(column, COLUMN_OTHER, sizeof(prefilter->column));
	prefilter->stride = COLUMN_FIRST;
	for (size_t i = 0; i < making->count; i++) {
		const struct literal *literal = &making->literals[i].literal;

		for (unsigned at = 0; at < literal->length; at++)
			if (column_of(prefilter, literal->text[at]) == COLUMN_OTHER)
				column[(uint8_t)literal->text[at]] = (uint8_t)prefilter->stride++;
	}
	for (unsigned upper = 'A'; upper <= 'Z'; upper++)
		column[upper] = column[upper | 0x20];
}

static bool tables_make(struct making *making)
{
	struct prefilter *prefilter = making->prefilter;
	size_t row_bytes = prefilter->stride * sizeof(uint32_t);
	size_t states = 1;

	for (size_t i = 0; i < making->count; i++)
		states += making->literals[i].literal.length;
	if (states > PREFILTER_BYTES_MAX / row_bytes)
		states = PREFILTER_BYTES_MAX / row_bytes;
	prefilter->states_max = states;
	prefilter->rows = calloc(states, row_bytes);
	prefilter->outputs = calloc(making->count + 1, sizeof(*prefilter->outputs));
	prefilter->numbers = calloc(making->count + 1, sizeof(*prefilter->numbers));
	making->ends = calloc(making->count + 1, sizeof(*making->ends));
	making->failures = calloc(states, sizeof(*making->failures));
	return prefilter->rows && prefilter->outputs && prefilter->numbers && making->ends &&
	       making->failures;
}

/* Moves the literal's end one octet on. False when the table is full. */
static bool end_move(struct making *making, size_t i, unsigned depth)
{
	struct prefilter *prefilter = making->prefilter;
	uint8_t column = column_of(prefilter, making->literals[i].literal.text[depth]);
	uint32_t *next = row_of(prefilter, making->ends[i]) + column;

	if (!*next) {
		if (prefilter->states_count == prefilter->states_max)
			return false;
		*next = (uint32_t)prefilter->states_count++;
	}
	making->ends[i] = *next;
	return true;
}

static void states_make(struct making *making)
{
	making->prefilter->states_count = 1;
	for (unsigned depth = 0; depth < LITERAL_MAX; depth++)
		for (size_t i = 0; i < making->count; i++)
			if (depth < making->literals[i].literal.length &&
			    !end_move(making, i, depth))
				return;
}

/* The octets that lead to no state lead where they lead from the failure. */
static void failures_make(struct making *making)
{
	struct prefilter *prefilter = making->prefilter;

	for (size_t state = 0; state < prefilter->states_count; state++) {
		uint32_t *row = row_of(prefilter, state);
		const uint32_t *failure = row_of(prefilter, making->failures[state]);

		for (uint32_t column = COLUMN_FIRST; column < prefilter->stride; column++) {
			uint32_t other = state ? failure[column] : 0;

			if (row[column])
				making->failures[row[column]] = other;
			else
				row[column] = other;
		}
	}
}

/* Numbers by the states that their literals end in. */
static void outputs_make(struct making *making)
{
	struct prefilter *prefilter = making->prefilter;
	uint32_t first = 0;

	for (size_t i = 0; i < making->count; i++) {
		uint32_t *output = row_of(prefilter, making->ends[i]) + COLUMN_OUTPUT;

		if (!*output)
			*output = ++prefilter->outputs_count;
		prefilter->outputs[*output].count++;
	}
	for (uint32_t i = 1; i <= prefilter->outputs_count; i++) {
		prefilter->outputs[i].first = first;
		first += prefilter->outputs[i].count;
		prefilter->outputs[i].count = 0;
	}
	for (size_t i = 0; i < making->count; i++) {
		struct output *output =
			prefilter->outputs + row_of(prefilter, making->ends[i])[COLUMN_OUTPUT];

		prefilter->numbers[output->first + output->count++] = making->literals[i].number;
	}
}

/* A state has also the outputs of its failure. */
static void outputs_link(struct making *making)
{
	struct prefilter *prefilter = making->prefilter;

	for (size_t state = 1; state < prefilter->states_count; state++) {
		uint32_t *output = row_of(prefilter, state) + COLUMN_OUTPUT;
		uint32_t other = row_of(prefilter, making->failures[state])[COLUMN_OUTPUT];

		if (*output)
			prefilter->outputs[*output].next = other;
		else
			*output = other;
	}
}

/* Numbers of states become places of rows, so that a step is one look. */
static void transitions_make(struct prefilter *prefilter)
{
	for (size_t state = 0; state < prefilter->states_count; state++) {
		uint32_t *row = row_of(prefilter, state);

		for (uint32_t column = COLUMN_FIRST; column < prefilter->stride; column++) {
			uint32_t place = row[column] * prefilter->stride;

			row[column] = place | (prefilter->rows[place] ? IS_OUTPUT : 0);
		}
	}
}

static void prefilter_make(struct making *making)
{
	states_make(making);
	failures_make(making);
	outputs_make(making);
	outputs_link(making);
	transitions_make(making->prefilter);
}

struct prefilter *prefilter_new(const struct prefilter_literal *literals, size_t count)
{
	struct prefilter *prefilter = calloc(1, sizeof(*prefilter));
	struct making making = {.prefilter = prefilter, .literals = literals, .count = count};

	if (!prefilter)
		return NULL;
	columns_set(&making);
	if (tables_make(&making)) {
		prefilter_make(&making);
	} else {
		prefilter_free(prefilter);
		prefilter = NULL;
	}
	free(making.ends);
	free(making.failures);
	return prefilter;
}

void prefilter_free(struct prefilter *prefilter)
{
	if (!prefilter)
		return;
	free(prefilter->rows);
	free(prefilter->outputs);
	free(prefilter->numbers);
	free(prefilter);
}

/* A text that has a literal many times costs it once: what was seen in this scan is not told
 * again. */
static void output_tell(struct prefilter *prefilter, uint32_t output, uint64_t *words)
{
	while (output && prefilter->outputs[output].seen != prefilter->scans) {
		struct output *told = &prefilter->outputs[output];
		const uint16_t *number = prefilter->numbers + told->first;

		for (uint32_t i = 0; i < told->count; i++)
			words[number[i] / WORD_BITS] |= UINT64_C(1) << number[i] % WORD_BITS;
		told->seen = prefilter->scans;
		output = told->next;
	}
}

void prefilter_scan(struct prefilter *prefilter, struct slice text, uint64_t *words)
{
	const uint32_t *rows = prefilter->rows;
	uint32_t place = 0;

	prefilter->scans++;
	for (size_t i = 0; i < text.length; i++) {
		place = rows[place + prefilter->column[text.data[i]]];
		if (__builtin_expect(place & IS_OUTPUT, 0)) {
			place &= ~IS_OUTPUT;
			output_tell(prefilter, rows[place], words);
		}
	}
}
