/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * States are made level by level, so that their numbers are in the order of their depths: what is
 * not yet made when the table is full are the ends of literals, the states that most names stay in
 * are close together, and the failure of a state has a lower number than the state.
 *
 * A row has a column for each character that literals have, in either case; and two before them:
 * the output of the state, and all other octets, which lead to the start.
 */
#include "rules/automaton.h"

#include <assert.h>
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

struct automaton {
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
	struct automaton *automaton;
	const struct numbered_literal *literals;
	size_t count;
	uint32_t *ends;	    /* the state of each literal */
	uint32_t *failures; /* of each state: where what is behind its first octet leads */
};

static inline uint32_t *row_of(const struct automaton *automaton, size_t state)
{
	return automaton->rows + state * automaton->stride;
}

static inline uint8_t column_of(const struct automaton *automaton, char character)
{
	return automaton->column[(uint8_t)character];
}

static void columns_set(struct making *making)
{
	struct automaton *automaton = making->automaton;
	uint8_t *column = automaton->column;

	memset(column, COLUMN_OTHER, sizeof(automaton->column));
	automaton->stride = COLUMN_FIRST;
	for (size_t i = 0; i < making->count; i++) {
		const struct literal *literal = &making->literals[i].literal;

		for (unsigned at = 0; at < literal->length; at++)
			if (column_of(automaton, literal->text[at]) == COLUMN_OTHER)
				column[(uint8_t)literal->text[at]] = (uint8_t)automaton->stride++;
	}
	assert(automaton->stride <= UINT8_MAX); /* ASCII has not so many */
	for (unsigned upper = 'A'; upper <= 'Z'; upper++)
		column[upper] = column[upper | 0x20];
}

static bool tables_make(struct making *making)
{
	struct automaton *automaton = making->automaton;
	size_t row_bytes = automaton->stride * sizeof(uint32_t);
	size_t most = AUTOMATON_BYTES_MAX / row_bytes, states = 1;

	assert(most > 1);
	for (size_t i = 0; i < making->count; i++)
		states += making->literals[i].literal.length;
	if (states > most)
		states = most;
	automaton->states_max = states;
	automaton->rows = calloc(states, row_bytes);
	automaton->outputs = calloc(making->count + 1, sizeof(*automaton->outputs));
	automaton->numbers = calloc(making->count + 1, sizeof(*automaton->numbers));
	making->ends = calloc(making->count + 1, sizeof(*making->ends));
	making->failures = calloc(states, sizeof(*making->failures));
	return automaton->rows && automaton->outputs && automaton->numbers && making->ends &&
	       making->failures;
}

/* Moves the literal's end one octet on. False when the table is full. */
static bool end_move(struct making *making, size_t i, unsigned depth)
{
	struct automaton *automaton = making->automaton;
	uint8_t column = column_of(automaton, making->literals[i].literal.text[depth]);
	uint32_t *next = row_of(automaton, making->ends[i]) + column;

	if (!*next) {
		if (automaton->states_count == automaton->states_max)
			return false;
		*next = (uint32_t)automaton->states_count++;
	}
	making->ends[i] = *next;
	return true;
}

static void states_make(struct making *making)
{
	making->automaton->states_count = 1;
	for (unsigned depth = 0; depth < LITERAL_MAX; depth++)
		for (size_t i = 0; i < making->count; i++)
			if (depth < making->literals[i].literal.length &&
			    !end_move(making, i, depth))
				return;
}

/* The octets that lead to no state lead where they lead from the failure. */
static void failures_make(struct making *making)
{
	struct automaton *automaton = making->automaton;

	for (size_t state = 0; state < automaton->states_count; state++) {
		uint32_t *row = row_of(automaton, state);
		const uint32_t *failure = row_of(automaton, making->failures[state]);

		for (uint32_t column = COLUMN_FIRST; column < automaton->stride; column++) {
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
	struct automaton *automaton = making->automaton;
	uint32_t first = 0;

	for (size_t i = 0; i < making->count; i++) {
		uint32_t *output = row_of(automaton, making->ends[i]) + COLUMN_OUTPUT;

		if (!*output)
			*output = ++automaton->outputs_count;
		automaton->outputs[*output].count++;
	}
	for (uint32_t i = 1; i <= automaton->outputs_count; i++) {
		automaton->outputs[i].first = first;
		first += automaton->outputs[i].count;
		automaton->outputs[i].count = 0;
	}
	for (size_t i = 0; i < making->count; i++) {
		struct output *output =
			automaton->outputs + row_of(automaton, making->ends[i])[COLUMN_OUTPUT];

		automaton->numbers[output->first + output->count++] = making->literals[i].number;
	}
}

/* A state has also the outputs of its failure. */
static void outputs_link(struct making *making)
{
	struct automaton *automaton = making->automaton;

	for (size_t state = 1; state < automaton->states_count; state++) {
		uint32_t *output = row_of(automaton, state) + COLUMN_OUTPUT;
		uint32_t other = row_of(automaton, making->failures[state])[COLUMN_OUTPUT];

		if (*output)
			automaton->outputs[*output].next = other;
		else
			*output = other;
	}
}

/* Numbers of states become places of rows, so that a step is one look. */
static void transitions_make(struct automaton *automaton)
{
	for (size_t state = 0; state < automaton->states_count; state++) {
		uint32_t *row = row_of(automaton, state);

		for (uint32_t column = COLUMN_FIRST; column < automaton->stride; column++) {
			uint32_t place = row[column] * automaton->stride;

			row[column] = place | (automaton->rows[place] ? IS_OUTPUT : 0);
		}
	}
}

static void automaton_make(struct making *making)
{
	states_make(making);
	failures_make(making);
	outputs_make(making);
	outputs_link(making);
	transitions_make(making->automaton);
}

struct automaton *automaton_new(const struct numbered_literal *literals, size_t count)
{
	struct automaton *automaton = calloc(1, sizeof(*automaton));
	struct making making = {.automaton = automaton, .literals = literals, .count = count};

	if (!automaton)
		return NULL;
	columns_set(&making);
	if (tables_make(&making)) {
		automaton_make(&making);
	} else {
		automaton_free(automaton);
		automaton = NULL;
	}
	free(making.ends);
	free(making.failures);
	return automaton;
}

void automaton_free(struct automaton *automaton)
{
	if (!automaton)
		return;
	free(automaton->rows);
	free(automaton->outputs);
	free(automaton->numbers);
	free(automaton);
}

/* A text that has a literal many times costs it once: what was seen in this scan is not told
 * again. */
static void output_tell(struct automaton *automaton, uint32_t output, uint64_t *words)
{
	while (output && automaton->outputs[output].seen != automaton->scans) {
		struct output *told = &automaton->outputs[output];
		const uint16_t *number = automaton->numbers + told->first;

		for (uint32_t i = 0; i < told->count; i++)
			words[number[i] / WORD_BITS] |= UINT64_C(1) << number[i] % WORD_BITS;
		told->seen = automaton->scans;
		output = told->next;
	}
}

void automaton_scan(struct automaton *automaton, struct slice text, uint64_t *words)
{
	const uint32_t *rows = automaton->rows;
	uint32_t place = 0;

	automaton->scans++;
	for (size_t i = 0; i < text.length; i++) {
		place = rows[place + automaton->column[text.data[i]]];
		if (__builtin_expect(place & IS_OUTPUT, 0)) {
			place &= ~IS_OUTPUT;
			output_tell(automaton, rows[place], words);
		}
	}
}
