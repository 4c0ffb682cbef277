/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "base/json.h"

/*
 * What dnsflowctl shows, each as one JSON object. Keys stay, more may come. Numbers of packets,
 * records and so on count since the start of the run; "bytes" and "_seconds" are in names.
 */
struct supervisor;
typedef void (*status_fn)(struct supervisor *supervisor, struct json *json);

/* The run and its workers: who does what, and how evenly. */
void status_format(struct supervisor *supervisor, struct json *json);

/* Every counter: of each worker, in the order of their numbers, also of those not wanted any more;
 * and in total. */
void status_format_stats(struct supervisor *supervisor, struct json *json);

/* The lines of ipc/ledger.h, in total and for each worker. */
void status_format_ledger(struct supervisor *supervisor, struct json *json);

/* The file, and what was skipped in this run. */
void status_format_quarantine(struct supervisor *supervisor, struct json *json);
