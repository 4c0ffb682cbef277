/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goes along libyaml's events and refuses the first that does not belong, so that no text can make
 * it nest, expand or keep anything.
 *
 * YAML knows characters, a file name any bytes. A byte that is no part of a character which YAML
 * prints is written as the character U+EF00 + byte, of a private use area, and read as that byte.
 */
#include "config/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/utf8.h"
#include "config/schema.h"

struct reader {
	yaml_parser_t yaml;
	yaml_event_t event; /* the current one, ours to delete */
	struct config *config;
	enum config_text kind;
	const char *name;
	struct slice text;
	bool is_given[SETTINGS_MAX]; /* by the index of the setting */
	char *error;
};

static bool refuse_at(struct reader *reader, yaml_mark_t at, const char *key, const char *problem)
{
	snprintf(reader->error, CONFIG_ERROR_MAX, "%.160s:%zu:%zu: %.64s%s%.220s", reader->name,
		 at.line + 1, at.column + 1, key, *key ? ": " : "", problem);
	for (char *c = reader->error; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return false;
}

static bool refuse(struct reader *reader, const char *key, const char *problem)
{
	return refuse_at(reader, reader->event.start_mark, key, problem);
}

/* For bytes that are no character libyaml gives an offset only. */
static yaml_mark_t mark_of_offset(struct slice text, size_t offset)
{
	yaml_mark_t mark = {.index = offset};

	for (size_t i = 0; i < offset && i < text.length; i++) {
		mark.column += (text.data[i] & 0xc0) != 0x80;
		if (text.data[i] == '\n') {
			mark.column = 0;
			mark.line++;
		}
	}
	return mark;
}

/* libyaml often notices a mistake lines behind it, and knows where the construct began. */
static bool refuse_syntax(struct reader *reader)
{
	const yaml_parser_t *yaml = &reader->yaml;
	yaml_mark_t at = yaml->problem_mark;
	char problem[SETTING_ERROR_MAX];

	if (yaml->error == YAML_READER_ERROR)
		at = mark_of_offset(reader->text, yaml->problem_offset);
	if (!yaml->context || yaml->context_mark.line == at.line)
		return refuse_at(reader, at, "", yaml->problem ? yaml->problem : "out of memory");
	snprintf(problem, sizeof(problem), "%s, %s that began in line %zu", yaml->problem,
		 yaml->context, yaml->context_mark.line + 1);
	return refuse_at(reader, at, "", problem);
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

/* Takes the next event; false when there is none that may stand anywhere. */
static bool advance(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->yaml, &reader->event))
		return refuse_syntax(reader);
	return is_simple(&reader->event) ||
	       refuse(reader, "", "anchors, aliases and tags have no use here");
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
	char *text = (char *)reader->event.data.scalar.value;

	if (strlen(text) != reader->event.data.scalar.length) {
		refuse(reader, key, "has a NUL byte");
		return NULL;
	}
	unwrap_bytes(text);
	return text;
}

static bool is_null(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;

	return event->type == YAML_SCALAR_EVENT && event->data.scalar.plain_implicit &&
	       (!*text || !strcmp(text, "~") || !strcmp(text, "null"));
}

static bool refuse_key(struct reader *reader, const char *key)
{
	const struct setting *near = schema_find_near(key);
	char problem[SETTING_ERROR_MAX];

	snprintf(problem, sizeof(problem), "unknown key%s%s%s", near ? " (did you mean " : "",
		 near ? near->name : "", near ? "?)" : "");
	return refuse(reader, key, problem);
}

static bool read_key(struct reader *reader, const struct setting **setting)
{
	const char *key;

	if (reader->event.type != YAML_SCALAR_EVENT)
		return refuse(reader, "", "a key is one word");
	key = scalar_text(reader, "");
	if (!key)
		return false;
	*setting = schema_find(key);
	if (!*setting || ((*setting)->is_private && reader->kind == CONFIG_TEXT_FILE))
		return refuse_key(reader, key);
	if (reader->is_given[*setting - settings])
		return refuse(reader, key, "is given twice");
	reader->is_given[*setting - settings] = true;
	return true;
}

