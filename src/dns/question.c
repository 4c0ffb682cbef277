/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns/question.h"

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/walk.h"

/* Behind all questions but the first, which is read. */
static bool walk_other_questions(struct walk *walk, unsigned count)
{
	for (; count > 1; count--)
		if (!walk_name(walk, name_skip(walk->message, walk->at, &walk->budget)) ||
		    !walk_take(walk, 4))
			return false;
	return true;
}

static bool walk_records(struct walk *walk, unsigned count)
{
	struct walk_record record;

	while (count--)
		if (!walk_record(walk, &record))
			return false;
	return true;
}

/* Adds what the additional section, if it can be found, has of the response code. */
static void walk_extended_rcode(struct walk *walk, uint16_t *rcode)
{
	const uint8_t *header = walk->message.data;
	unsigned questions = be16_load(header + 4), additional = be16_load(header + 10);

	if (!additional || walk->at == walk->message.length)
		return;
	/* No name was read yet that the first owner name could point to. */
	if (!questions && walk->message.data[walk->at] >= WALK_POINTER >> 8)
		return;
	if (walk_other_questions(walk, questions) &&
	    walk_records(walk, be16_load(header + 6) + be16_load(header + 8)))
		walk_additional(walk, additional, rcode);
}

static bool walk_question(struct walk *walk, struct dns_question *question)
{
	const uint8_t *fixed;
	uint8_t length;

	if (!walk_name(walk, name_expand(walk->message, walk->at, &walk->budget, question->name,
					 &length)))
		return false;
	fixed = walk->message.data + walk->at;
	if (!walk_take(walk, 4))
		return false;
	question->name_length = length;
	question->type = be16_load(fixed);
	question->class = be16_load(fixed + 2);
	return true;
}

bool dns_question_parse(struct slice message, struct dns_question *question)
{
	const uint8_t *header = message.data;
	struct walk walk;

	question->id = question->flags = question->rcode = 0;
	question->type = question->class = 0;
	question->name_length = 0;
	if (message.length < DNS_HEADER_SIZE)
		return false;
	question->id = be16_load(header);
	question->flags = be16_load(header + 2);
	question->rcode = question->flags & DNS_RCODE_MASK;
	walk_init(&walk, message);
	if (be16_load(header + 4) && !walk_question(&walk, question))
		return false;
	walk_extended_rcode(&walk, &question->rcode);
	return true;
}
