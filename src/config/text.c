/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goes along libyaml's events and refuses the first that does not belong, so that no text can make
 * it nest, expand or keep anything.
 *
 * YAML knows characters, a file name any bytes. A byte that is no part of a character which YAML
 * prints is written as the character U+EF00 + byte, of a private use area, and read as that byte.
 */
#include "config/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/outputs.h"
#include "config/schema.h"

struct reader {
	yaml_parser_t yaml;
	yaml_event_t event; /* the current one, ours to delete */
	struct config *config;
	enum config_text kind;
	const char *name;
	struct slice text;
	bool is_foreign; /* of Sentry: what is unknown is left out */
	char left_out[SETTING_ERROR_MAX];
	char *error;
};

/* The settings that a mapping holds. Indices are those of the schema. */
struct level {
	const struct schema *schema;
	void *base;
	bool is_given[SETTINGS_MAX];
	bool is_entered[SETTINGS_MAX]; /* a section, by its first setting */
};

/* Names and values in a line come from the file. */
static void mask_controls(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
}

static bool refuse_at(struct reader *reader, yaml_mark_t at, const char *key, const char *problem)
{
	snprintf(reader->error, CONFIG_ERROR_MAX, "%.160s:%zu:%zu: %.64s%s%.220s", reader->name,
		 at.line + 1, at.column + 1, key, *key ? ": " : "", problem);
	mask_controls(reader->error);
	return false;
}

