/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small reader of regular expressions: characters, ".", simple classes, groups, alternatives and
 * quantifiers. In a sequence, characters in a row that cannot be left out are a literal, and a
 * group that cannot be left out has those of its alternatives; the best of them stands for the
 * sequence. Of alternatives each must have one. Whatever is not understood for certain ends it
 * without any: the pattern is then always tried.
 */
#include "rules/literals.h"

#include <stdbool.h>
#include <string.h>

#define DEPTH_MAX 16 /* of groups */

struct reading {
	const char *at;
	struct literals *found;
	unsigned depth;
	bool is_lost;
};

/* A sequence, with what is found in it: the literals from first on are the last that there are. */
struct sequence {
	uint32_t first;
	unsigned weight; /* of those literals; 0: none yet */
	unsigned length; /* of the run of characters that is being read, of which the start is kept
			  */
	char run[LITERAL_MAX];
};

enum atom { ATOM_CHARACTER, ATOM_ANY, ATOM_PLACE };
enum times { TIMES_ONCE, TIMES_SOME, TIMES_PERHAPS };

static unsigned alternatives_read(struct reading *reading);

/* How much it tells a name from others. */
static unsigned run_weight(const char *run, unsigned length)
{
	static const char *const common[] = {"com", "net", "org", "www"};

	if (length < LITERAL_LEAST)
		return 0;
	for (unsigned i = 0; i < sizeof(common) / sizeof(*common); i++) {
		unsigned dots = *run == '.';

		if (length - dots >= 3 && length - dots <= 4 && !memcmp(run + dots, common[i], 3) &&
		    (length - dots == 3 || run[dots + 3] == '.'))
			return 1;
	}
	return length;
}

static void run_end(struct reading *reading, struct sequence *sequence)
{
	unsigned length = sequence->length < LITERAL_MAX ? sequence->length : LITERAL_MAX;
	unsigned weight = run_weight(sequence->run, length);
	struct literals *found = reading->found;

	sequence->length = 0;
	if (weight <= sequence->weight)
		return;
	if (sequence->first == LITERALS_MAX) {
		reading->is_lost = true;
		return;
	}
	sequence->weight = weight;
	found->literal[sequence->first].length = (uint8_t)length;
	memcpy(found->literal[sequence->first].text, sequence->run, length);
	found->count = sequence->first + 1;
}

static void run_put(struct sequence *sequence, char character)
{
	if (sequence->length < LITERAL_MAX)
		sequence->run[sequence->length] = character;
	sequence->length++;
}

/* The literals from first on are those of a group; they stay if they are the best. */
static void group_end(struct reading *reading, struct sequence *sequence, uint32_t first,
		      unsigned weight)
{
	struct literals *found = reading->found;
	uint32_t count = found->count - first;

	if (weight <= sequence->weight) {
		found->count = first;
		return;
	}
	sequence->weight = weight;
	memmove(found->literal + sequence->first, found->literal + first,
		count * sizeof(*found->literal));
	found->count = sequence->first + count;
}

/* "{2}", "{2,}", "{2,3}". */
static bool braces_read(struct reading *reading)
{
	const char *at = reading->at + 1;
	size_t digits = strspn(at, "0123456789");

	at += digits;
	if (*at == ',')
		at += 1 + strspn(at + 1, "0123456789");
	if (!digits || *at != '}')
		return false;
	reading->at = at + 1;
	return true;
}

static enum times quantifier_read(struct reading *reading)
{
	enum times times = *reading->at == '+' ? TIMES_SOME : TIMES_PERHAPS;

	switch (*reading->at) {
	case '*':
	case '+':
	case '?':
		reading->at++;
		break;
	case '{':
		reading->is_lost |= !braces_read(reading);
		break;
	default:
		return TIMES_ONCE;
	}
	if (*reading->at == '?' || *reading->at == '+') /* lazy, or possessive */
		reading->at++;
	return times;
}

/* "[...]" without anything in it that needs to be understood. */
static enum atom class_read(struct reading *reading)
{
	size_t length;

