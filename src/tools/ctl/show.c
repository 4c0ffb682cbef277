/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/show.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "tools/ctl/member.h"
#include "tools/ctl/show_proxy.h"
#include "tools/ctl/table.h"

#define WORKERS_MAX   64
#define STATS_COLUMNS 3 /* beside those of workers */
#define TEXT_MAX      2048

static void show_duration(int64_t seconds, FILE *out)
{
	if (seconds >= 86400)
		fprintf(out, "%" PRId64 " d ", seconds / 86400);
	if (seconds >= 3600)
		fprintf(out, "%" PRId64 " h ", seconds / 3600 % 24);
	if (seconds >= 60)
		fprintf(out, "%" PRId64 " min ", seconds / 60 % 60);
	fprintf(out, "%" PRId64 " s", seconds % 60);
}

static void show_aggregator(const json_t *aggregator, FILE *out)
{
	fprintf(out, "aggregator: %s, process %" PRId64 ", restarted %" PRId64 " times\n",
		text_of(aggregator, "state"), number_of(aggregator, "pid"),
		number_of(aggregator, "restarts"));
}

static void show_run(const json_t *reply, FILE *out)
{
	bool is_live = !strcmp(text_of(reply, "input"), "live");
	const char *degraded = text_of(reply, "degraded");

	fprintf(out, "dnsflow %s, process %" PRId64 ", %s, up ", text_of(reply, "version"),
		number_of(reply, "pid"), text_of(reply, "phase"));
	show_duration(number_of(reply, "uptime_seconds"), out);
	if (!strcmp(text_of(reply, "input"), "none"))
		fputs("\ninput: none\n", out);
	else
		fprintf(out, "\ninput: %s\n", text_of(reply, is_live ? "interface" : "read"));
	if (*text_of(reply, "config"))
		fprintf(out, "configuration: %s\n", text_of(reply, "config"));
	if (strcmp(text_of(reply, "reload"), "none") != 0)
		fprintf(out, "reload: %s\n", text_of(reply, "reload"));
	if (is_live)
		fprintf(out, "split: by %s, %s; pairs are %smatched\n", text_of(reply, "split"),
			is_true(reply, "has_ebpf") ? "with eBPF" : "without eBPF",
			is_true(reply, "matches_pairs") ? "" : "not ");
	if (json_is_object(json_object_get(reply, "proxy")))
		show_proxy(json_object_get(reply, "proxy"), out);
	if (json_is_object(json_object_get(reply, "aggregator")))
		show_aggregator(json_object_get(reply, "aggregator"), out);
	if (*degraded)
		fprintf(out, "degraded: %s\n", degraded);
	if (json_array_size(json_object_get(reply, "workers")) > 1)
		fprintf(out, "load: the busiest worker has read %" PRId64 " %% of the mean\n",
			number_of(reply, "largest_share_percent"));
	fputc('\n', out);
}

static void show_status(const json_t *reply, FILE *out)
{
	static const char *const keys[] = {"cpu",
					   "restarts",
					   "deaths_without_progress",
					   "packets_in_ring",
					   "blocks_in_use",
					   "blocks",
					   "packets_read",
					   "records"};
	const json_t *workers = json_object_get(reply, "workers"), *worker;
	struct table table;
	size_t i;

	show_run(reply, out);
	table_init(&table,
		   "worker state pid cpu restarts fruitless in-ring blocks of packets records");
	json_array_foreach (workers, i, worker) {
		table_add_number(&table, number_of(worker, "index"));
		table_add_text(&table, text_of(worker, "state"));
		if (json_is_integer(json_object_get(worker, "pid")))
			table_add_number(&table, number_of(worker, "pid"));
		else
			table_add_text(&table, "-");
		for (size_t key = 0; key < sizeof(keys) / sizeof(keys[0]); key++)
			table_add_number(&table, number_of(worker, keys[key]));
	}
	table_print(&table, out);
	table_fini(&table);
	show_upstreams(json_object_get(json_object_get(reply, "proxy"), "upstreams"), out);
}

/* One column for each worker, when there are several. */
static void init_stats(struct table *table, size_t workers)
{
	char heads[1024];
	size_t length = (size_t)sprintf(heads, "counter total");

	for (size_t i = 0; workers > 1 && i < workers && i < WORKERS_MAX; i++)
		length += (size_t)sprintf(heads + length, " worker-%zu", i);
	sprintf(heads + length, " meaning");
	table_init(table, heads);
}

static void add_counter(struct table *table, const json_t *counter)
{
	const json_t *workers = json_object_get(counter, "workers");

	table_add_text(table, text_of(counter, "name"));
	table_add_number(table, number_of(counter, "total"));
	for (size_t i = 0; i < table->columns - STATS_COLUMNS; i++)
		table_add_number(table, json_integer_value(json_array_get(workers, i)));
	table_add_text(table, text_of(counter, "help"));
}

