/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/proxy_accounts.h"

#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "dns/name.h"
#include "ipc/cache_flush.h"
#include "ipc/memory.h"
#include "supervisor/accounts.h"
#include "supervisor/supervisor.h"

#define RATE_SECONDS 10

/* Memory of another size is that of another configuration, until its worker is replaced. */
static void add_stats(struct proxy_summary *summary, const struct seat *seat,
		      const struct config *config, bool with_names)
{
	size_t size = proxy_stats_size(config);
	void *memory = memory_map(seat->lease.proxy.stats_reader_fd, size, false);

	if (!memory)
		return;
	proxy_summary_add(summary, memory, size, seat->index < config->worker_count);
	if (with_names)
		proxy_summary_add_names(summary, memory, size);
	munmap(memory, size);
}

static void add_cache(struct proxy_summary *summary, int fd, size_t size)
{
	void *memory = size ? memory_map(fd, size, false) : NULL;

	if (!memory)
		return;
	proxy_summary_add_cache(summary, memory, size);
	munmap(memory, size);
}

void proxy_accounts_sum_up(const struct supervisor *supervisor, struct proxy_summary *summary,
			   bool with_names)
{
	const struct config *config = &supervisor->effective->config;

	proxy_summary_init(summary, config);
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		const struct seat *seat = &supervisor->seats[i];

		add_stats(summary, seat, config, with_names);
		add_cache(summary, seat->lease.proxy.cache_fd, proxy_cache_size(config));
	}
	if (with_names)
		proxy_summary_sort_names(summary);
}

uint32_t proxy_accounts_figures(const struct supervisor *supervisor,
				const struct proxy_summary *summary, struct proxy_figure *figures)
{
	struct ledger ledger;

	accounts_sum_up(supervisor, &ledger);
	return proxy_figures_make(summary, &ledger, clock_monotonic_ns() - supervisor->started_ns,
				  figures);
}

void proxy_accounts_tell_rate(struct supervisor *supervisor)
{
	uint64_t queries = 0;

	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		queries += state_counter(supervisor->seats[i].lease.head, COUNTER_PROXY_QUERIES);
	rates_tell(&supervisor->queries, clock_monotonic_ns(), queries, 0);
}

double proxy_accounts_rate(const struct supervisor *supervisor)
{
	return rates_queries(&supervisor->queries, RATE_SECONDS);
}

const char *proxy_accounts_flush(struct supervisor *supervisor, const char *name)
{
	const struct config *config = &supervisor->effective->config;
	uint8_t wire[DNS_NAME_MAX], lower[DNS_NAME_MAX], length = 0;

	if (!config_has_proxy(config))
		return "there is no proxy (proxy.listen)";
	if (!config->proxy.cache_mib)
		return "there is no cache (proxy.cache-size is 0)";
	if (name && !name_parse(name, wire, &length))
		return "this is no name: labels of at most 63 octets, 255 in all, with dots "
		       "between them";
	name_lower(wire, length, lower);
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		const struct lease *lease = &supervisor->seats[i].lease;

		cache_flush_order(lease->watch, lease->head, (struct slice){lower, length});
	}
	return NULL;
}
