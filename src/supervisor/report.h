/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "ipc/ledger.h"

/* The lines of spec/dnsflow.md section 9 about what all workers together did. */

/* Packets captured and, live, what the kernel counted. */
void report_log_packets(const struct ledger *ledger, bool is_live);

/* One line for each identity that does not add up: a loss without a reason, which is a bug. */
void report_log_missing(const struct ledger *ledger, bool is_live);

/* Records and datagrams. */
void report_log_records(const struct ledger *ledger);

/* Every loss that is not zero. is_verbose: every counter that is not zero. */
void report_log_counters(const struct ledger *ledger, bool is_verbose);
