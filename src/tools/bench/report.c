/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/grid.h"
#include "dns/code.h"

#define TEXT_MAX  2048
#define CELL_MAX  32
#define ROWS_MAX  9
#define LINE_ROOM 2400

static bool is_line_open; /* of progress, on a terminal */

static double ms_of(double ns)
{
	return ns / (double)NANOSECONDS_PER_MILLISECOND;
}

static double seconds_of(int64_t ns)
{
	return (double)ns / (double)NANOSECONDS_PER_SECOND;
}

static void line_write(const char *level, const char *format, va_list arguments)
{
	char text[TEXT_MAX], clock[CELL_MAX], line[LINE_ROOM];
	time_t now = time(NULL);
	struct tm local;
	int length;

	strftime(clock, sizeof(clock), "%m/%d/%Y %H:%M:%S", localtime_r(&now, &local));
	vsnprintf(text, sizeof(text), format, arguments);
	length = snprintf(line, sizeof(line), "%s[%s] [dnsflow.benchmark] %s: %s\n",
			  is_line_open ? "\r\033[K" : "", clock, level, text);
	is_line_open = false;
	if (write(STDERR_FILENO, line, (size_t)length) < 0) {
		/* Nowhere is left to say it. */
	}
}

void report_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line_write("INFO", format, arguments);
	va_end(arguments);
}

void report_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line_write("WARNING", format, arguments);
	va_end(arguments);
}

void report_start(const struct plan *plan)
{
	char address[ADDRESS_TEXT_MAX];

	report_info("starting benchmark");
	report_info("using %u workers", plan->concurrency);
	report_info("benchmarking host: %s port: %u",
		    address_format(&plan->server.address, address), plan->server.port);
	if (plan->limit)
		report_info("limiting run to %" PRIu64 " entries", plan->limit);
	report_info("starting processing...");
}

/* Rows of the table, with the memory of their values. */
struct results {
	struct grid_row rows[ROWS_MAX];
	char values[ROWS_MAX][CELL_MAX];
	size_t count;
};

static void results_add(struct results *results, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void results_add(struct results *results, const char *name, const char *format, ...)
{
	char *value = results->values[results->count];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(value, CELL_MAX, format, arguments);
	va_end(arguments);
	results->rows[results->count++] = (struct grid_row){name, value};
}

/* Spec 7. Floats as Python 2 printed them; times only when there are any. */
static void table_write(const struct score *score)
{
	int64_t seconds = score->elapsed_ns / NANOSECONDS_PER_SECOND;
	struct results results = {0};
	char text[TEXT_MAX];

	seconds = seconds ? seconds : 1;
	results_add(&results, "metric", "value");
	results_add(&results, "elapsed_time_seconds", "%" PRId64, seconds);
	results_add(&results, "queries_failed", "%" PRIu64, score_failed(score));
	results_add(&results, "queries_per_second", "%" PRIu64,
		    score_attempted(score) / (uint64_t)seconds);
	results_add(&results, "queries_successful", "%" PRIu64, score->successful);
	if (score->successful) {
		results_add(&results, "response_time_msec_avg", "%.12g",
			    ms_of((double)score->success_sum_ns / (double)score->successful));
		results_add(&results, "response_time_msec_max", "%.12g",
			    ms_of((double)score->success_most_ns));
		results_add(&results, "response_time_msec_min", "%.12g",
			    ms_of((double)score->success_least_ns));
	}
	results_add(&results, "uptime", "%.12g", seconds_of(score->elapsed_ns));
	grid_format(results.rows, results.count, text, sizeof(text));
	report_info("results: \n%s", text);
}

static void figure_count(const char *name, uint64_t count, const char *unit)
{
	printf("%s %" PRIu64 " %s\n", name, count, unit);
}

/* What waits for its timeout at the end of a run should not make the server look slower. */
static void figure_rate(const char *name, uint64_t count, int64_t ns, const char *unit)
{
	printf("%s %.1f %s\n", name, ns > 0 ? (double)count / seconds_of(ns) : 0, unit);
}

static void figures_of_queries(const struct plan *plan, const struct score *score)
{
	figure_count("queries", score_attempted(score), "queries");
	figure_rate("queries_rate", score_attempted(score) + score->unfinished, score->sending_ns,
		    "queries/s");
	figure_count("queries_timed_out", score->timeouts, "queries");
	if (plan->is_tcp)
		figure_count("queries_lost", score->lost, "queries");
	if (plan->rate)
		figure_count("queries_late", score->late, "queries");
	if (score->unfinished)
		figure_count("queries_unfinished", score->unfinished, "queries");
}

static void figures_of_answers(const struct plan *plan, const struct score *score)
{
	char name[DNS_CODE_TEXT_MAX];

	figure_count("answers", score_answers(score), "answers");
	figure_rate("answers_rate", score_answers(score), score->answering_ns, "answers/s");
	for (uint16_t i = 0; i < SCORE_RCODES; i++)
		if (score->rcodes[i])
			printf("answers_%s %" PRIu64 " answers\n", dns_rcode_name(i, name),
			       score->rcodes[i]);
	figure_count("messages_foreign", score->foreign, "messages");
	if (!plan->is_tcp)
		figure_count("messages_dropped", score->dropped, "messages");
}

static void figures_of_latency(const struct score *score)
{
	static const struct {
		const char *name;
		double quantile;
	} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		printf("latency_%s %.3f ms\n", quantiles[i].name,
		       1e3 * score_quantile(score, quantiles[i].quantile));
}

bool report_results(const struct plan *plan, const struct score *score)
{
	table_write(score);
	printf("elapsed %.3f s\n", seconds_of(score->elapsed_ns));
	figures_of_queries(plan, score);
	figures_of_answers(plan, score);
	if (score_answers(score))
		figures_of_latency(score);
	return fflush(stdout) == 0;
}

void report_progress(const struct report_progress *progress)
{
	bool is_terminal = isatty(STDERR_FILENO);
	char line[LINE_ROOM];
	int length = snprintf(
		line, sizeof(line),
		"%s%.0f s: %" PRIu64 " queries, %.0f queries/s, %" PRIu64 " failed, %u in flight%s",
		is_terminal ? "\r\033[K" : "", seconds_of(progress->elapsed_ns), progress->queries,
		progress->rate, progress->failed, progress->in_flight, is_terminal ? "" : "\n");

	is_line_open = is_terminal;
	if (write(STDERR_FILENO, line, (size_t)length) < 0) {
		/* As above. */
	}
}
