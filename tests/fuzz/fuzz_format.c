/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An event of any bytes through privacy and all formats: what comes out is printable, JSON for a
 * strict parser, YAML for libyaml, and has the name in it that went in.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "aggregator/outputs/ecs.h"
#include "aggregator/outputs/format.h"
#include "aggregator/outputs/privacy.h"
#include "base/cursor.h"
#include "config/config.h"
#include "config/fields.h"
#include "dns/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct format *formats[3];
static struct privacy *privacy;
static char out[FORMAT_RECORD_MAX];

static void prepare(void)
{
	static const struct config_privacy config = {
		.client_prefix4 = 24, .client_prefix6 = 56, .removes_ecs = true};
	char fields[CONFIG_LIST_MAX] = "", error[CONFIG_ERROR_MAX];
	struct suffixes *suffixes = suffixes_new((struct slice){(const uint8_t *)"com", 3});

	for (int i = 0; i < CONFIG_FIELD_COUNT; i++) {
		strcat(fields, i ? "\n" : "");
		strcat(fields, fields_name((enum config_field)i));
	}
	for (int kind = 0; kind < 3; kind++)
		formats[kind] = format_new((enum output_format)kind, fields, true, suffixes, error);
	privacy = privacy_new(&config, suffixes, error);
}

static int64_t take_time(struct cursor *cursor)
{
	uint64_t upper = cursor_u32(cursor);

	return (int64_t)(upper << 32 | cursor_u32(cursor));
}

static struct slice take_slice(struct cursor *cursor, size_t most)
{
	size_t left = cursor_left(cursor), length = cursor_u8(cursor);

	left -= left ? 1 : 0;
	length = length < left ? length : left;
	length = length < most ? length : most;
	return (struct slice){cursor_take(cursor, length), length};
}

static struct address take_address(struct cursor *cursor)
{
	static const uint8_t versions[] = {0, 4, 6, 6};
	struct address address = {.version = versions[cursor_u8(cursor) % 4]};
	const uint8_t *bytes = cursor_take(cursor, address.version == 4 ? 4 : 16);

	if (bytes && address.version)
		memcpy(address.bytes, bytes, address.version == 4 ? 4 : 16);
	return address;
}

/* A name as it is in the input, or one label of what is there. */
static struct slice take_name(struct cursor *cursor, uint8_t *wire)
{
	struct slice rest = {cursor->at, cursor_left(cursor)};
	size_t length = name_wire_length(rest);

	if (length) {
		memcpy(wire, cursor_take(cursor, length), length);
		return (struct slice){wire, length};
	}
	rest = take_slice(cursor, 63);
	if (!rest.length)
		return (struct slice){NULL, 0};
	wire[0] = (uint8_t)rest.length;
	memcpy(wire + 1, rest.data, rest.length);
	wire[1 + rest.length] = 0;
	return (struct slice){wire, rest.length + 2};
}

static struct event take_event(struct cursor *cursor, uint8_t *wire)
{
	struct event event = {
		.kind = 1 + cursor_u8(cursor) % (EVENT_KIND_END - 1),
		.protocol = 1 + cursor_u8(cursor) % (EVENT_PROTOCOL_END - 1),
		.verdict = cursor_u8(cursor) % EVENT_VERDICT_END,
		.is_unanswered = cursor_u8(cursor) & 1,
		.time_ns = take_time(cursor),
		.latency_ns = take_time(cursor),
		.query_address = take_address(cursor),
		.response_address = take_address(cursor),
		.query_port = cursor_u16(cursor),
		.id = cursor_u16(cursor),
		.flags = cursor_u16(cursor),
		.rcode = cursor_u16(cursor),
		.type = cursor_u16(cursor),
		.class = cursor_u16(cursor),
		.rule = cursor_u16(cursor),
		.length = cursor_u32(cursor),
	};

	event.qname = take_name(cursor, wire);
	event.identity = take_slice(cursor, 255);
	event.message.length = cursor_left(cursor);
	event.message.data = cursor_take(cursor, event.message.length);
	return event;
}

static void copy_text(char *text, size_t size, struct slice bytes)
{
	size_t length = bytes.length < size ? bytes.length : size - 1;

	if (length)
		memcpy(text, bytes.data, length);
	text[length] = '\0';
}

static size_t format_printable(enum output_format kind, const struct event *event,
			       const struct geoip_place *place)
{
	size_t length = format_event(formats[kind], event, place, out);

	assert(length && out[length - 1] == '\n');
	for (size_t i = 0; i < length; i++)
		assert((out[i] >= ' ' && out[i] < 0x7f) || (out[i] == '\n'));
	return length;
}

static void check_text(size_t length)
{
	uint32_t blanks = 0;

	for (size_t i = 0; i < length; i++)
		blanks += out[i] == ' ';
	assert(blanks == CONFIG_FIELD_COUNT - 1);
	assert(memchr(out, '\n', length) == out + length - 1);
}

static void check_name(const char *text, struct slice name)
{
	uint8_t wire[DNS_NAME_MAX], length;

	if (!name.length) {
		assert(!strcmp(text, "-"));
		return;
	}
	assert(name_parse(text, wire, &length));
	assert(length == name.length && !memcmp(wire, name.data, length));
}

static void check_json(size_t length, struct slice name)
{
	json_error_t problem;
	json_t *json = json_loadb(out, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);

	assert(json && json_is_object(json));
	check_name(json_string_value(json_object_get(json, "qname")), name);
	json_decref(json);
}

/* Keys and values are scalars in turn. */
static void check_yaml(size_t length, struct slice name)
{
	const char *before = NULL;
	yaml_document_t document;
	yaml_parser_t parser;
	yaml_node_t *root;

	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, (const unsigned char *)out, length);
	assert(yaml_parser_load(&parser, &document));
	root = yaml_document_get_root_node(&document);
	assert(root && root->type == YAML_MAPPING_NODE);
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(&document, pair->key);
		yaml_node_t *value = yaml_document_get_node(&document, pair->value);

		assert(key->type == YAML_SCALAR_NODE && value->type == YAML_SCALAR_NODE);
		assert(!before || strcmp(before, (char *)key->data.scalar.value) < 0);
		before = (char *)key->data.scalar.value;
		if (!strcmp(before, "qname"))
			check_name((char *)value->data.scalar.value, name);
	}
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
}

static void check_privacy(struct event *event)
{
	struct ecs ecs;

	privacy_apply(privacy, event);
	assert(!ecs_find(event->message, &ecs));
	if (event->query_address.version == 4)
		assert(!event->query_address.bytes[3]);
	if (event->query_address.version == 6)
		assert(!event->query_address.bytes[7]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor cursor = cursor_of((struct slice){data, size});
	struct geoip_place place = {.as_number = (uint32_t)size};
	uint8_t wire[DNS_NAME_MAX];
	struct event event;

	if (!privacy)
		prepare();
	event = take_event(&cursor, wire);
	copy_text(place.country, sizeof(place.country), event.identity);
	copy_text(place.city, sizeof(place.city), event.message);
	copy_text(place.as_name, sizeof(place.as_name), event.qname);
	check_text(format_printable(OUTPUT_TEXT, &event, &place));
	check_json(format_printable(OUTPUT_JSON, &event, &place), event.qname);
	check_yaml(format_printable(OUTPUT_YAML, &event, &place), event.qname);
	check_privacy(&event);
	format_printable(OUTPUT_JSON, &event, NULL);
	return 0;
}
