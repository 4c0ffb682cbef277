/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "ipc/cache_counts.h"
#include "ipc/proxy_stats.h"

/*
 * What the proxies of all workers tell, together. Which rules and servers there are is known from
 * the configuration: of what workers write only numbers are taken, and names, once they are
 * checked.
 */

struct proxy_summary_rule {
	const char *text; /* not terminated by NUL: */
	uint32_t length;
	bool is_shadow;
	const char *class_name; /* as Sentry calls it */
	uint64_t hits;
};

struct proxy_summary_upstream {
	char text[UPSTREAM_TEXT_MAX];
	struct proxy_upstream_stats stats; /* of all workers; its identity */
};

struct proxy_summary_name {
	uint64_t count;
	struct proxy_name name; /* a valid one */
};

struct proxy_summary {
	struct proxy_traffic_stats traffic;
	uint64_t judged, undecided;
	uint64_t cache_bytes; /* memory of all parts; 0: there is none */
	struct cache_counts cache;
	uint32_t upstream_count; /* beyond PROXY_UPSTREAMS_MAX they are left out */
	struct proxy_summary_upstream upstreams[PROXY_UPSTREAMS_MAX];
	uint32_t rule_count;
	struct proxy_summary_rule
		*rules; /* in the order of the configuration, which they point into */
	uint32_t name_count, name_room;
	struct proxy_summary_name *names; /* once sorted: those that were asked for most first */
};

/* Of a configuration, which must stay: nothing is counted yet. Out of memory ends the process. */
void proxy_summary_init(struct proxy_summary *summary, const struct config *config);
void proxy_summary_fini(struct proxy_summary *summary);

/* Begins anew. */
void proxy_summary_clear(struct proxy_summary *summary);

/* These add what one worker tells, which it may be changing: copies are checked. is_wanted: else
 * what it said of the moment (connections, outstanding, backed off) is over. */
void proxy_summary_add(struct proxy_summary *summary, const struct proxy_stats *stats, size_t size,
		       bool is_wanted);
void proxy_summary_add_names(struct proxy_summary *summary, const struct proxy_stats *stats,
			     size_t size);
void proxy_summary_add_cache(struct proxy_summary *summary, const void *memory, size_t size);

/* After the last: joins names, and sorts them. */
void proxy_summary_sort_names(struct proxy_summary *summary);
