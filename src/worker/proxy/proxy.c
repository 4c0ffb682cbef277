/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/proxy.h"

#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "ipc/child.h"
#include "ipc/commit.h"
#include "ipc/lent_rules.h"
#include "ipc/memory.h"
#include "worker/proxy/answer.h"
#include "worker/proxy/judge.h"
#include "worker/proxy/resolve.h"

#define TICK_NS	    (10 * NANOSECONDS_PER_MILLISECOND)
#define LIMIT_BURST 2 /* seconds' worth */

#define FLUSH_TURN_NS	 (3 * NANOSECONDS_PER_MILLISECOND) /* of each tick */
#define FLUSH_STEP_BYTES (256 << 10)

/* waiting: queries that are not answered yet. */
static void commit(struct proxy *proxy, uint64_t waiting)
{
	if (!proxy->counted)
		return;
	while (proxy->counted) {
		int at = __builtin_ctzll(proxy->counted);

		proxy->counted &= proxy->counted - 1;
		commit_add_some(proxy->head, (enum counter)(PROXY_COUNTERS_FIRST + at),
				proxy->counts[at]);
		proxy->counts[at] = 0;
	}
	commit_set(proxy->head, STATE_PROXY_WAITING, waiting);
	commit_apply(proxy->head);
}

/* Says whose fault a death is that comes now. */
static void set_turn(struct proxy *proxy, uint64_t is_proxy)
{
	COMMIT_BARRIER();
	__atomic_store_n(&proxy->head->words[STATE_PROXY_TURN], is_proxy, __ATOMIC_RELAXED);
	COMMIT_BARRIER();
}

void proxy_begin_turn(struct proxy *proxy, uint32_t received)
{
	set_turn(proxy, 1);
	proxy->now_ns = clock_monotonic_ns();
	if (proxy->observer) {
		proxy->wall_ns = clock_wall_ns();
		observer_begin(proxy->observer);
	}
	if (!received)
		return;
	proxy_count(proxy, COUNTER_PROXY_QUERIES, received);
	commit(proxy, pendings_askers(proxy->pendings) + received);
}

static void note_active(struct proxy *proxy)
{
	struct proxy_traffic_stats *traffic = &proxy->stats->traffic;
	uint64_t active = pendings_askers(proxy->pendings);

	if (!traffic->samples || active < traffic->active_least)
		traffic->active_least = active;
	if (active > traffic->active_most)
		traffic->active_most = active;
	traffic->active_sum += active;
	traffic->samples++;
}

void proxy_flush_later(struct proxy *proxy, struct server *server)
{
	if (server->is_to_flush)
		return;
	server->is_to_flush = true;
	server->next_to_flush = proxy->to_flush;
	proxy->to_flush = server;
}

static void flush_servers(struct proxy *proxy)
{
	while (proxy->to_flush) {
		struct server *server = proxy->to_flush;

		proxy->to_flush = server->next_to_flush;
		server->is_to_flush = false;
		server_flush(server);
	}
}

void proxy_end_turn(struct proxy *proxy)
{
	client_streams_resume(proxy->streams);
	flush_servers(proxy);
	for (uint32_t i = 0; i < proxy->listener_count; i++)
		if (proxy->listeners[i].reply_count)
			listener_flush(&proxy->listeners[i]);
	note_active(proxy);
	commit(proxy, pendings_askers(proxy->pendings));
	if (proxy->observer)
		observer_settle(proxy->observer);
	set_turn(proxy, 0);
}

bool proxy_allows(const struct proxy *proxy, const struct address *client)
{
	return prefixes_match(proxy->allowed, client);
}

/* The most octets that the client may be sent. */
static uint16_t payload_of(const struct proxy *proxy, const struct client *client)
{
	uint32_t most = proxy->config->proxy.udp_size;

	if (client->stream)
		return UINT16_MAX;
	return proxy->taken->query.payload < most ? proxy->taken->query.payload : (uint16_t)most;
}

