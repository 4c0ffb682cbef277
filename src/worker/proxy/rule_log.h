/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "rules/ruleset.h"
#include "worker/proxy/client.h"

/* Lines that rules want to be logged (spec/sentry.md 2), at most so many in a second. */
struct rule_log {
	uint32_t lines_most; /* in a second */
	uint32_t lines;	     /* in this one */
	int64_t second;
	uint64_t left_out; /* since the last line that told of them */
};

/* For what a query met on its way. name: of its question, wire form. Returns how many lines were
 * left out. */
uint32_t rule_log_write(struct rule_log *log, const struct ruleset *ruleset,
			const struct ruleset_verdict *verdict, const uint8_t *name,
			const struct client *client, int64_t now_ns);
