/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/state.h"

/* Sums over workers, and the lines of spec/dnsflow.md section 9 about them. */
struct report {
	uint64_t counters[COUNTER_COUNT];
	struct state_watch watch;
};

void report_add(struct report *report, const struct state_head *head,
		const struct state_watch *watch);

/* Packets captured and, live, what the kernel counted. */
void report_log_packets(const struct report *report, bool is_live);

/* What became of it all: records, datagrams, and every loss that is not zero. is_verbose: every
 * counter that is not zero. */
void report_log_outcome(const struct report *report, bool is_verbose);
