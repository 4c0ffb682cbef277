/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "aggregator/web/host.h"
#include "base/json.h"
#include "ipc/ledger.h"

/* Whether all is well: what is there is looked at once a second, and what changed is remembered. */

/* A number, and since when it is that. */
struct health_mark {
	int64_t value;
	int64_t since_ns;
};

struct health {
	int64_t started_ns; /* monotonic */
	struct health_worker {
		struct health_mark is_behind, read, drops;
		struct health_mark missing[LEDGER_LINES_MAX];
	} workers[CONFIG_WORKERS_MAX];
	struct health_output {
		struct health_mark is_up, dropped;
	} outputs[CONFIG_OUTPUTS_MAX];
};

void health_init(struct health *health, const struct web_host *host, int64_t now_ns);

/* Once a second. */
void health_tick(struct health *health, const struct web_host *host, int64_t now_ns);

/* "status": "ok" or "degraded", with reasons, and the versions of what is linked in. Returns the
 * status of the reply: 200 or 503. */
int health_format(const struct health *health, const struct web_host *host, int64_t now_ns,
		  struct json *json);
