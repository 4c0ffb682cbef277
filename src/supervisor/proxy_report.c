/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/proxy_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/grid.h"
#include "base/log.h"
#include "base/memory.h"
#include "ipc/memory.h"
#include "ipc/proxy_summary.h"
#include "rules/rule.h"
#include "supervisor/accounts.h"
#include "supervisor/supervisor.h"

#define CELL_MAX    64
#define NAMES_MOST  100
#define NS_PER_MS   1e6
#define CLASSES_MAX 8

/* A table that is being made. */
struct sheet {
	struct grid_row rows[NAMES_MOST + 1];
	size_t count;
	char names[NAMES_MOST + 1][DNS_NAME_TEXT_MAX + 1];
	char values[NAMES_MOST + 1][CELL_MAX];
};

static void sheet_add(struct sheet *sheet, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void sheet_add(struct sheet *sheet, const char *name, const char *format, ...)
{
	va_list arguments;

	if (sheet->count == NAMES_MOST + 1)
		return;
	snprintf(sheet->names[sheet->count], sizeof(sheet->names[0]), "%s", name);
	va_start(arguments, format);
	vsnprintf(sheet->values[sheet->count], CELL_MAX, format, arguments);
	va_end(arguments);
	sheet->rows[sheet->count] =
		(struct grid_row){sheet->names[sheet->count], sheet->values[sheet->count]};
	sheet->count++;
}

static void sheet_add_count(struct sheet *sheet, const char *name, uint64_t value)
{
	sheet_add(sheet, name, "%" PRIu64, value);
}

/* A line of the log for each of the table. */
static void sheet_log(const struct sheet *sheet, const char *title)
{
	size_t size = grid_format(sheet->rows, sheet->count, NULL, 0) + 1;
	char *text = xmalloc(size), *rest = text, *line;

	grid_format(sheet->rows, sheet->count, text, size);
	log_info("%s", title);
	while ((line = strsep(&rest, "\n")))
		log_info("%s", line);
	free(text);
}

/* From average to least, as Sentry sorts them. */
static void sheet_add_times(struct sheet *sheet, const struct proxy_traffic_stats *traffic)
{
	if (!traffic->responses)
		return;
	sheet_add(sheet, "response_time_msec_avg", "%.12g",
		  (double)traffic->response_ns_sum / (double)traffic->responses / NS_PER_MS);
	sheet_add(sheet, "response_time_msec_max", "%.12g",
		  (double)traffic->response_ns_most / NS_PER_MS);
	sheet_add(sheet, "response_time_msec_min", "%.12g",
		  (double)traffic->response_ns_least / NS_PER_MS);
}

static void sheet_add_active(struct sheet *sheet, const struct proxy_traffic_stats *traffic)
{
	if (!traffic->samples)
		return;
	sheet_add(sheet, "net.active_threads_avg", "%.12g",
		  (double)traffic->active_sum / (double)traffic->samples);
	sheet_add_count(sheet, "net.active_threads_max", traffic->active_most);
	sheet_add_count(sheet, "net.active_threads_min", traffic->active_least);
}

/* How often rules of each class matched, in the order in which classes first come. */
static void sheet_add_classes(struct sheet *sheet, const struct proxy_summary *summary)
{
	struct {
		const char *name;
		uint64_t hits;
	} classes[CLASSES_MAX] = {0};
	struct rule *rule = xmalloc(sizeof(*rule));
	char text[RULE_TEXT_MAX], error[RULE_ERROR_MAX];

	for (uint32_t i = 0; i < summary->rule_count; i++) {
		uint32_t at = 0;

		snprintf(text, sizeof(text), "%.*s", (int)summary->rules[i].length,
			 summary->rules[i].text);
		if (!summary->rules[i].hits || !rule_parse(text, rule, error))
			continue;
		while (at < CLASSES_MAX - 1 && classes[at].name &&
		       strcmp(classes[at].name, rule_class_name(rule)) != 0)
			at++;
		classes[at].name = rule_class_name(rule);
		classes[at].hits += summary->rules[i].hits;
	}
	free(rule);
	for (uint32_t i = 0; i < CLASSES_MAX && classes[i].name; i++)
		sheet_add_count(sheet, classes[i].name, classes[i].hits);
}

static void log_system(struct supervisor *supervisor, const struct proxy_summary *summary)
{
	const struct proxy_traffic_stats *traffic = &summary->traffic;
	struct sheet *sheet = xcalloc(1, sizeof(*sheet));
	struct ledger ledger;

	accounts_sum_up(supervisor, &ledger);
	sheet_add(sheet, "metric", "value");
	sheet_add_active(sheet, traffic);
	sheet_add_count(sheet, "net.bytes_received", traffic->bytes_received);
	sheet_add_count(sheet, "net.bytes_sent", traffic->bytes_sent);
	sheet_add_count(sheet, "net.packets_received", traffic->packets_received);
	sheet_add_count(sheet, "net.packets_sent", traffic->packets_sent);
	if (ledger_counter(&ledger, COUNTER_PROXY_REFUSED))
		sheet_add_count(sheet, "requests_failed",
				ledger_counter(&ledger, COUNTER_PROXY_REFUSED));
	sheet_add_count(sheet, "requests_pending", ledger.words[STATE_PROXY_WAITING]);
	sheet_add_count(sheet, "requests_total", ledger_counter(&ledger, COUNTER_PROXY_QUERIES));
	sheet_add_times(sheet, traffic);
	sheet_add(sheet, "uptime", "%.12g",
		  (double)(clock_monotonic_ns() - supervisor->started_ns) /
			  (double)NANOSECONDS_PER_SECOND);
	sheet_add_classes(sheet, summary);
	sheet_log(sheet, "system stats:");
	free(sheet);
}

static void log_domains(const struct proxy_summary *summary)
{
	struct sheet *sheet = xcalloc(1, sizeof(*sheet));
	char text[DNS_NAME_TEXT_MAX + 1];

	sheet_add(sheet, "domain", "queries");
	for (uint32_t i = 0; i < summary->name_count && i < NAMES_MOST; i++) {
		name_format(summary->names[i].name.wire, text);
		strcat(text, ".");
		sheet_add_count(sheet, text, summary->names[i].count);
	}
	sheet_log(sheet, "domain stats:");
	free(sheet);
}

/* The memory of a worker that may be at work. */
static void add_worker(struct proxy_summary *summary, const struct lease *lease, size_t size)
{
	void *memory = memory_map(lease->proxy.stats_reader_fd, size, false);

	if (!memory)
		return;
	proxy_summary_add(summary, memory, size);
	munmap(memory, size);
}

static void sum_up(const struct supervisor *supervisor, struct proxy_summary *summary)
{
	const struct config *config = &supervisor->effective->config;

	proxy_summary_init(summary, config);
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		add_worker(summary, &supervisor->seats[i].lease, proxy_stats_size(config));
	proxy_summary_sort_names(summary);
}

void proxy_report_log(struct supervisor *supervisor)
{
	struct proxy_summary *summary = xcalloc(1, sizeof(*summary));

	if (config_has_proxy(&supervisor->effective->config)) {
		sum_up(supervisor, summary);
		log_system(supervisor, summary);
		log_domains(summary);
	}
	proxy_summary_fini(summary);
	free(summary);
}

void proxy_report_print(struct supervisor *supervisor)
{
	struct proxy_summary *summary = xcalloc(1, sizeof(*summary));

	sum_up(supervisor, summary);
	printf("%12s  rule\n", "queries");
	for (uint32_t i = 0; i < summary->rule_count; i++)
		printf("%12" PRIu64 "  %.*s\n", summary->rules[i].hits,
		       (int)summary->rules[i].length, summary->rules[i].text);
	printf("%12" PRIu64 "  no rule decides\n%12" PRIu64 "  queries in all\n",
	       summary->untouched, summary->tried);
	fflush(stdout);
	proxy_summary_fini(summary);
	free(summary);
}
