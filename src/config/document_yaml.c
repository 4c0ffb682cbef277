/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct state {
	yaml_parser_t parser;
	yaml_event_t event;
	bool is_begun; /* a text may be several documents: ours is one */
};

static void *open(struct slice text)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!state || !yaml_parser_initialize(&state->parser)) {
		free(state);
		return NULL;
	}
	yaml_parser_set_encoding(&state->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&state->parser, text.data, text.length);
	return state;
}

static void close(void *state_)
{
	struct state *state = state_;

	yaml_event_delete(&state->event);
	yaml_parser_delete(&state->parser);
	free(state);
}

static void set_place(struct document *document, yaml_mark_t mark)
{
	document->place = (struct document_place){mark.line + 1, mark.column + 1};
}

/* libyaml often notices a mistake lines behind it, and knows where the construct began. For octets
 * that are no character it gives an offset only. */
static bool refuse_syntax(struct document *document, char *problem)
{
	const yaml_parser_t *parser = &((struct state *)document->state)->parser;

	set_place(document, parser->problem_mark);
	if (parser->error == YAML_READER_ERROR) {
		document->place = (struct document_place){1, 1};
		document_move(document, 0, parser->problem_offset);
	}
	if (!parser->context || parser->context_mark.line + 1 == document->place.line)
		snprintf(problem, SETTING_ERROR_MAX, "%s",
			 parser->problem ? parser->problem : "out of memory");
	else
		snprintf(problem, SETTING_ERROR_MAX, "%s, %s that began in line %zu",
			 parser->problem, parser->context, parser->context_mark.line + 1);
	return false;
}

static bool is_simple(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return false;
	case YAML_SCALAR_EVENT:
		return !event->data.scalar.anchor && !event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return !event->data.sequence_start.anchor && !event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return !event->data.mapping_start.anchor && !event->data.mapping_start.tag;
	default:
		return true;
	}
}

/* Takes events until there is one that a document has. */
static bool advance(struct document *document, char *problem)
{
	struct state *state = document->state;

	do {
		yaml_event_delete(&state->event);
		if (!yaml_parser_parse(&state->parser, &state->event))
			return refuse_syntax(document, problem);
		set_place(document, state->event.start_mark);
		if (state->event.type == YAML_DOCUMENT_START_EVENT) {
			if (state->is_begun) {
				strcpy(problem, "a second document has no use here");
				return false;
			}
			state->is_begun = true;
		}
	} while (state->event.type == YAML_STREAM_START_EVENT ||
		 state->event.type == YAML_DOCUMENT_START_EVENT ||
		 state->event.type == YAML_DOCUMENT_END_EVENT);
	return true;
}

static void set_value(struct document *document, const yaml_event_t *event)
{
	document->value = (char *)event->data.scalar.value;
	document->length = event->data.scalar.length;
	document->is_null = event->data.scalar.plain_implicit &&
			    (!*document->value || !strcmp(document->value, "~") ||
			     !strcmp(document->value, "null"));
}

static bool next(struct document *document, char *problem)
{
	static const enum document_event events[] = {
		[YAML_STREAM_END_EVENT] = DOCUMENT_END,
		[YAML_SCALAR_EVENT] = DOCUMENT_VALUE,
		[YAML_SEQUENCE_START_EVENT] = DOCUMENT_LIST,
		[YAML_SEQUENCE_END_EVENT] = DOCUMENT_LIST_END,
		[YAML_MAPPING_START_EVENT] = DOCUMENT_MAPPING,
		[YAML_MAPPING_END_EVENT] = DOCUMENT_MAPPING_END,
	};
	const yaml_event_t *event = &((struct state *)document->state)->event;

	if (!advance(document, problem))
		return false;
	if (!is_simple(event)) {
		strcpy(problem, "anchors, aliases and tags have no use here");
		return false;
	}
	document->event = events[event->type];
	if (document->event == DOCUMENT_VALUE)
		set_value(document, event);
	return true;
}

const struct document_variant document_yaml = {open, next, close};

const char *document_yaml_version(void)
{
	return yaml_get_version_string();
}
