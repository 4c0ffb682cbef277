/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/web/statistics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

#define NAMES_MAX      256
#define STREAM_MAX     256
#define NAMES_OF_QUERY ","
#define NAMES_OF_LIST  "\n" /* of a configuration */

/* Names, each once, in the order in which they were first asked for. */
struct names {
	const char *name[NAMES_MAX];
	uint32_t count;
	char of_config[CONFIG_LIST_MAX];
	char of_query[HTTP_LINE_MAX];
};

/* What a request asks for, with its defaults. */
struct question {
	bool has_stream;
	char stream[STREAM_MAX];
	uint32_t index; /* of the stream, or STREAMS_ALL */
	uint32_t count;
	struct names names;
};

int statistics_refuse(struct json *json, int status, const char *error)
{
	json_init(json, json->text, json->size);
	json_open_object(json, NULL);
	json_add_string(json, "error", error);
	json_close_object(json);
	return status;
}

static int refuse_name(struct json *json, const char *what, const char *name)
{
	char error[128];

	snprintf(error, sizeof(error), "%s: %.80s", what, name);
	return statistics_refuse(json, 400, error);
}

static bool has_name(const struct names *names, const char *name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (!strcasecmp(names->name[i], name))
			return true;
	return false;
}

/* Cuts text at the separators; empty names are none. False when there are too many. */
static bool add_names(struct names *names, char *text, const char *separators)
{
	char *rest;

	for (char *name = strtok_r(text, separators, &rest); name;
	     name = strtok_r(NULL, separators, &rest)) {
		if (has_name(names, name))
			continue;
		if (names->count == NAMES_MAX)
			return false;
		names->name[names->count++] = name;
	}
	return true;
}

static bool read_names(struct names *names, const char *defaults,
		       const struct http_request *request)
{
	snprintf(names->of_config, sizeof(names->of_config), "%s", defaults);
	if (http_query(request, "more", names->of_query, sizeof(names->of_query)) == -EINVAL)
		return false;
	return add_names(names, names->of_config, NAMES_OF_LIST) &&
	       add_names(names, names->of_query, NAMES_OF_QUERY);
}

static int read_stream(struct question *question, const struct streams *streams,
		       const struct http_request *request, struct json *json)
{
	int length = http_query(request, "stream", question->stream, sizeof(question->stream));
	int index;

	question->index = STREAMS_ALL;
	question->has_stream = length > 0;
	if (length == -EINVAL)
		return statistics_refuse(json, 400, "stream: malformed");
	if (!question->has_stream)
		return 200;
	index = streams_find(streams, question->stream);
	if (index < 0)
		return statistics_refuse(json, 404, "stream: unknown");
	question->index = (uint32_t)index;
	return 200;
}

static int read_count(struct question *question, uint32_t usual, const struct http_request *request,
		      struct json *json)
{
	char text[8];
	int length = http_query(request, "n", text, sizeof(text));
	uint32_t count = 0;

	question->count = usual < STATISTICS_ITEMS_MAX ? usual : STATISTICS_ITEMS_MAX;
	if (length == -ENOENT)
		return 200;
	for (int i = 0; i < length && count <= STATISTICS_ITEMS_MAX; i++)
		count = text[i] >= '0' && text[i] <= '9' ? count * 10 + (uint32_t)(text[i] - '0')
							 : STATISTICS_ITEMS_MAX + 1;
	if (!count || count > STATISTICS_ITEMS_MAX)
		return statistics_refuse(json, 400, "n: must be a number from 1 to 1000");
	question->count = count;
	return 200;
}

static void add_stream(struct json *json, const struct question *question)
{
	if (question->has_stream)
		json_add_string(json, "stream", question->stream);
	else
		json_add_null(json, "stream");
}

int statistics_counters(struct streams *streams, const struct config_statistics *config,
			const struct http_request *request, struct json *json)
{
	struct question question = {0};
	int status = read_stream(&question, streams, request, json);
	uint64_t value;

	if (status != 200)
		return status;
	if (!read_names(&question.names, config->default_counters, request))
		return statistics_refuse(json, 400, "more: malformed, or too many names");
	json_open_object(json, NULL);
	add_stream(json, &question);
	json_open_object(json, "counters");
	for (uint32_t i = 0; i < question.names.count; i++) {
		const char *name = question.names.name[i];

		if (!streams_counter(streams, question.index, name, &value))
			return refuse_name(json, "no such counter", name);
		json_add_number(json, name, value);
	}
	json_close_object(json);
	json_close_object(json);
	return 200;
}

static void add_items(struct json *json, const char *what, const struct summary_item *items,
		      int count)
{
	json_open_array(json, what);
	for (int i = 0; i < count; i++) {
		json_open_array(json, NULL);
		json_add_string(json, NULL, items[i].text);
		json_add_number(json, NULL, items[i].count);
		json_close_array(json);
	}
	json_close_array(json);
}

