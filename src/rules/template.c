/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/template.h"

#include <stdio.h>

#include "dns/name.h"

#define TEXT_SHOWN_MAX 100 /* of a template that is wrong */

/* The text of the name, as it grows. */
struct writer {
	size_t length;
	bool is_exact;	     /* no dot is left out */
	bool is_escaped;     /* the next character belongs to a backslash */
	bool is_label_begun; /* the label that is written has a character */
	char text[DNS_NAME_TEXT_MAX + 1];
};

/* What is too long for a name is cut, and still too long. */
static void writer_put(struct writer *writer, char character)
{
	bool is_dot = character == '.' && !writer->is_escaped;

	if (is_dot && !writer->is_label_begun && !writer->is_exact)
		return;
	writer->is_label_begun = !is_dot;
	writer->is_escaped = character == '\\' && !writer->is_escaped;
	if (writer->length < sizeof(writer->text) - 1)
		writer->text[writer->length++] = character;
}

static void writer_put_slice(struct writer *writer, struct slice slice)
{
	for (size_t i = 0; i < slice.length; i++)
		writer_put(writer, (char)slice.data[i]);
}

/*
 * The next piece of the template at *at, which is moved behind it: the number of a group; 0 for one
 * character, or two with a backslash; -1 for a dollar that means nothing.
 */
static int piece_take(const char **at, struct slice *characters)
{
	const char *from = *at;

	*characters = (struct slice){(const uint8_t *)from, 1};
	++*at;
	if (*from == '\\' && from[1]) {
		++*at;
		characters->length = 2;
	}
	if (*from != '$')
		return 0;
	if (from[1] >= '1' && from[1] <= '9') {
		++*at;
		return from[1] - '0';
	}
	if (from[1] != '$')
		return -1;
	++*at;
	return 0;
}

/* False when a dollar means nothing. */
static bool writer_put_template(struct writer *writer, const char *template,
				const struct slice *groups)
{
	while (*template) {
		struct slice characters;
		int group = piece_take(&template, &characters);

		if (group < 0)
			return false;
		writer_put_slice(writer, group ? groups[group - 1] : characters);
	}
	writer->text[writer->length] = '\0';
	return true;
}

unsigned template_last_group(const char *template)
{
	int last = 0;

	while (*template) {
		struct slice characters;
		int group = piece_take(&template, &characters);

		last = group > last ? group : last;
	}
	return (unsigned)last;
}

bool template_check(const char *template, unsigned group_count, char *error)
{
	static const struct slice some = {(const uint8_t *)"a", 1};
	const struct slice groups[TEMPLATE_GROUPS_MAX] = {some, some, some, some, some,
							  some, some, some, some};
	struct writer writer = {.is_exact = true};
	uint8_t wire[DNS_NAME_MAX], length;

	if (!writer_put_template(&writer, template, groups))
		snprintf(error, TEMPLATE_ERROR_MAX,
			 "%.*s: behind $ stands the number of a group, 1 to 9, or another $",
			 TEXT_SHOWN_MAX, template);
	else if (template_last_group(template) > group_count)
		snprintf(error, TEMPLATE_ERROR_MAX, "$%u: the pattern has %u %s",
			 template_last_group(template), group_count,
			 group_count == 1 ? "group" : "groups");
	else if (!*template || !name_parse(writer.text, wire, &length))
		snprintf(error, TEMPLATE_ERROR_MAX, "\"%.*s\" is no name", TEXT_SHOWN_MAX,
			 template);
	else
		return true;
	return false;
}

bool template_expand(const char *template, const struct slice *groups, uint8_t *wire,
		     uint8_t *length)
{
	struct writer writer = {0};

	if (!writer_put_template(&writer, template, groups) ||
	    !name_parse(writer.text, wire, length))
		return false;
	for (unsigned i = 0; i < *length; i++) /* octets of lengths are below those of letters */
		wire[i] = wire[i] >= 'A' && wire[i] <= 'Z' ? wire[i] | 0x20 : wire[i];
	return true;
}
