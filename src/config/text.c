/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goes along the events of a document and refuses the first that does not belong, so that no text
 * can make it nest, expand or keep anything.
 *
 * YAML knows characters, a file name any bytes. A byte that is no part of a character which YAML
 * prints is written as the character U+EF00 + byte, of a private use area, and read as that byte.
 */
#include "config/text.h"

#include <stdio.h>
#include <string.h>

#include "config/document.h"
#include "config/outputs.h"
#include "config/rules.h"
#include "config/schema.h"
#include "config/sentry.h"

struct reader {
	struct document document;
	struct config *config;
	enum config_text kind;
	const char *name;
	struct slice text;
	bool is_of_sentry;
	struct sentry sentry;
	struct rules_doubts doubts;
	char *error;
};

/* The settings that a mapping holds. Indices are those of the schema. */
struct level {
	const struct schema *schema;
	void *base;
	bool is_given[SETTINGS_MAX];
	bool is_entered[SETTINGS_MAX]; /* a section, by its first setting */
};

void text_mask_controls(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
}

static bool refuse_at(struct reader *reader, struct document_place at, const char *key,
		      const char *problem)
{
	snprintf(reader->error, CONFIG_ERROR_MAX, "%.160s:%zu:%zu: %.64s%s%.260s", reader->name,
		 at.line, at.column, key, *key ? ": " : "", problem);
	text_mask_controls(reader->error);
	return false;
}

static void warn(const struct reader *reader)
{
	char text[SETTING_ERROR_MAX], doubts[CONFIG_ERROR_MAX];
	size_t length = 0;

	rules_doubts_tell(&reader->doubts, doubts);
	text_mask_controls(doubts);
	if (reader->is_of_sentry) {
		sentry_warn(&reader->sentry, reader->config, text);
		snprintf(reader->error, CONFIG_ERROR_MAX, "%.160s: %.340s", reader->name, text);
		text_mask_controls(reader->error);
		length = strlen(reader->error);
	}
	snprintf(reader->error + length, CONFIG_ERROR_MAX - length, "%s%s",
		 length && *doubts ? "\n" : "", doubts);
}

/* Is a good value worth a warning? */
static void doubt(struct reader *reader, const struct setting *setting, const char *value)
{
	char problem[SETTING_ERROR_MAX], place[CONFIG_ERROR_MAX];

	if (!setting->doubt || !setting->doubt(value, problem))
		return;
	snprintf(place, sizeof(place), "%.100s:%zu:%zu: %s", reader->name,
		 reader->document.place.line, reader->document.place.column, setting->name);
	rules_doubts_add(&reader->doubts, place, problem);
}

static bool refuse(struct reader *reader, const char *key, const char *problem)
{
	return refuse_at(reader, reader->document.place, key, problem);
}

static bool advance(struct reader *reader)
{
	char problem[SETTING_ERROR_MAX];

	return document_next(&reader->document, problem) || refuse(reader, "", problem);
}