/* A table whose lists are always the same ones. */
static const struct listing {
	const char *name;
	enum summary_table table;
	const char *lists[2];
} tables[] = {
	{"tlds", SUMMARY_TLDS, {"hit/query", "hit/response"}},
	{"rcodes", SUMMARY_RCODES, {"hit/query", "hit/response"}},
	{"rrtypes", SUMMARY_TYPES, {"hit/query", "hit/response"}},
};

static void add_table(struct json *json, const struct summary *summary, const struct listing *table,
		      struct summary_item *items, uint32_t count)
{
	json_open_object(json, table->name);
	for (int i = 0; i < 2; i++)
		add_items(json, table->lists[i], items,
			  summary_table(summary, table->table, table->lists[i], items, count));
	json_close_object(json);
}

/* --- clients --- */

/* The addresses of both lists. */
struct clients {
	char text[2 * STATISTICS_ITEMS_MAX][ADDRESS_TEXT_MAX];
	size_t count;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void add_place(struct json *json, const struct geoip *geoip, const char *client)
{
	struct geoip_place place;
	struct address address;

	if (!address_parse(client, &address))
		return;
	geoip_find(geoip, &address, &place);
	json_open_object(json, client);
	json_add_string(json, "country", place.country);
	json_add_string(json, "city", place.city);
	if (place.as_number)
		json_add_number(json, "as-number", place.as_number);
	else
		json_add_null(json, "as-number");
	json_add_string(json, "as-name", place.as_name);
	json_close_object(json);
}

static void add_places(struct json *json, const struct geoip *geoip, struct clients *clients)
{
	qsort(clients->text, clients->count, sizeof(clients->text[0]), by_text);
	json_open_object(json, "places");
	for (size_t i = 0; i < clients->count; i++)
		if (!i || strcmp(clients->text[i], clients->text[i - 1]) != 0)
			add_place(json, geoip, clients->text[i]);
	json_close_object(json);
}

static void add_clients(struct json *json, const struct summary *summary, const struct geoip *geoip,
			struct summary_item *items, uint32_t count)
{
	static const char *const lists[] = {"hit/ip", "length/ip"};
	struct clients *clients = xcalloc(1, sizeof(*clients));

	json_open_object(json, "clients");
	for (int i = 0; i < 2; i++) {
		int found = summary_table(summary, SUMMARY_CLIENTS, lists[i], items, count);

		add_items(json, lists[i], items, found);
		for (int k = 0; k < found; k++)
			snprintf(clients->text[clients->count++], ADDRESS_TEXT_MAX, "%.*s",
				 ADDRESS_TEXT_MAX - 1, items[k].text);
	}
	if (geoip)
		add_places(json, geoip, clients);
	json_close_object(json);
	free(clients);
}

/* --- tables --- */

/* Of names, and of their registered domains: returns how many, or -ENOENT. */
static int find_domains(const struct summary *summary, const char *what, struct summary_item *items,
			uint32_t count)
{
	if (!strcmp(what, "registered/query"))
		return summary_table(summary, SUMMARY_REGISTERED, "hit/query", items, count);
	if (!strcmp(what, "registered/response"))
		return summary_table(summary, SUMMARY_REGISTERED, "hit/response", items, count);
	return summary_table(summary, SUMMARY_DOMAINS, what, items, count);
}

static int add_domains(struct json *json, const struct summary *summary,
		       const struct question *question, struct summary_item *items)
{
	json_open_object(json, "domains");
	for (uint32_t i = 0; i < question->names.count; i++) {
		const char *what = question->names.name[i];
		int found = find_domains(summary, what, items, question->count);

		if (found < 0)
			return refuse_name(json, "no such table of names", what);
		add_items(json, what, items, found);
	}
	json_close_object(json);
	return 200;
}

int statistics_tables(const struct web_host *host, const struct http_request *request,
		      struct summary_item *items, struct json *json)
{
	const struct config_statistics *config = &host->config->statistics;
	struct question question = {0};
	const struct summary *summary;
	int status = read_stream(&question, host->streams, request, json);

	if (status == 200)
		status = read_count(&question, config->max_items, request, json);
	if (status != 200)
		return status;
	if (!read_names(&question.names, config->default_tables, request))
		return statistics_refuse(json, 400, "more: malformed, or too many names");
	summary = streams_summary(host->streams, question.index);
	json_open_object(json, NULL);
	add_stream(json, &question);
	json_open_object(json, "tables");
	add_table(json, summary, &tables[0], items, question.count);
	status = add_domains(json, summary, &question, items);
	if (status != 200)
		return status;
	add_clients(json, summary, host->geoip, items, question.count);
	for (size_t i = 1; i < sizeof(tables) / sizeof(tables[0]); i++)
		add_table(json, summary, &tables[i], items, question.count);
	json_close_object(json);
	json_close_object(json);
	return 200;
}

int statistics_streams(const struct streams *streams, struct json *json)
{
	uint32_t count = streams_count(streams);

	json_open_object(json, NULL);
	json_open_array(json, "streams");
	for (uint32_t i = 0; i < count; i++)
		json_add_string(json, NULL, streams_name(streams, i));
	json_close_array(json);
	json_close_object(json);
	return 200;
}