static bool read_scalar(struct reader *reader, const struct setting *setting)
{
	char problem[SETTING_ERROR_MAX];
	const char *value;

	if (reader->event.type != YAML_SCALAR_EVENT)
		return refuse(reader, setting->name, "holds more than a value can");
	value = scalar_text(reader, setting->name);
	if (!value)
		return false;
	if (is_null(&reader->event) || (!*value && setting->kind != SETTING_TEXT))
		return refuse(reader, setting->name, "has no value");
	return setting_parse(reader->config, setting, value, problem) ||
	       refuse(reader, setting->name, problem);
}

static bool read_value(struct reader *reader, const struct setting *setting)
{
	if (reader->event.type != YAML_SEQUENCE_START_EVENT || !setting_is_list(setting))
		return read_scalar(reader, setting);
	while (advance(reader)) {
		if (reader->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		if (!read_scalar(reader, setting))
			return false;
	}
	return false;
}

static bool read_mapping(struct reader *reader)
{
	const struct setting *setting = NULL;

	while (advance(reader)) {
		if (reader->event.type == YAML_MAPPING_END_EVENT)
			return true;
		if (!read_key(reader, &setting) || !advance(reader) || !read_value(reader, setting))
			return false;
	}
	return false;
}

/* The current event is the first of the document: a mapping, or nothing. */
static bool read_document(struct reader *reader)
{
	if (reader->event.type == YAML_MAPPING_START_EVENT)
		return read_mapping(reader);
	return is_null(&reader->event) || refuse(reader, "", "expected lines of \"key: value\"");
}

static bool read_stream(struct reader *reader)
{
	if (!advance(reader) || !advance(reader)) /* the start; then a document, or the end */
		return false;
	if (reader->event.type == YAML_STREAM_END_EVENT)
		return true;
	if (!advance(reader) || !read_document(reader) || !advance(reader) || !advance(reader))
		return false;
	return reader->event.type == YAML_STREAM_END_EVENT ||
	       refuse(reader, "", "a second document has no use here");
}

bool config_parse(struct config *config, enum config_text kind, const char *name, struct slice text,
		  char *error)
{
	struct reader reader = {
		.config = config, .kind = kind, .name = name, .text = text, .error = error};
	bool is_read;

	*config = config_default;
	if (text.length > CONFIG_PRINTED_MAX)
		return refuse(&reader, "", "too large");
	if (!yaml_parser_initialize(&reader.yaml))
		return refuse(&reader, "", "out of memory");
	yaml_parser_set_encoding(&reader.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.yaml, text.data, text.length);
	is_read = read_stream(&reader);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.yaml);
	return is_read;
}

static void print_quoted(FILE *out, const char *text)
{
	size_t length;

	fputc('"', out);
	for (const uint8_t *at = (const uint8_t *)text; *at; at += length ? length : 1) {
		length = utf8_plain_length(at);
		if (length)
			fwrite(at, 1, length, out);
		else
			fprintf(out, *at < 0x80 ? "\\x%02x" : "\\uef%02x", *at);
	}
	fputc('"', out);
}

static void print_value(FILE *out, const struct config *config, const struct setting *setting,
			uint32_t index)
{
	char value[CONFIG_TEXT_MAX];

	setting_format(config, setting, index, value);
	if (setting->kind == SETTING_TEXT || setting->kind == SETTING_DESTINATIONS)
		print_quoted(out, value);
	else
		fputs(value, out);
}

static void print_setting(FILE *out, const struct config *config, const struct setting *setting)
{
	const uint32_t count = setting_count(config, setting);
	const bool is_list = setting_is_list(setting);

	if (!count && !is_list)
		return;
	fprintf(out, "%s:%s", setting->name, count ? "" : " []");
	for (uint32_t i = 0; i < count; i++) {
		fputs(is_list ? "\n  - " : " ", out);
		print_value(out, config, setting, i);
	}
	fputc('\n', out);
}

int config_print(const struct config *config, enum config_text kind, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	long length;

	if (!out)
		return -errno;
	for (size_t i = 0; i < settings_count; i++)
		if (!settings[i].is_private || kind == CONFIG_TEXT_HANDED_OVER)
			print_setting(out, config, &settings[i]);
	fflush(out);
	length = ferror(out) ? -ENOSPC : ftell(out);
	fclose(out);
	return length >= (long)size ? -ENOSPC : (int)length;
}

const char *config_library_version(void)
{
	return yaml_get_version_string();
}
