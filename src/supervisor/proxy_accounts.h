/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "ipc/proxy_figures.h"
#include "ipc/proxy_summary.h"

/* What the proxies of all workers tell, also of those not wanted any more, and an order to them. */
struct supervisor;

/* Begins a summary, which is the caller's to end; with_names: and sorts names. */
void proxy_accounts_sum_up(const struct supervisor *supervisor, struct proxy_summary *summary,
			   bool with_names);

/* Sentry's metrics of it: PROXY_FIGURES_MAX. Returns how many. */
uint32_t proxy_accounts_figures(const struct supervisor *supervisor,
				const struct proxy_summary *summary, struct proxy_figure *figures);

/* Queries per second, over the last ten; tell it once a second or more often. */
void proxy_accounts_tell_rate(struct supervisor *supervisor);
double proxy_accounts_rate(const struct supervisor *supervisor);

/*
 * Orders all caches to flush a name, as it is written, and all below it; NULL: all. Workers follow
 * by themselves (ipc/cache_flush.h). NULL, or one line that says why not.
 */
#define PROXY_FLUSH_SECONDS 1 /* then they have */
const char *proxy_accounts_flush(struct supervisor *supervisor, const char *name);
