/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "aggregator/outputs/output.h"

/*
 * Whether an output can take records now: in its account, and told to the operator when it changes,
 * but a failure at most once in ten seconds. All zero at the start: nothing was told yet.
 */
#define CONDITION_TEXT_MAX 160

struct condition {
	bool is_up, is_set;
	bool is_told_up, is_told;
	int64_t failed_ns; /* when a failure was told last, monotonic */
	char text[CONDITION_TEXT_MAX];
};

/* format makes what is told: "connected to ...", "lost: ...". A change to down counts as a failure,
 * and so does each further call while it is down. */
void condition_set(struct condition *condition, const struct output *output, bool is_up,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Tells what had to wait. Once a second. */
void condition_tick(struct condition *condition, const struct output *output, int64_t now_ns);
