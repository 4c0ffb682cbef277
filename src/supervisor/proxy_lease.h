/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "config/config.h"
#include "supervisor/handover.h"

/* What a worker is lent for the proxy, beside sockets: memory for answers and for what it tells of
 * itself, which the aggregator reads; a dry run tells, too. Made when the configuration first wants
 * it. */
struct proxy_lease {
	int cache_fd;
	int stats_fd;
	int stats_reader_fd; /* read-only */
};

void proxy_lease_init(struct proxy_lease *lease);

/* Says in next what the configuration wants: what is there and has the right size, else made anew;
 * what was told goes on as far as it fits, answers do not. The lease stays as it is until
 * proxy_lease_replace(). 0 or -errno, and then next is the same. */
int proxy_lease_fit(const struct proxy_lease *lease, const struct config *config,
		    struct proxy_lease *next);

/* It becomes another one, and closes what that does not have. */
void proxy_lease_replace(struct proxy_lease *lease, const struct proxy_lease *other);

/* Whoever uses the cache next begins it anew. Only while no process works on it. */
void proxy_lease_discard_cache(const struct proxy_lease *lease);

/* Puts the worker's descriptors at their numbers (ipc/child.h). */
void proxy_lease_place(const struct proxy_lease *lease, int *fds);

/* Lends the aggregator what it reads. 0 or -errno. */
int proxy_lease_lend(const struct proxy_lease *lease, uint32_t worker, int channel);

void proxy_lease_give(const struct proxy_lease *lease, uint32_t worker, struct handover *handover);
int proxy_lease_take(struct proxy_lease *lease, uint32_t worker, struct handover *handover);
void proxy_lease_close(struct proxy_lease *lease);
