/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/show_proxy.h"

#include <inttypes.h>

#include "tools/ctl/member.h"
#include "tools/ctl/table.h"

#define NUMBER_MAX 32

static void show_addresses(const json_t *proxy, FILE *out)
{
	const json_t *addresses = json_object_get(proxy, "addresses"), *address;
	size_t i;

	fputs("proxy:", out);
	json_array_foreach (addresses, i, address)
		fprintf(out, " %s", json_is_string(address) ? json_string_value(address) : "");
	fprintf(out, "; names are %ssteered to workers\n",
		is_true(proxy, "is_steered") ? "" : "not ");
	if (*text_of(proxy, "degraded"))
		fprintf(out, "degraded: %s\n", text_of(proxy, "degraded"));
}

static void show_cache(const json_t *cache, FILE *out)
{
	if (!json_is_object(cache)) {
		fputs("cache: none\n", out);
		return;
	}
	fprintf(out,
		"cache: %" PRId64 " answers in %" PRId64 " of %" PRId64 " KiB; %" PRId64
		" hits, %" PRId64 " stale ones, %" PRId64 " misses\n",
		number_of(cache, "entries"), number_of(cache, "bytes") / 1024,
		number_of(cache, "bytes_most") / 1024, number_of(cache, "hits"),
		number_of(cache, "stale_hits"), number_of(cache, "misses"));
}

static void show_lists(const json_t *lists, FILE *out)
{
	const json_t *list;
	size_t i;

	if (!json_array_size(lists))
		return;
	fputs("lists:", out);
	json_array_foreach (lists, i, list) {
		const char *kept = text_of(list, "kept");

		fprintf(out, "%s %s with %" PRId64 " names%s%s%s", i ? "," : "",
			text_of(list, "name"), number_of(list, "entries"), *kept ? " (kept: " : "",
			kept, *kept ? ")" : "");
	}
	fputc('\n', out);
}

void show_proxy(const json_t *proxy, FILE *out)
{
	show_addresses(proxy, out);
	fprintf(out, "queries: %.1f a second; TCP connections: %" PRId64 "\n",
		json_number_value(json_object_get(proxy, "queries_per_second")),
		number_of(proxy, "tcp_connections"));
	show_cache(json_object_get(proxy, "cache"), out);
	show_lists(json_object_get(proxy, "lists"), out);
}

/* Milliseconds, as the table aligns them; "-" when nothing was answered yet. */
static void add_latency(struct table *table, const json_t *latency)
{
	char text[NUMBER_MAX];

	snprintf(text, sizeof(text), json_is_number(latency) ? "%.1f" : "-",
		 json_number_value(latency));
	table_add_text(table, text);
}

void show_upstreams(const json_t *upstreams, FILE *out)
{
	static const char *const keys[] = {"queries",  "answers",   "errors",	 "timeouts",
					   "failures", "wrong_ids", "backed_off"};
	const json_t *upstream;
	struct table table;
	size_t i;

	if (!json_array_size(upstreams))
		return;
	table_init(&table,
		   "upstream queries answers errors timeouts failures wrong-ids backed-off ms");
	json_array_foreach (upstreams, i, upstream) {
		table_add_text(&table, text_of(upstream, "upstream"));
		for (size_t key = 0; key < sizeof(keys) / sizeof(keys[0]); key++)
			table_add_number(&table, number_of(upstream, keys[key]));
		add_latency(&table, json_object_get(upstream, "latency_milliseconds"));
	}
	fputc('\n', out);
	table_print(&table, out);
	table_fini(&table);
}

void show_rules(const json_t *reply, FILE *out)
{
	const json_t *rules = json_object_get(reply, "rules"), *rule;
	struct table table;
	size_t i;

	table_init(&table, "number hits effect rule");
	json_array_foreach (rules, i, rule) {
		table_add_number(&table, number_of(rule, "number"));
		table_add_number(&table, number_of(rule, "hits"));
		table_add_text(&table, is_true(reply, "is_dry_run") ? "dry-run"
				       : is_true(rule, "is_shadow") ? "shadow"
								    : "yes");
		table_add_text(&table, text_of(rule, "rule"));
	}
	table_print(&table, out);
	table_fini(&table);
	fprintf(out, "\n%" PRId64 " of %" PRId64 " queries: no rule decided\n",
		number_of(reply, "undecided"), number_of(reply, "queries"));
}

void show_flush(const json_t *reply, FILE *out)
{
	const char *name = text_of(reply, "name");

	fprintf(out, "%s%s forgotten within %" PRId64 " s\n", *name ? name : "All answers",
		*name ? " and all below it are" : " are", number_of(reply, "within_seconds"));
}
