/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "ipc/proxy_stats.h"

/* What the proxies of all workers tell, together. */

struct proxy_summary_rule {
	const char *text; /* not terminated by NUL: */
	uint32_t length;
	uint64_t hits;
};

struct proxy_summary_name {
	uint64_t count;
	struct proxy_name name; /* a valid one */
};

struct proxy_summary {
	struct proxy_traffic_stats traffic;
	uint64_t tried, untouched;
	uint32_t upstream_count;
	struct proxy_upstream_stats upstreams[PROXY_UPSTREAMS_MAX];
	uint32_t rule_count;
	struct proxy_summary_rule
		*rules; /* in the order of the configuration, which they point into */
	uint32_t name_count, name_room;
	struct proxy_summary_name *names; /* once finished: those that were asked for most first */
};

/* Of a configuration, which must stay. Zeroed members; out of memory ends the process. */
void proxy_summary_init(struct proxy_summary *summary, const struct config *config);
void proxy_summary_fini(struct proxy_summary *summary);

/* Adds what one worker tells, which it may be changing: copies are checked. */
void proxy_summary_add(struct proxy_summary *summary, const struct proxy_stats *stats, size_t size);

/* After the last: joins and sorts names. */
void proxy_summary_finish(struct proxy_summary *summary);
