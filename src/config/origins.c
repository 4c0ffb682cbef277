/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/origins.h"

#include <stdio.h>
#include <string.h>

#include "config/document.h"
#include "config/text.h"
#include "rules/words.h"

/* Goes along a document to the element of one of its lists. */
struct search {
	struct document document;
	const char *key;
	struct slice value;
	int depth;
	bool is_key;	/* at the outermost mapping: a key comes next */
	bool is_inside; /* the value of the wanted key */
};

static struct slice slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

static bool is_same(struct slice value, struct slice wanted)
{
	value = blanks_trim(value);
	return value.length == wanted.length && !memcmp(value.data, wanted.data, value.length);
}

/* Is the current event the element? */
static bool is_found(struct search *search)
{
	const struct document *document = &search->document;

	switch (document->event) {
	case DOCUMENT_MAPPING:
	case DOCUMENT_LIST:
		search->is_key |= !search->depth++;
		return false;
	case DOCUMENT_MAPPING_END:
	case DOCUMENT_LIST_END:
		search->is_key |= --search->depth == 1;
		return false;
	default:
		break;
	}
	if (search->depth == 1 && search->is_key) {
		search->is_inside = !strcmp(document->value, search->key);
		search->is_key = false;
		return false;
	}
	search->is_key |= search->depth == 1;
	return search->is_inside && search->depth <= 2 &&
	       is_same((struct slice){(const uint8_t *)document->value, document->length},
		       search->value);
}

static bool find_in_document(struct slice text, const char *key, struct slice value,
			     struct document_place *place)
{
	struct search search = {.key = key, .value = value};
	char ignored[SETTING_ERROR_MAX];
	bool is_there = false;

	if (!document_open(&search.document, text))
		return false;
	while (!is_there && search.depth <= DOCUMENT_DEPTH_MAX &&
	       document_next(&search.document, ignored) && search.document.event != DOCUMENT_END)
		is_there = is_found(&search);
	*place = search.document.place;
	document_close(&search.document);
	return is_there;
}

static size_t find_line(struct slice text, struct slice value)
{
	for (size_t line = 1; text.length; line++)
		if (is_same(line_next(&text), value))
			return line;
	return 0;
}

void origins_find(const struct origins *origins, const char *key, const char *value, char *where)
{
	struct slice wanted = blanks_trim(slice_of(value));
	struct document_place place;
	size_t line = 0;

	*where = '\0';
	if (!origins)
		return;
	if (origins->config_name && find_in_document(origins->config, key, wanted, &place)) {
		snprintf(where, ORIGIN_MAX, "%.160s:%zu:%zu: ", origins->config_name, place.line,
			 place.column);
	} else if (origins->rules_name && !strcmp(key, "rules")) {
		line = find_line(origins->rules, wanted);
		if (line)
			snprintf(where, ORIGIN_MAX, "%.160s:%zu: ", origins->rules_name, line);
	}
	text_mask_controls(where);
}

bool origins_refuse(const struct origins *origins, const char *key, const char *value,
		    const char *problem, char *error)
{
	char where[ORIGIN_MAX];

	origins_find(origins, key, value, where);
	snprintf(error, CONFIG_ERROR_MAX, "%s%.20s: %.260s", where, key, problem);
	return false;
}
