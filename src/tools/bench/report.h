/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "tools/bench/plan.h"
#include "tools/bench/score.h"

/* What is told of a run: Sentry's log lines on standard error, figures on standard output. */

/* "[MM/DD/YYYY HH:MM:SS] [dnsflow.benchmark] INFO: text", in local time. */
void report_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The lines before the run. */
void report_start(const struct plan *plan);

/* Sentry's table, and then a line "name value unit" for each figure. False when they cannot be
 * written. */
bool report_results(const struct plan *plan, const struct score *score);

/*
 * How it goes: one line, which the next one overwrites on a terminal. queries: so far, in the time
 * since the line before.
 */
struct report_progress {
	int64_t elapsed_ns;
	uint64_t queries, failed;
	double rate;
	uint32_t in_flight;
};

void report_progress(const struct report_progress *progress);
