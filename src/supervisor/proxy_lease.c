/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/proxy_lease.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/cache_counts.h"
#include "ipc/child.h"
#include "ipc/lend.h"
#include "ipc/memory.h"
#include "ipc/proxy_stats.h"

void proxy_lease_init(struct proxy_lease *lease)
{
	memset(lease, -1, sizeof(*lease));
}

static void replace(int *fd, int other)
{
	if (*fd >= 0 && *fd != other)
		close(*fd);
	*fd = other;
}

void proxy_lease_replace(struct proxy_lease *lease, const struct proxy_lease *other)
{
	replace(&lease->cache_fd, other->cache_fd);
	replace(&lease->stats_fd, other->stats_fd);
	replace(&lease->stats_reader_fd, other->stats_reader_fd);
}

/* In these, what was there is still the lease's. */
static int fit_cache(struct proxy_lease *next, const struct config *config)
{
	size_t size = proxy_cache_size(config);
	bool is_wanted = config_has_proxy(config) && size;

	if (is_wanted && memory_has_size(next->cache_fd, size))
		return 0;
	next->cache_fd = is_wanted ? memory_create("dnsflow-cache", size) : -1;
	return is_wanted && next->cache_fd < 0 ? next->cache_fd : 0;
}

/* What is at the beginning of the one goes into the other. */
static int copy_memory(int from_fd, int to_fd, size_t size)
{
	struct stat status;
	void *from, *to;
	size_t common;

	if (fstat(from_fd, &status) < 0)
		return -errno;
	common = (size_t)status.st_size < size ? (size_t)status.st_size : size;
	from = memory_map(from_fd, (size_t)status.st_size, false);
	to = memory_map(to_fd, size, true);
	if (from && to)
		memcpy(to, from, common);
	if (from)
		munmap(from, (size_t)status.st_size);
	if (to)
		munmap(to, size);
	return from && to ? 0 : -ENOMEM;
}

static int renew_stats(struct proxy_lease *next, size_t size)
{
	int before = next->stats_fd;

	next->stats_reader_fd = -1;
	next->stats_fd = memory_create("dnsflow-proxy", size);
	if (next->stats_fd < 0)
		return next->stats_fd;
	return before < 0 ? 0 : copy_memory(before, next->stats_fd, size);
}

static int fit_stats(struct proxy_lease *next, const struct config *config)
{
	size_t size = proxy_stats_size(config);
	int error = 0;

	if (!memory_has_size(next->stats_fd, size))
		error = renew_stats(next, size);
	if (!error && next->stats_reader_fd < 0)
		next->stats_reader_fd = memory_reopen(next->stats_fd);
	return !error && next->stats_reader_fd < 0 ? next->stats_reader_fd : error;
}

int proxy_lease_fit(const struct proxy_lease *lease, const struct config *config,
		    struct proxy_lease *next)
{
	int error;

	*next = *lease;
	if (!config_has_proxy(config) && !config->is_dry_run) {
		proxy_lease_init(next);
		return 0;
	}
	error = fit_cache(next, config);
	if (!error)
		error = fit_stats(next, config);
	if (error)
		proxy_lease_replace(next, lease);
	return error;
}

/* By its layout, with which it begins: the memory itself stays. */
void proxy_lease_discard_cache(const struct proxy_lease *lease)
{
	const uint64_t none = 0;

	_Static_assert(!offsetof(struct cache_head, layout), "it comes first");
	if (lease->cache_fd >= 0 && pwrite(lease->cache_fd, &none, sizeof(none), 0) < 0)
		log_error("a cache cannot be emptied: %s", strerror(errno));
}

void proxy_lease_place(const struct proxy_lease *lease, int *fds)
{
	fds[CHILD_FD_CACHE] = lease->cache_fd;
	fds[CHILD_FD_PROXY] = lease->stats_fd;
}

static int lend_cache(const struct proxy_lease *lease, uint32_t worker, int channel)
{
	int reader_fd = memory_reopen(lease->cache_fd), error;

	if (reader_fd < 0)
		return reader_fd;
	error = lend_send(channel, LEND_CACHE, worker, reader_fd, NULL);
	close(reader_fd);
	return error;
}

int proxy_lease_lend(const struct proxy_lease *lease, uint32_t worker, int channel)
{
	int error = 0;

	if (lease->stats_fd >= 0)
		error = lend_send(channel, LEND_PROXY, worker, lease->stats_reader_fd, NULL);
	if (!error && lease->cache_fd >= 0)
		error = lend_cache(lease, worker, channel);
	return error;
}

void proxy_lease_give(const struct proxy_lease *lease, uint32_t worker, struct handover *handover)
{
	handover_add_fd(handover, "cache", (int)worker, lease->cache_fd);
	handover_add_fd(handover, "proxy", (int)worker, lease->stats_fd);
}

int proxy_lease_take(struct proxy_lease *lease, uint32_t worker, struct handover *handover)
{
	lease->cache_fd = handover_take_fd(handover, "cache", (int)worker);
	lease->stats_fd = handover_take_fd(handover, "proxy", (int)worker);
	if (lease->stats_fd < 0)
		return 0;
	lease->stats_reader_fd = memory_reopen(lease->stats_fd);
	return lease->stats_reader_fd < 0 ? lease->stats_reader_fd : 0;
}

void proxy_lease_close(struct proxy_lease *lease)
{
	struct proxy_lease none;

	proxy_lease_init(&none);
	proxy_lease_replace(lease, &none);
}
