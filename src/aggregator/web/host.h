/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "aggregator/outputs/geoip.h"
#include "aggregator/stats/streams.h"
#include "config/config.h"
#include "ipc/aggregator_state.h"
#include "ipc/proxy_summary.h"
#include "ipc/state.h"

/* What the web shows, all borrowed from the aggregator, and what it may ask of it. */
struct web_host {
	const struct config *config;
	struct streams *streams;
	const struct geoip *geoip; /* NULL: not configured */
	const struct aggregator_words *words;
	struct {
		const struct state_head *head;
		const struct state_watch *watch;
		const struct proxy_stats *proxy; /* NULL: not lent, or of another configuration */
		const void *cache;		 /* the same */
	} workers[CONFIG_WORKERS_MAX];
	uint32_t worker_count;
	struct proxy_summary *proxy; /* of them all, made when it is asked for */
	/* Packets that wait in the ring of a worker. NULL when there is no ring, or nobody knows:
	 * then the ledger has no line of it. */
	uint64_t (*in_ring)(void *argument, uint32_t worker);
	/* Events that wait in the ring of a worker; NULL when no output takes events. */
	uint64_t (*events_in_ring)(void *argument, uint32_t worker);
	/* All statistics begin anew. */
	void (*reset)(void *argument);
	void *argument;
};

struct ledger;

/* Adds a worker to a ledger that began as zero. */
void web_host_add_worker(const struct web_host *host, uint32_t worker, struct ledger *ledger);

/* What the proxies of all workers tell now; with_names: the names that are asked for, sorted. Until
 * the next call. */
const struct proxy_summary *web_host_sum_up_proxy(const struct web_host *host, bool with_names);