	reading->at += *reading->at == '^';
	length = strcspn(reading->at, "[]\\");
	if (!length || reading->at[length] != ']')
		reading->is_lost = true;
	else
		reading->at += length + 1;
	return ATOM_ANY;
}

static bool is_letter_or_digit(char character)
{
	char lower = (char)(character | 0x20);

	return (lower >= 'a' && lower <= 'z') || (character >= '0' && character <= '9');
}

/* Behind a backslash. */
static enum atom escape_read(struct reading *reading, char *character)
{
	*character = *reading->at;
	if (*character <= ' ' || *character > '~') {
		reading->is_lost = true;
		return ATOM_ANY;
	}
	reading->at++;
	if (!is_letter_or_digit(*character))
		return ATOM_CHARACTER;
	if (strchr("bBAzZ", *character))
		return ATOM_PLACE;
	reading->is_lost |= !strchr("dDsSwW", *character);
	return ATOM_ANY;
}

static enum atom atom_read(struct reading *reading, char *character)
{
	*character = *reading->at++;
	switch (*character) {
	case '^':
	case '$':
		return ATOM_PLACE;
	case '.':
		return ATOM_ANY;
	case '[':
		return class_read(reading);
	case '\\':
		return escape_read(reading, character);
	}
	if (*character < ' ' || *character > '~' || strchr("*+?{}]", *character))
		reading->is_lost = true;
	return ATOM_CHARACTER;
}

/* Behind "(". Returns the weight of what is found. */
static unsigned group_read(struct reading *reading)
{
	unsigned weight;

	if (!strncmp(reading->at, "?:", 2))
		reading->at += 2;
	if (*reading->at == '?' || *reading->at == '*' || reading->depth == DEPTH_MAX) {
		reading->is_lost = true;
		return 0;
	}
	reading->depth++;
	weight = alternatives_read(reading);
	reading->depth--;
	if (*reading->at == ')')
		reading->at++;
	else
		reading->is_lost = true;
	return weight;
}

static void group_take(struct reading *reading, struct sequence *sequence)
{
	uint32_t first;
	unsigned weight;

	reading->at++;
	run_end(reading, sequence);
	first = reading->found->count;
	weight = group_read(reading);
	if (quantifier_read(reading) == TIMES_PERHAPS)
		weight = 0;
	group_end(reading, sequence, first, weight);
}

static void atom_take(struct reading *reading, struct sequence *sequence)
{
	char character;
	enum atom atom = atom_read(reading, &character);
	enum times times = atom == ATOM_PLACE ? TIMES_ONCE : quantifier_read(reading);

	if (character >= 'A' && character <= 'Z')
		character |= 0x20;
	if (atom == ATOM_CHARACTER && times != TIMES_PERHAPS)
		run_put(sequence, character);
	if (atom != ATOM_CHARACTER || times != TIMES_ONCE)
		run_end(reading, sequence);
}

/* Returns the weight of what is found, which are the last literals; 0: none. */
static unsigned sequence_read(struct reading *reading)
{
	struct sequence sequence = {.first = reading->found->count};

	while (!reading->is_lost && *reading->at && *reading->at != '|' && *reading->at != ')') {
		if (*reading->at == '(')
			group_take(reading, &sequence);
		else
			atom_take(reading, &sequence);
	}
	run_end(reading, &sequence);
	return sequence.weight;
}

static unsigned alternatives_read(struct reading *reading)
{
	uint32_t first = reading->found->count;
	unsigned least = sequence_read(reading);

	while (*reading->at == '|' && !reading->is_lost) {
		unsigned weight;

		reading->at++;
		weight = sequence_read(reading);
		least = weight < least ? weight : least;
	}
	if (!least)
		reading->found->count = first;
	return least;
}

void literals_find(const char *pattern, struct literals *literals)
{
	struct reading reading = {.at = pattern, .found = literals};

	literals->count = 0;
	alternatives_read(&reading);
	if (reading.is_lost || *reading.at)
		literals->count = 0;
}
