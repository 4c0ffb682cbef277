/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"
#include "dns/event.h"
#include "ipc/proxy_stats.h"
#include "rules/ruleset.h"

/* A dry run: rules judge captured queries, and do nothing but count, and say what they would have
 * done. */
struct dry_run {
	struct ruleset *ruleset;
	struct proxy_stats *stats;
	uint64_t *hits;
};

/* Compiles the rules, takes over the counts: before the sandbox. NULL, or one line that says what
 * is wrong. */
const char *dry_run_open(struct dry_run *dry_run, const struct config *config);

/* For a query of a client: sets verdict and rule of its event. Seldom wanted: it does not belong
 * into the loop over packets, into which all else is compiled (SOURCE_HOT). */
__attribute__((noinline)) void dry_run_judge(struct dry_run *dry_run, struct event *event);