static bool is_welcome(struct proxy *proxy, const struct client *client)
{
	if (client->stream)
		return true; /* as it was when it came */
	if (!proxy_allows(proxy, &client->address)) {
		proxy_count(proxy, COUNTER_PROXY_DROPPED_CLIENT, 1);
		return false;
	}
	if (proxy->limits && !limits_admit(proxy->limits, &client->address, proxy->now_ns)) {
		proxy_count(proxy, COUNTER_PROXY_DROPPED_RATE, 1);
		return false;
	}
	return true;
}

void proxy_parse(struct proxy *proxy, struct slice message, struct proxy_taken *taken)
{
	const struct dns_query *query = &taken->query;
	struct cache_key key;

	taken->outcome = query_parse(message, &taken->query);
	taken->query.message = message; /* also of one that is dropped */
	if (taken->outcome != QUERY_OK)
		return;
	ruleset_prefetch(proxy->ruleset, (struct slice){query->name, query->name_length});
	if (!proxy->cache)
		return;
	key = (struct cache_key){
		.name = {query->name, query->name_length},
		.type = query->type,
		.class = query->class,
		.is_dnssec_ok = query->is_dnssec_ok,
		.is_checking_disabled = query->flags & DNS_FLAG_CD,
	};
	taken->hash = cache_hash(proxy->cache, &key);
	cache_prefetch_index(proxy->cache, taken->hash);
}

void proxy_prefetch(const struct proxy *proxy, const struct proxy_taken *taken)
{
	if (taken->outcome == QUERY_OK && proxy->cache)
		cache_prefetch_entry(proxy->cache, taken->hash);
}

void proxy_handle(struct proxy *proxy, const struct client *client, const struct proxy_taken *taken)
{
	struct slice message = taken->query.message;
	struct asker asker;

	proxy->stats->traffic.packets_received++;
	proxy->stats->traffic.bytes_received += message.length;
	if (!is_welcome(proxy, client))
		return;
	if (taken->outcome == QUERY_DROP) {
		proxy_count(proxy, COUNTER_PROXY_DROPPED_MALFORMED, 1);
		return;
	}
	proxy->taken = taken;
	memset(&asker, 0, offsetof(struct asker, question));
	asker.client = *client;
	asker.asked_ns = proxy->now_ns;
	reply_question_of(&taken->query, payload_of(proxy, client), &asker.question);
	asker.question.own_payload = (uint16_t)proxy->config->proxy.udp_size;
	if (client->stream)
		asker.question.keepalive = client_streams_keepalive(proxy->streams);
	switch (taken->outcome) {
	case QUERY_FORMERR:
		answer_error(proxy, &asker, DNS_FORMERR, EDE_NONE, COUNTER_PROXY_BAD);
		break;
	case QUERY_NOTIMP:
		answer_error(proxy, &asker, DNS_NOTIMP, EDE_NONE, COUNTER_PROXY_BAD);
		break;
	case QUERY_BADVERS:
		answer_error(proxy, &asker, DNS_BADVERS, EDE_NONE, COUNTER_PROXY_BAD);
		break;
	case QUERY_REFUSED:
		answer_error(proxy, &asker, DNS_REFUSED, EDE_NONE, COUNTER_PROXY_BAD);
		break;
	default:
		judge_query(proxy, &asker, message);
		break;
	}
}

static void tick_later(struct proxy *proxy)
{
	if (!proxy->is_ticking)
		loop_timer_set(proxy->tick_timer, TICK_NS);
	proxy->is_ticking = true;
}

void proxy_set_timer(struct proxy *proxy, struct wheel_timer *timer, int64_t after_ns)
{
	wheel_set(&proxy->wheel, timer, proxy->now_ns + after_ns);
	tick_later(proxy);
}

static void on_due(void *argument, struct wheel_timer *timer)
{
	resolve_on_due(argument, timer);
}

