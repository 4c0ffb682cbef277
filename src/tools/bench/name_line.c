/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/name_line.h"

#include <stdbool.h>
#include <string.h>

#include "dns/code.h"

#define WORD_MAX (DNS_NAME_TEXT_MAX + 32) /* a rank, a name, the NUL */

static bool is_blank(uint8_t octet)
{
	return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
}

/* Takes the next word off the line, "" at its end; false for what cannot be a word of it. */
static bool word_take(struct slice *line, char word[WORD_MAX])
{
	size_t length = 0;

	while (line->length && is_blank(*line->data)) {
		line->data++;
		line->length--;
	}
	while (length < line->length && !is_blank(line->data[length]))
		length++;
	if (length >= WORD_MAX || memchr(line->data, '\0', length))
		return false;
	if (length && *line->data == '#')
		line->length = length = 0;
	memcpy(word, line->data, length);
	word[length] = '\0';
	line->data += length;
	line->length -= length;
	return true;
}

static const char *rank_skip(const char *word)
{
	size_t digits = strspn(word, "0123456789");

	return digits && word[digits] == ',' ? word + digits + 1 : word;
}

enum name_line_result name_line_parse(struct slice line, struct name_line *out)
{
	char word[WORD_MAX];
	const char *name;

	out->type = 0;
	if (!word_take(&line, word))
		return NAME_LINE_BAD;
	if (!*word)
		return NAME_LINE_EMPTY;
	name = rank_skip(word);
	if (!*name || !name_parse(name, out->wire, &out->length))
		return NAME_LINE_BAD;
	if (!word_take(&line, word) || (*word && !dns_type_parse(word, &out->type)))
		return NAME_LINE_BAD;
	return word_take(&line, word) && !*word ? NAME_LINE_NAME : NAME_LINE_BAD;
}