static void warn_of_foreign(const struct reader *reader)
{
	snprintf(reader->error, CONFIG_ERROR_MAX,
		 "%.160s: taken for a configuration of Sentry: without effect: %.250s",
		 reader->name, reader->left_out);
	mask_controls(reader->error);
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

/* The keys of Sentry, a DNS proxy whose files are read too. */
static const char *const sentry_keys[] = {"host", "port", "rules", "threadpool_size",
					  "resolution_timeout"};
#define SENTRY_KEYS	     (sizeof(sentry_keys) / sizeof(sentry_keys[0]))
#define SENTRY_KEYS_REQUIRED 3

static unsigned int sentry_key(const char *key)
{
	for (unsigned int i = 0; i < SENTRY_KEYS; i++)
		if (!strcmp(sentry_keys[i], key))
			return 1u << i;
	return 0;
}

/* libyaml's time goes with the square of the depth. */
#define DEPTH_MAX 16

/* Leaves out the current event with all that it begins. */
static bool skip_value(struct reader *reader)
{
	int depth = 0;

	do {
		depth += reader->event.type == YAML_SEQUENCE_START_EVENT ||
			 reader->event.type == YAML_MAPPING_START_EVENT;
		depth -= reader->event.type == YAML_SEQUENCE_END_EVENT ||
			 reader->event.type == YAML_MAPPING_END_EVENT;
		if (depth > DEPTH_MAX)
			return refuse(reader, "", "nests too deep");
	} while (depth && advance(reader));
	return !depth;
}

static bool leave_out(struct reader *reader, const char *name)
{
	const size_t length = strlen(reader->left_out);

	snprintf(reader->left_out + length, sizeof(reader->left_out) - length, "%s%s",
		 length ? ", " : "", name);
	return advance(reader) && skip_value(reader);
}

static bool refuse_key(struct reader *reader, const struct level *level, const char *name)
{
	const struct setting *setting;
	char problem[SETTING_ERROR_MAX];

	if (reader->is_foreign)
		return leave_out(reader, name);
	setting = schema_find(level->schema, name);
	if (setting && !setting->is_private)
		return refuse(reader, name, "write the key in its section, without the dot");
	schema_explain(level->schema, name, problem);
	return refuse(reader, name, problem);
}

/* length: of the list that the value is one of. */
static bool read_scalar(struct reader *reader, struct level *level, const struct setting *setting,
			size_t *length)
{
	char problem[SETTING_ERROR_MAX];
	const char *value;

	if (reader->event.type != YAML_SCALAR_EVENT)
		return refuse(reader, setting->name, "holds more than a value can");
	value = scalar_text(reader, setting->name);
	if (!value)
		return false;
	if (is_null(&reader->event) ||
	    (!*value && setting->kind != SETTING_TEXT && setting->kind != SETTING_ESCAPED))
		return refuse(reader, setting->name, "has no value");
	return setting_append(level->base, setting, length, value, problem) ||
	       refuse(reader, setting->name, problem);
}

static bool read_mapping(struct reader *reader, struct level *level, const char *section);

static bool read_output(struct reader *reader)
{
	struct level level = {.schema = &schema_output};
	const yaml_mark_t start = reader->event.start_mark;
	struct config_output *output;
	char problem[SETTING_ERROR_MAX];

	if (reader->event.type != YAML_MAPPING_START_EVENT)
		return refuse(reader, "outputs", "an output is a mapping, with a type");
	output = outputs_add(reader->config);
	if (!output)
		return refuse(reader, "outputs", "there are too many");
	level.base = output;
	if (reader->kind == CONFIG_TEXT_FILE) {
		output->line = (uint32_t)start.line + 1;
		output->column = (uint32_t)start.column + 1;
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
	if (reader->event.type != YAML_SEQUENCE_START_EVENT || !setting_is_list(setting))
		return read_item(reader, level, setting, &length);
	while (advance(reader)) {
		if (reader->event.type == YAML_SEQUENCE_END_EVENT)
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
	if (reader->event.type == YAML_MAPPING_START_EVENT)
		return read_mapping(reader, level, section);
	return is_null(&reader->event) || refuse(reader, section, "holds keys with their values");
}

/* A name with a dot is one of an option: files nest. */
static bool read_entry(struct reader *reader, struct level *level, const char *section)
{
	const struct setting *setting, *first;
	const char *key;
	char name[2 * SETTING_NAME_MAX];
	bool is_no_key;

	if (reader->event.type != YAML_SCALAR_EVENT)
		return refuse(reader, section, "a key is one word");
	key = scalar_text(reader, section);
	if (!key)
		return false;
	snprintf(name, sizeof(name), "%s%s%s", section, *section ? "." : "", key);
	is_no_key = strchr(key, '.') || (reader->is_foreign && sentry_key(name));
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
		if (reader->event.type == YAML_MAPPING_END_EVENT)
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

	if (reader->event.type == YAML_MAPPING_START_EVENT)
		return read_mapping(reader, &level, "");
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

static bool open_yaml(struct reader *reader)
{
	if (!yaml_parser_initialize(&reader->yaml))
		return refuse(reader, "", "out of memory");
	yaml_parser_set_encoding(&reader->yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader->yaml, reader->text.data, reader->text.length);
	return true;
}

static void close_yaml(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	yaml_parser_delete(&reader->yaml);
}

/* Looks at the keys of the outermost mapping: are there those that Sentry cannot do without? */
static bool is_of_sentry(struct reader *reader)
{
	const unsigned int required = (1u << SENTRY_KEYS_REQUIRED) - 1;
	unsigned int found = 0;
	bool is_key = true;
	int depth = 0;

	while ((found & required) != required && depth <= DEPTH_MAX) {
		yaml_event_delete(&reader->event);
		if (!yaml_parser_parse(&reader->yaml, &reader->event) ||
		    reader->event.type == YAML_STREAM_END_EVENT)
			return false;
		switch (reader->event.type) {
		case YAML_MAPPING_START_EVENT:
		case YAML_SEQUENCE_START_EVENT:
			is_key |= !depth++;
			break;
		case YAML_MAPPING_END_EVENT:
		case YAML_SEQUENCE_END_EVENT:
			is_key ^= --depth == 1;
			break;
		case YAML_SCALAR_EVENT:
			if (depth == 1 && is_key)
				found |= sentry_key((const char *)reader->event.data.scalar.value);
			is_key ^= depth == 1;
			break;
		default:
			break;
		}
	}
	return (found & required) == required;
}

/* The number of an escape \uNNNN, or 0 when there is none. */
static unsigned int escaped_unit(struct slice text, size_t at)
{
	unsigned int unit = 0;
	char digits[7] = "";

	if (text.length < 6 || at > text.length - 6)
		return 0;
	memcpy(digits, text.data + at, 6);
	return sscanf(digits, "\\u%4x", &unit) == 1 ? unit : 0;
}

/*
 * JSON writes a character beyond U+FFFF as two escapes, which YAML does not know: makes \UNNNNNNNN
 * of them. Of all else in JSON libyaml knows what it means. Writes into out, which is as long as
 * text, and returns the length.
 */
static size_t join_surrogates(struct slice text, uint8_t *out)
{
	size_t length = 0, at = 0, step;
	char joined[16];

	for (; at < text.length; at += step) {
		const unsigned int high = escaped_unit(text, at);
		const unsigned int low = escaped_unit(text, at + 6);

		if (high >> 10 == 0xd800 >> 10 && low >> 10 == 0xdc00 >> 10) {
			step = 12;
			length += (size_t)sprintf(joined, "\\U%08x",
						  0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff));
			memcpy(out + length - 10, joined, 10);
			continue;
		}
		step = text.data[at] == '\\' && at + 1 < text.length ? 2 : 1;
		memcpy(out + length, text.data + at, step);
		length += step;
	}
	return length;
}

static bool parse_yaml(struct reader *reader)
{
	bool is_read;

	if (reader->kind == CONFIG_TEXT_FILE) {
		if (!open_yaml(reader))
			return false;
		reader->is_foreign = is_of_sentry(reader);
		close_yaml(reader);
	}
	if (!open_yaml(reader))
		return false;
	is_read = read_stream(reader);
	close_yaml(reader);
	return is_read;
}

/* A text that begins with a brace may be JSON. */
static bool parse(struct reader *reader)
{
	uint8_t *joined;
	bool is_read;

	if (!reader->text.length || *reader->text.data != '{')
		return parse_yaml(reader);
	joined = malloc(reader->text.length);
	if (!joined)
		return refuse(reader, "", "out of memory");
	reader->text.length = join_surrogates(reader->text, joined);
	reader->text.data = joined;
	is_read = parse_yaml(reader);
	free(joined);
	return is_read;
}

bool config_parse(struct config *config, enum config_text kind, const char *name, struct slice text,
		  char *error)
{
	struct reader reader = {
		.config = config, .kind = kind, .name = name, .text = text, .error = error};

	*config = config_default;
	*error = '\0';
	if (text.length > CONFIG_PRINTED_MAX)
		return refuse(&reader, "", "too large");
	if (!parse(&reader))
		return false;
	if (*reader.left_out)
		warn_of_foreign(&reader);
	return true;
}

const char *config_library_version(void)
{
	return yaml_get_version_string();
}