/* A part of what is left to do for a flush that is not found any more already: a large cache is not
 * gone through at once. */
static void flush_more(struct proxy *proxy)
{
	int64_t end_ns = clock_monotonic_ns() + FLUSH_TURN_NS;

	if (!proxy->is_flushing)
		return;
	do
		proxy->is_flushing = cache_remove_more(proxy->cache, FLUSH_STEP_BYTES);
	while (proxy->is_flushing && clock_monotonic_ns() < end_ns);
	if (!proxy->is_flushing)
		cache_flush_commit(proxy->head, &proxy->flush);
}

static void follow_flush(struct proxy *proxy)
{
	struct cache_flush flush;

	if (!proxy->cache || !cache_flush_find(proxy->watch, proxy->head, &flush) ||
	    (proxy->is_flushing && flush.epoch == proxy->flush.epoch))
		return;
	proxy->flush = flush;
	if (flush.length)
		cache_remove(proxy->cache, (struct slice){flush.name, flush.length});
	else
		cache_clear(proxy->cache);
	proxy->is_flushing = true;
	flush_more(proxy);
	tick_later(proxy);
}

static void on_tick(void *argument)
{
	struct proxy *proxy = argument;

	proxy_begin_turn(proxy, 0);
	wheel_turn(&proxy->wheel, proxy->now_ns, on_due, proxy);
	flush_more(proxy);
	proxy->is_ticking = proxy->wheel.count || proxy->is_flushing;
	if (proxy->is_ticking)
		loop_timer_set(proxy->tick_timer, TICK_NS);
	proxy_end_turn(proxy);
}

void proxy_tick(struct proxy *proxy)
{
	uint64_t limits = ruleset_limits_reached(proxy->ruleset);

	proxy_begin_turn(proxy, 0);
	follow_flush(proxy);
	proxy_count(proxy, COUNTER_PROXY_PATTERN_LIMITS, limits - proxy->limits_reached);
	proxy->limits_reached = limits;
	proxy->stats->traffic.connections = proxy->streams->count;
	proxy_end_turn(proxy);
}

bool proxy_drain(struct proxy *proxy)
{
	if (!proxy->streams)
		return true;
	client_streams_stop(proxy->streams);
	for (uint32_t i = 0; i < proxy->listener_count; i++)
		listener_stop(&proxy->listeners[i]);
	return !pendings_askers(proxy->pendings) && !proxy->streams->resumed &&
	       !client_streams_have_unsent(proxy->streams);
}

static const char *open_rules(struct proxy *proxy)
{
	static char error[RULESET_ERROR_MAX];

	proxy->ruleset = lent_rules(proxy->config, error);
	if (!proxy->ruleset)
		return error;
	proxy->allowed = prefixes_new(proxy->config->proxy.allow, error);
	return proxy->allowed ? NULL : error;
}

static const char *open_stats(struct proxy *proxy)
{
	proxy->stats = lent_rule_stats(proxy->config, proxy->ruleset, &proxy->hits);
	return proxy->stats ? NULL : "the memory of the proxy that was lent cannot be used";
}

static const char *open_cache(struct proxy *proxy)
{
	size_t size = proxy_cache_size(proxy->config);
	void *memory = NULL;

	if (!size)
		return NULL;
	if (memory_is_sealed(CHILD_FD_CACHE, size))
		memory = memory_map_huge(CHILD_FD_CACHE, size, true);
	if (memory)
		proxy->cache = cache_open(memory, size, &proxy->stats_key);
	return proxy->cache ? NULL : "the memory of the cache that was lent cannot be used";
}

/* Those who waited for a predecessor wait no more: clients ask again. */
static void count_lost(struct proxy *proxy)
{
	uint64_t lost = state_get(proxy->head, STATE_PROXY_WAITING);

	if (!lost)
		return;
	commit_add(proxy->head, COUNTER_PROXY_LOST, lost);
	commit_set(proxy->head, STATE_PROXY_WAITING, 0);
	commit_apply(proxy->head);
}

