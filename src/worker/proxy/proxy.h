/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/random.h"
#include "config/config.h"
#include "dns/message.h"
#include "dns/query.h"
#include "dns/response.h"
#include "ipc/proxy_stats.h"
#include "ipc/cache_flush.h"
#include "ipc/state.h"
#include "loop/loop.h"
#include "rules/prefixes.h"
#include "rules/ruleset.h"
#include "worker/observe/observer.h"
#include "worker/proxy/cache.h"
#include "worker/proxy/client_streams.h"
#include "worker/proxy/limits.h"
#include "worker/proxy/listener.h"
#include "worker/proxy/pendings.h"
#include "worker/proxy/rule_log.h"
#include "worker/proxy/server.h"
#include "worker/proxy/server_group.h"
#include "worker/proxy/wheel.h"

/*
 * The proxy of a worker: takes queries (listener.h, client_stream.h), lets the rules judge them,
 * answers from the cache, or asks upstream servers (resolve.h). What happens in one callback of the
 * loop is a turn: what it sends goes out at its end, and what it has done is committed then.
 */

#define PROXY_COUNTERS_FIRST COUNTER_PROXY_QUERIES
#define PROXY_COUNTERS	     48 /* of the proxy, from that one on: a bit of `counted` for each */

_Static_assert(COUNTER_PROXY_CONNECTIONS_SLOW < PROXY_COUNTERS_FIRST + PROXY_COUNTERS &&
		       PROXY_COUNTERS <= 64,
	       "the last counter of the proxy has a place, and a bit");

/* A message of a client, as far as it is understood. */
struct proxy_taken {
	struct dns_query query;
	enum query_outcome outcome;
	uint64_t hash; /* for the cache */
};

struct proxy {
	const struct config *config;
	const struct state_watch *watch;
	struct state_head *head;
	struct observer *observer; /* or NULL */
	struct loop *loop;
	struct proxy_stats *stats;
	struct ruleset *ruleset;
	struct prefixes *allowed;
	struct cache *cache;   /* or NULL */
	struct limits *limits; /* or NULL */
	struct pendings *pendings;
	struct client_streams *streams;
	struct listener listeners[CONFIG_LISTEN_MAX];
	uint32_t listener_count;
	struct server *servers;
	uint32_t server_count;
	struct server *to_flush;     /* at the end of the turn: those with queries to send */
	struct server_group *groups; /* as the rules number them */
	uint64_t *hits;		     /* of rules, in stats */
	struct hash_key stats_key;
	struct random random_fast;
	struct rule_log log;
	struct random_stock random;
	struct wheel wheel; /* of questions */
	struct loop_event *tick_timer;
	bool is_ticking;
	bool is_unsegmented;	  /* the kernel does not take UDP_SEGMENT */
	struct cache_flush flush; /* that is being followed */
	bool is_flushing;
	uint64_t limits_reached;	 /* by patterns, as far as they are counted */
	int64_t now_ns;			 /* monotonic, of the turn */
	int64_t wall_ns;		 /* since 1970 */
	uint64_t counted;		 /* a bit for each of counts that is not 0 */
	uint64_t counts[PROXY_COUNTERS]; /* since the last commit */
	struct ruleset_verdict verdict;	 /* of the query that is taken */
	const struct proxy_taken *taken; /* it */
	struct response response;	 /* that is taken */
	uint8_t reply_bytes[65535];	 /* to a client over TCP */
	uint8_t renamed_bytes[65535];
};

/* Before the sandbox: compiles rules, takes over memory and sockets. NULL, or one line that says
 * what is wrong. observer: NULL when nobody wants events. */
const char *proxy_open(struct proxy *proxy, const struct config *config,
		       const struct state_watch *watch, struct state_head *head,
		       struct observer *observer);

/* Descriptors that it may come to use at one time. */
uint64_t proxy_files(const struct proxy *proxy);

/* Takes queries from now on. False when out of memory. */
bool proxy_begin(struct proxy *proxy, struct loop *loop);

/* Takes no more; true when nobody waits for an answer. */
bool proxy_drain(struct proxy *proxy);

/* Once a second: what is to be done now and then. */
void proxy_tick(struct proxy *proxy);

/* The rest is for files of this folder. */

/* Around what happens in one callback. received: queries over UDP that it begins with: they are
 * committed at once, since nobody else has them. */
void proxy_begin_turn(struct proxy *proxy, uint32_t received);
void proxy_end_turn(struct proxy *proxy);

static inline void proxy_count(struct proxy *proxy, enum counter counter, uint64_t more)
{
	unsigned at = (unsigned)counter - PROXY_COUNTERS_FIRST;

	proxy->counts[at] += more;
	proxy->counted |= UINT64_C(1) << at;
}

/* The server has something to send at the end of the turn; harmless when that is known. */
void proxy_flush_later(struct proxy *proxy, struct server *server);

/* A timer of a question: resolve_on_due() is called then. */
void proxy_set_timer(struct proxy *proxy, struct wheel_timer *timer, int64_t after_ns);

bool proxy_allows(const struct proxy *proxy, const struct address *client);

/*
 * One message of a client, in three steps, of which the first two have memory fetched for the
 * third: who has several messages at hand takes each step with all of them.
 */
void proxy_parse(struct proxy *proxy, struct slice message, struct proxy_taken *taken);
void proxy_prefetch(const struct proxy *proxy, const struct proxy_taken *taken);
void proxy_handle(struct proxy *proxy, const struct client *client,
		  const struct proxy_taken *taken);
