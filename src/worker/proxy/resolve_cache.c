/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/resolve_cache.h"

#include "base/clock.h"
#include "dns/message.h"

#define RENEWAL_SHARE 10 /* of its time is left: then it is asked anew */

static uint32_t seconds_of(int64_t ns)
{
	return (uint32_t)(ns / NANOSECONDS_PER_SECOND);
}

/* Who desires no recursion asks what the server knows, and may look who asked what before. */
bool resolve_cache_find(struct proxy *proxy, const struct asker *asker, struct slice name,
			uint32_t group, struct cache_hit *hit)
{
	const struct dns_query *query = &proxy->taken->query;
	const struct cache_key key = {
		.name = name,
		.type = query->type,
		.class = query->class,
		.is_dnssec_ok = query->is_dnssec_ok,
		.is_checking_disabled = query->flags & DNS_FLAG_CD,
		.group = proxy->groups[group].identity,
	};
	uint64_t hash;

	if (!proxy->cache || !(query->flags & DNS_FLAG_RD))
		return false;
	hash = asker->is_rewritten ? cache_hash(proxy->cache, &key) : proxy->taken->hash;
	return cache_find_hashed(proxy->cache, &key, hash, seconds_of(proxy->now_ns), 0, hit);
}

static struct cache_key cache_key_of(const struct proxy *proxy, const struct pending *pending)
{
	return (struct cache_key){
		.name = {pending->name, pending->name_length},
		.type = pending->type,
		.class = pending->class,
		.is_dnssec_ok = pending->is_dnssec_ok,
		.is_checking_disabled = pending->is_checking_disabled,
		.group = proxy->groups[pending->group].identity,
	};
}

bool resolve_cache_find_stale(struct proxy *proxy, const struct pending *pending,
			      struct cache_hit *hit)
{
	struct cache_key key = cache_key_of(proxy, pending);
	uint32_t stale_s = proxy->config->proxy.stale_s;

	return proxy->cache && stale_s && pending->is_recursion_desired &&
	       cache_find(proxy->cache, &key, seconds_of(proxy->now_ns), stale_s, hit);
}

bool resolve_cache_is_to_renew(const struct proxy *proxy, const struct cache_hit *hit)
{
	return proxy->config->proxy.prefetches && hit->left_s &&
	       hit->left_s <= (hit->age_s + hit->left_s) / RENEWAL_SHARE;
}

static uint32_t clamp(uint32_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* How long it may be kept; 0: not at all. With SOA in the authority section, aliases lead to
 * nothing (RFC 2308 2.2). */
static uint32_t ttl_of(const struct config_proxy *config, const struct response *response)
{
	uint32_t negative = response->negative_ttl_s;
	bool is_negative = response->rcode == DNS_NXDOMAIN || !response->answer_count ||
			   negative != UINT32_MAX;

	if (!is_negative)
		return clamp(response->ttl_least_s, config->cache_ttl_least_s,
			     config->cache_ttl_most_s);
	if (negative == UINT32_MAX)
		return 0;
	if (response->ttl_least_s < negative)
		negative = response->ttl_least_s;
	return clamp(negative, 0, config->cache_negative_ttl_most_s);
}

void resolve_cache_keep(struct proxy *proxy, const struct pending *pending, struct slice message,
			const struct response *response)
{
	struct cache_key key = cache_key_of(proxy, pending);
	struct cache_answer answer = {
		.message = message,
		.ttls = response->ttls,
		.ttl_count = response->ttl_count,
		.rcode = response->rcode,
		.extended_error = response->extended_error,
		.ttl_s = ttl_of(&proxy->config->proxy, response),
	};

	if (proxy->cache && pending->is_recursion_desired && answer.ttl_s)
		cache_put(proxy->cache, &key, &answer, seconds_of(proxy->now_ns));
}