static const char *open_memory(struct proxy *proxy)
{
	const struct config_proxy *config = &proxy->config->proxy;
	struct hash_key key;

	if (random_init(&proxy->random_fast) || random_secret(&key, sizeof(key)))
		return "the kernel gives no random numbers";
	proxy->pendings = pendings_new(config->query_count, &key);
	if (config->rate_limit)
		proxy->limits = limits_new(config->rate_limit, LIMIT_BURST * config->rate_limit);
	if (!proxy->pendings || (config->rate_limit && !proxy->limits))
		return "out of memory";
	return NULL;
}

const char *proxy_open(struct proxy *proxy, const struct config *config,
		       const struct state_watch *watch, struct state_head *head,
		       struct observer *observer)
{
	const char *problem;

	*proxy = (struct proxy){
		.config = config, .watch = watch, .head = head, .observer = observer};
	proxy->stats_key = (struct hash_key){{watch->stats_key[0], watch->stats_key[1]}};
	proxy->log.lines_most = config->proxy.log_rate;
	problem = open_rules(proxy);
	if (!problem)
		problem = open_stats(proxy);
	if (!problem)
		problem = open_cache(proxy);
	if (!problem)
		problem = open_memory(proxy);
	if (problem)
		return problem;
	count_lost(proxy);
	return NULL;
}

uint64_t proxy_files(const struct proxy *proxy)
{
	return (uint64_t)proxy->config->proxy.tcp_connections +
	       (uint64_t)ruleset_upstream_count(proxy->ruleset) * (SERVER_SOCKETS + 1);
}

static void open_servers(struct proxy *proxy)
{
	uint32_t count = ruleset_upstream_count(proxy->ruleset);

	proxy->servers = xcalloc(count ? count : 1, sizeof(*proxy->servers));
	proxy->server_count = count;
	for (uint32_t i = 0; i < count; i++)
		server_open(&proxy->servers[i], proxy, ruleset_upstream(proxy->ruleset, i),
			    (uint16_t)i);
}

static void open_groups(struct proxy *proxy)
{
	const struct config_proxy *config = &proxy->config->proxy;
	uint64_t settings = (uint64_t)config->trusts_ad << 1 | config->refuses_private;
	uint32_t count = ruleset_group_count(proxy->ruleset);

	proxy->groups = xcalloc(count ? count : 1, sizeof(*proxy->groups));
	for (uint32_t i = 0; i < count; i++)
		server_group_open(&proxy->groups[i], ruleset_group(proxy->ruleset, i),
				  proxy->servers, settings);
}

static void open_listeners(struct proxy *proxy)
{
	const struct config_proxy *config = &proxy->config->proxy;

	for (uint32_t i = 0; i < config->endpoint_count; i++) {
		listener_open(&proxy->listeners[i], proxy, CHILD_FD_LISTEN + (int)i,
			      &config->endpoints[i]);
		client_streams_listen(proxy->streams, CHILD_FD_LISTEN + CONFIG_LISTEN_MAX + (int)i);
	}
	proxy->listener_count = config->endpoint_count;
}

bool proxy_begin(struct proxy *proxy, struct loop *loop)
{
	proxy->loop = loop;
	proxy->now_ns = clock_monotonic_ns();
	proxy->tick_timer = loop_add_timer(loop, on_tick, proxy);
	wheel_init(&proxy->wheel, TICK_NS, proxy->now_ns);
	proxy->streams = client_streams_new(proxy);
	if (!proxy->streams)
		return false;
	open_servers(proxy);
	open_groups(proxy);
	open_listeners(proxy);
	proxy_begin_turn(proxy, 0);
	follow_flush(proxy); /* that its predecessor did not come to the end of */
	proxy_end_turn(proxy);
	return true;
}