static void show_stats(const json_t *reply, FILE *out)
{
	const json_t *counters = json_object_get(reply, "counters"), *counter;
	const json_t *filter = json_object_get(reply, "filter");
	struct table table;
	size_t i;

	init_stats(&table,
		   json_array_size(json_object_get(json_array_get(counters, 0), "workers")));
	json_array_foreach (counters, i, counter) {
		if (number_of(counter, "total"))
			add_counter(&table, counter);
	}
	table_print(&table, out);
	table_fini(&table);
	if (filter)
		fprintf(out, "\nfilter: %" PRId64 " packets admitted, %" PRId64 " rejected\n",
			number_of(filter, "admitted"), number_of(filter, "rejected"));
}

/* "90 packets_message, 10 packets_not_dns": what is not zero. */
static void add_parts(struct table *table, const json_t *parts)
{
	char text[TEXT_MAX] = "";
	const json_t *part;
	size_t i, length = 0;

	json_array_foreach (parts, i, part) {
		if (!number_of(part, "value") || length >= sizeof(text))
			continue;
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%" PRId64 " %s",
					   length ? ", " : "", number_of(part, "value"),
					   text_of(part, "name"));
	}
	table_add_text(table, *text ? text : "-");
}

static void show_missing(const json_t *lines, const char *who, FILE *out)
{
	const json_t *line;
	size_t i;

	json_array_foreach (lines, i, line) {
		if (number_of(line, "missing"))
			fprintf(out, "%s%s: %" PRId64 " of %" PRId64 " %s are unaccounted for\n",
				who, text_of(line, "stage"), number_of(line, "missing"),
				number_of(json_object_get(line, "whole"), "value"),
				text_of(line, "unit"));
	}
}

static void show_sum(const json_t *reply, FILE *out)
{
	const json_t *worker;
	char who[32];
	size_t i;

	if (is_true(reply, "adds_up")) {
		fputs("\nEverything adds up.\n", out);
		return;
	}
	fputs("\nIt does not add up:\n", out);
	show_missing(json_object_get(reply, "lines"), "", out);
	show_missing(json_object_get(reply, "outputs"), "output ", out);
	json_array_foreach (json_object_get(reply, "workers"), i, worker) {
		snprintf(who, sizeof(who), "worker-%" PRId64 ": ", number_of(worker, "index"));
		show_missing(json_object_get(worker, "lines"), who, out);
	}
}

static void add_lines(struct table *table, const json_t *lines, const char *what)
{
	const json_t *line, *whole;
	char stage[TEXT_MAX];
	size_t i;

	json_array_foreach (lines, i, line) {
		whole = json_object_get(line, "whole");
		snprintf(stage, sizeof(stage), "%s%s", what, text_of(line, "stage"));
		table_add_text(table, stage);
		table_add_number(table, number_of(whole, "value"));
		table_add_text(table, text_of(line, "unit"));
		table_add_number(table, number_of(line, "missing"));
		add_parts(table, json_object_get(line, "parts"));
	}
}

static void show_ledger(const json_t *reply, FILE *out)
{
	struct table table;

	table_init(&table, "stage in unit missing became");
	add_lines(&table, json_object_get(reply, "lines"), "");
	add_lines(&table, json_object_get(reply, "outputs"), "output ");
	table_print(&table, out);
	table_fini(&table);
	show_sum(reply, out);
}

static void show_quarantine(const json_t *reply, FILE *out)
{
	fprintf(out, "%s: %" PRId64 " bytes\n", text_of(reply, "path"), number_of(reply, "bytes"));
	fprintf(out, "in this run: %" PRId64 " packets quarantined, %" PRId64 " of them not kept\n",
		number_of(reply, "packets"), number_of(reply, "packets_not_kept"));
}

static void show_reload(const json_t *reply, FILE *out)
{
	const json_t *warnings = json_object_get(reply, "warnings"), *warning;
	size_t i;

	json_array_foreach (warnings, i, warning)
		fprintf(out, "%s\n", json_is_string(warning) ? json_string_value(warning) : "");
	fprintf(out, "The configuration was read and is in force%s\n",
		json_array_size(warnings) ? ", with these warnings" : "");
}

void show_reply(enum request_type type, const json_t *reply, FILE *out)
{
	static void (*const shows[])(const json_t *reply, FILE *out) = {
		[REQUEST_STATUS] = show_status, [REQUEST_STATS] = show_stats,
		[REQUEST_LEDGER] = show_ledger, [REQUEST_QUARANTINE] = show_quarantine,
		[REQUEST_FLUSH] = show_flush,	[REQUEST_RULES] = show_rules,
		[REQUEST_RELOAD] = show_reload,
	};

	if (type < sizeof(shows) / sizeof(shows[0]) && shows[type])
		shows[type](reply, out);
}
