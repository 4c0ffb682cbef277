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