/* Takes bytes out of their characters U+EF80 to U+EFFF, in place. */
static void unwrap_bytes(char *text)
{
	uint8_t *out = (uint8_t *)text;

	for (const uint8_t *in = out; *in; out++) {
		if (in[0] == 0xee && (in[1] & 0xfe) == 0xbe) {
			*out = (uint8_t)(in[2] + 0x40 * (in[1] & 1));
			in += 3;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/* The text of the current event, a scalar: NULL, refused, when it is no C string. */
static char *scalar_text(struct reader *reader, const char *key)
{
	char *text = reader->document.value;

	if (strlen(text) != reader->document.length) {
		refuse(reader, key, "has a NUL byte");
		return NULL;
	}
	unwrap_bytes(text);
	return text;
}

/* Leaves out the current event with all that it begins. */
static bool skip_value(struct reader *reader)
{
	int depth = 0;

	do {
		depth += reader->document.event == DOCUMENT_LIST ||
			 reader->document.event == DOCUMENT_MAPPING;
		depth -= reader->document.event == DOCUMENT_LIST_END ||
			 reader->document.event == DOCUMENT_MAPPING_END;
		if (depth > DOCUMENT_DEPTH_MAX)
			return refuse(reader, "", "nests too deep");
	} while (depth && advance(reader));
	return !depth;
}

static bool leave_out(struct reader *reader, const char *name)
{
	sentry_leave_out(&reader->sentry, name);
	return advance(reader) && skip_value(reader);
}

static bool refuse_key(struct reader *reader, const struct level *level, const char *name)
{
	const struct setting *setting;
	char problem[SETTING_ERROR_MAX];

	if (reader->is_of_sentry)
		return leave_out(reader, name);
	setting = schema_find(level->schema, name);
	if (setting && !setting->is_private)
		return refuse(reader, name, "write the key in its section, without the dot");
	schema_explain(level->schema, name, problem);
	if (level->schema == &schema_config && !strcmp(name, "host"))
		strcpy(problem, "unknown key: only in a configuration of Sentry, which has host, "
				"port and rules, all three");
	return refuse(reader, name, problem);
}

/* The text of the current event, which is the value of a key: NULL, refused, when it has none. */
static char *value_text(struct reader *reader, const char *key)
{
	if (reader->document.event != DOCUMENT_VALUE)
		refuse(reader, key, "holds more than a value can");
	else if (reader->document.is_null)
		refuse(reader, key, "has no value");
	else
		return scalar_text(reader, key);
	return NULL;
}

/* length: of the list that the value is one of. */
static bool read_scalar(struct reader *reader, struct level *level, const struct setting *setting,
			size_t *length)
{
	const char *value = value_text(reader, setting->name);
	char problem[SETTING_ERROR_MAX];

	if (!value)
		return false;
	if (!*value && setting->kind != SETTING_TEXT && setting->kind != SETTING_ESCAPED)
		return refuse(reader, setting->name, "has no value");
	if (reader->kind == CONFIG_TEXT_FILE && setting->check && !setting->check(value, problem))
		return refuse(reader, setting->name, problem);
	if (reader->kind == CONFIG_TEXT_FILE)
		doubt(reader, setting, value);
	return setting_append(level->base, setting, length, value, problem) ||
	       refuse(reader, setting->name, problem);
}

static bool read_sentry(struct reader *reader, const char *key)
{
	char problem[SETTING_ERROR_MAX];
	const char *value;

	if (!sentry_note(&reader->sentry, key))
		return refuse(reader, key, "is given twice");
	if (!advance(reader))
		return false;
	value = value_text(reader, key);
	return value && (sentry_take(&reader->sentry, reader->config, key, value, problem) ||
			 refuse(reader, key, problem));
}

static bool read_mapping(struct reader *reader, struct level *level, const char *section);

static bool read_output(struct reader *reader)
{
	struct level level = {.schema = &schema_output};
	const struct document_place start = reader->document.place;
	struct config_output *output;
	char problem[SETTING_ERROR_MAX];

	if (reader->document.event != DOCUMENT_MAPPING)
		return refuse(reader, "outputs", "an output is a mapping, with a type");
	output = outputs_add(reader->config);
	if (!output)
		return refuse(reader, "outputs", "there are too many");
	level.base = output;
	if (reader->kind == CONFIG_TEXT_FILE) {
		output->line = (uint32_t)start.line;
		output->column = (uint32_t)start.column;
	}
	return read_mapping(reader, &level, "") &&
	       (outputs_settle(output, problem) || refuse_at(reader, start, "outputs", problem));
}

/* One of a list, or a value that is none. */
static bool read_item(struct reader *reader, struct level *level, const struct setting *setting,
		      size_t *length)
{
	return setting->kind == SETTING_OUTPUTS ? read_output(reader)
						: read_scalar(reader, level, setting, length);
}

static bool read_value(struct reader *reader, struct level *level, const struct setting *setting)
{
	bool *is_given = &level->is_given[setting - level->schema->settings];
	size_t length = 0;

	if (*is_given)
		return refuse(reader, setting->name, "is given twice");
	*is_given = true;
	if (!advance(reader))
		return false;
	setting_clear(level->base, setting);
	if (reader->document.event != DOCUMENT_LIST || !setting_is_list(setting))
		return read_item(reader, level, setting, &length);
	while (advance(reader)) {
		if (reader->document.event == DOCUMENT_LIST_END)
			return true;
		if (!read_item(reader, level, setting, &length))
			return false;
	}
	return false;
}

/* One without keys may be empty: its keys may be comments. */
static bool read_section(struct reader *reader, struct level *level, const struct setting *first,
			 const char *section)
{
	bool *is_entered = &level->is_entered[first - level->schema->settings];

	if (*is_entered)
		return refuse(reader, section, "is given twice");
	*is_entered = true;
	if (!advance(reader))
		return false;
	if (reader->document.event == DOCUMENT_MAPPING)
		return read_mapping(reader, level, section);
	return reader->document.is_null || refuse(reader, section, "holds keys with their values");
}

/* A name with a dot is one of an option: files nest. */
static bool read_entry(struct reader *reader, struct level *level, const char *section)
{
	const struct setting *setting, *first;
	const char *key;
	char name[2 * SETTING_NAME_MAX];
	bool is_no_key;

	if (reader->document.event != DOCUMENT_VALUE)
		return refuse(reader, section, "a key is one word");
	key = scalar_text(reader, section);
	if (!key)
		return false;
	snprintf(name, sizeof(name), "%s%s%s", section, *section ? "." : "", key);
	if (reader->is_of_sentry && level->schema == &schema_config && sentry_has_key(name))
		return read_sentry(reader, name);
	is_no_key = strchr(key, '.');
	setting = is_no_key ? NULL : schema_find(level->schema, name);
	if (setting && (!setting->is_private || reader->kind == CONFIG_TEXT_HANDED_OVER))
		return read_value(reader, level, setting);
	first = *section || is_no_key ? NULL : schema_find_section(level->schema, name);
	return first ? read_section(reader, level, first, name) : refuse_key(reader, level, name);
}

/* The current event is its start. section: "", or before the keys' names. */
static bool read_mapping(struct reader *reader, struct level *level, const char *section)
{
	while (advance(reader)) {
		if (reader->document.event == DOCUMENT_MAPPING_END)
			return true;
		if (!read_entry(reader, level, section))
			return false;
	}
	return false;
}

/* The current event is the first of the document: a mapping, or nothing. */
static bool read_document(struct reader *reader)
{
	struct level level = {.schema = &schema_config, .base = reader->config};

	if (reader->document.event == DOCUMENT_MAPPING)
		return read_mapping(reader, &level, "");
	return reader->document.is_null || refuse(reader, "", "expected lines of \"key: value\"");
}

static bool read_text(struct reader *reader)
{
	bool is_read;

	if (!document_open(&reader->document, reader->text))
		return refuse(reader, "", "out of memory");
	is_read = advance(reader) && (reader->document.event == DOCUMENT_END ||
				      (read_document(reader) && advance(reader)));
	document_close(&reader->document);
	return is_read;
}

bool config_parse(struct config *config, enum config_text kind, const char *name, struct slice text,
		  char *error)
{
	struct reader reader = {
		.document.place = {1, 1},
		.config = config,
		.kind = kind,
		.name = name,
		.text = text,
		.error = error,
	};
	char problem[SETTING_ERROR_MAX];

	*config = config_default;
	*error = '\0';
	if (text.length > CONFIG_PRINTED_MAX)
		return refuse(&reader, "", "too large");
	reader.is_of_sentry = kind == CONFIG_TEXT_FILE && sentry_recognise(text);
	if (!read_text(&reader))
		return false;
	if (reader.is_of_sentry && !sentry_settle(&reader.sentry, config, problem))
		return refuse(&reader, "host", problem);
	warn(&reader);
	return true;
}
