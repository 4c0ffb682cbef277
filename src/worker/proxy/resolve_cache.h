/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "worker/proxy/proxy.h"

/* What the cache gives to questions, and gets of their answers. */

/* Whether it has an answer that is good, in *hit. name: to resolve; type, class and the rest are
 * those of the query that is taken. */
bool resolve_cache_find(struct proxy *proxy, const struct asker *asker, struct slice name,
			uint32_t group, struct cache_hit *hit);

/* The same for who gets none that is better: it may be stale, when that is configured. */
bool resolve_cache_find_stale(struct proxy *proxy, const struct pending *pending,
			      struct cache_hit *hit);

/* Whether it is to be asked anew already, before its end. */
bool resolve_cache_is_to_renew(const struct proxy *proxy, const struct cache_hit *hit);

/* Only whole answers, for the question that they answer (threats G-4). message: as
 * response_compact() leaves it. */
void resolve_cache_keep(struct proxy *proxy, const struct pending *pending, struct slice message,
			const struct response *response);
