/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/document.h"

#include <string.h>

/* Behind a mark of the order of bytes, which YAML skips and JSON may, and blanks. */
static struct slice skip_blanks(struct slice text)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t blanks = 0;

	if (text.length >= strlen(mark) && !memcmp(text.data, mark, strlen(mark)))
		blanks = strlen(mark);
	while (blanks < text.length && strchr(" \t\r\n", text.data[blanks]) && text.data[blanks])
		blanks++;
	return (struct slice){text.data + blanks, text.length - blanks};
}

bool document_open(struct document *document, struct slice text)
{
	const struct slice begun = skip_blanks(text);

	*document = (struct document){.text = text, .place = {1, 1}, .variant = &document_yaml};
	if (begun.length && *begun.data == '{')
		document->variant = &document_json;
	document->state = document->variant->open(text);
	return document->state;
}

void document_close(struct document *document)
{
	document->variant->close(document->state);
}

bool document_next(struct document *document, char *problem)
{
	document->is_null = false;
	return document->variant->next(document, problem);
}

void document_move(struct document *document, size_t from, size_t to)
{
	struct document_place *place = &document->place;

	for (size_t i = from; i < to && i < document->text.length; i++) {
		place->column += (document->text.data[i] & 0xc0) != 0x80;
		if (document->text.data[i] == '\n')
			*place = (struct document_place){place->line + 1, 1};
	}
}
