/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/proxy_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grid.h"
#include "base/log.h"
#include "base/memory.h"
#include "supervisor/proxy_accounts.h"
#include "supervisor/supervisor.h"

#define NAMES_MOST 100

/* A table that is being made: heads and a row for each of PROXY_FIGURES_MAX figures, or of names.
 */
struct sheet {
	struct grid_row rows[NAMES_MOST + 1];
	size_t count;
	char names[NAMES_MOST + 1][DNS_NAME_TEXT_MAX];
	char values[NAMES_MOST + 1][PROXY_FIGURES_TEXT_MAX];
};

_Static_assert(PROXY_FIGURES_MAX <= NAMES_MOST, "figures have room in a sheet");

static void sheet_add(struct sheet *sheet, const char *name, const char *value)
{
	size_t at = sheet->count++;

	snprintf(sheet->names[at], sizeof(sheet->names[at]), "%s", name);
	snprintf(sheet->values[at], sizeof(sheet->values[at]), "%s", value);
	sheet->rows[at] = (struct grid_row){sheet->names[at], sheet->values[at]};
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

static void log_system(const struct supervisor *supervisor, const struct proxy_summary *summary)
{
	struct proxy_figure figures[PROXY_FIGURES_MAX];
	uint32_t count = proxy_accounts_figures(supervisor, summary, figures);
	struct sheet *sheet = xcalloc(1, sizeof(*sheet));
	char text[PROXY_FIGURES_TEXT_MAX];

	sheet_add(sheet, "metric", "value");
	for (uint32_t i = 0; i < count; i++)
		sheet_add(sheet, figures[i].name, proxy_figures_format(&figures[i], text));
	sheet_log(sheet, "system stats:");
	free(sheet);
}

static void log_domains(const struct proxy_summary *summary)
{
	struct sheet *sheet = xcalloc(1, sizeof(*sheet));
	char text[DNS_NAME_TEXT_MAX], count[PROXY_FIGURES_TEXT_MAX];

	sheet_add(sheet, "domain", "queries");
	for (uint32_t i = 0; i < summary->name_count && i < NAMES_MOST; i++) {
		name_format_absolute(summary->names[i].name.wire, text);
		snprintf(count, sizeof(count), "%" PRIu64, summary->names[i].count);
		sheet_add(sheet, text, count);
	}
	sheet_log(sheet, "domain stats:");
	free(sheet);
}

void proxy_report_log(struct supervisor *supervisor)
{
	struct proxy_summary *summary;

	if (!config_has_proxy(&supervisor->effective->config))
		return;
	summary = xmalloc(sizeof(*summary));
	proxy_accounts_sum_up(supervisor, summary, true);
	log_system(supervisor, summary);
	log_domains(summary);
	proxy_summary_fini(summary);
	free(summary);
}

void proxy_report_print(struct supervisor *supervisor)
{
	struct proxy_summary *summary = xmalloc(sizeof(*summary));

	proxy_accounts_sum_up(supervisor, summary, false);
	printf("%12s  rule\n", "queries");
	for (uint32_t i = 0; i < summary->rule_count; i++)
		printf("%12" PRIu64 "  %.*s\n", summary->rules[i].hits,
		       (int)summary->rules[i].length, summary->rules[i].text);
	printf("%12" PRIu64 "  no rule decides\n%12" PRIu64 "  queries in all\n",
	       summary->undecided, summary->judged);
	fflush(stdout);
	proxy_summary_fini(summary);
	free(summary);
}
