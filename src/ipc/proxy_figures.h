/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/ledger.h"
#include "ipc/proxy_summary.h"

/*
 * The metrics of spec/sentry.md 6, under Sentry's names and in the order of its table: sorted by
 * name, then a class of rules each, in the order in which the configuration first has them. Only
 * what has happened is among them.
 */
#define PROXY_FIGURES_MAX      24
#define PROXY_FIGURES_TEXT_MAX 32

struct proxy_figure {
	const char *name; /* borrowed, stays */
	bool is_count;
	uint64_t count;
	double value; /* when it is none */
};

/* Returns how many there are. ledger: of all workers. */
uint32_t proxy_figures_make(const struct proxy_summary *summary, const struct ledger *ledger,
			    int64_t uptime_ns, struct proxy_figure *figures);

/* Its value as Sentry prints it, with 12 digits at most; returns text[PROXY_FIGURES_TEXT_MAX]. */
const char *proxy_figures_format(const struct proxy_figure *figure, char *text);
