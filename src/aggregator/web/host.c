/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/web/host.h"

#include "ipc/ledger.h"

void web_host_add_worker(const struct web_host *host, uint32_t worker, struct ledger *ledger)
{
	ledger_add(ledger, host->workers[worker].head, host->workers[worker].watch,
		   host->in_ring ? host->in_ring(host->argument, worker) : 0);
	ledger->events_read += host->words->sources[worker].read;
	ledger->events_damaged += host->words->sources[worker].damaged;
	if (host->events_in_ring)
		ledger->events_in_ring += host->events_in_ring(host->argument, worker);
}

const struct proxy_summary *web_host_sum_up_proxy(const struct web_host *host, bool with_names)
{
	size_t size = proxy_stats_size(host->config), cache_size = proxy_cache_size(host->config);

	proxy_summary_clear(host->proxy);
	for (uint32_t i = 0; i < host->worker_count; i++) {
		const struct proxy_stats *stats = host->workers[i].proxy;

		if (stats)
			proxy_summary_add(host->proxy, stats, size, i < host->config->worker_count);
		if (stats && with_names)
			proxy_summary_add_names(host->proxy, stats, size);
		if (host->workers[i].cache)
			proxy_summary_add_cache(host->proxy, host->workers[i].cache, cache_size);
	}
	proxy_summary_sort_names(host->proxy);
	return host->proxy;
}
