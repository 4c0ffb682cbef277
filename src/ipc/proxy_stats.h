/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/hash.h"
#include "base/slice.h"
#include "config/config.h"
#include "dns/name.h"
#include "rules/upstream.h"

/*
 * What a worker's proxy tells of itself beside the ledger's counters: one writer, readers that take
 * each value as it is and trust none. In memory that the supervisor lends; a successor goes on with
 * it. Rules and servers are known by a hash of their text, so that a reload keeps the counts of
 * those that stay.
 */
#define PROXY_STATS_LAYOUT  UINT64_C(0x3179786f72707364) /* "dsproxy1" */
#define PROXY_UPSTREAMS_MAX 256
#define PROXY_NAMES	    4096 /* of the table of names */

struct proxy_upstream_stats {
	uint64_t identity; /* hash of its text; 0: free */
	uint64_t queries, answers, errors, timeouts, retries;
	uint64_t wrong_ids, wrong_questions, malformed; /* responses that were not believed */
	uint64_t truncated, tcp_connections;
	uint64_t failures;	 /* queries that could not be sent, connections that failed */
	uint64_t latency_ns_sum; /* of answers */
	uint64_t outstanding;	 /* now */
	uint64_t is_backed_off;	 /* now; of several workers: how many of them say so */
	uint64_t is_in_use; /* by the rules of the process at work: others are of rules before */
};

/* Of spec/sentry.md 6. */
struct proxy_traffic_stats {
	uint64_t packets_received, bytes_received, packets_sent, bytes_sent;
	uint64_t responses; /* whose time is in the sum */
	uint64_t response_ns_sum, response_ns_most, response_ns_least;
	uint64_t samples; /* of how many queries were being answered, at the end of each turn */
	uint64_t active_sum, active_most, active_least;
	uint64_t connections; /* of clients over TCP, now */
};

/* Names that were asked for most, and answered: space-saving within sets, with random admission
 * (stats/table.h). */
#define PROXY_NAME_WAYS 8

struct proxy_names {
	uint64_t hashes[PROXY_NAMES]; /* 0: free; a set stands together */
	uint64_t counts[PROXY_NAMES];
	struct proxy_name {
		uint8_t length;
		uint8_t wire[DNS_NAME_MAX]; /* case as it was */
	} names[PROXY_NAMES];
};

struct proxy_stats {
	uint64_t layout;
	uint64_t rule_room;
	uint64_t judged,
		undecided; /* queries of a dry run, and those of them that no rule decided */
	struct proxy_traffic_stats traffic;
	struct proxy_upstream_stats upstreams[PROXY_UPSTREAMS_MAX];
	struct proxy_names names;
	/* rule_room identities of rules in their order (a hash of the text; 0: none), then as many
	 * counts of their hits */
	uint64_t rules[];
};

/* Bytes for a configuration: the number of its rules decides, in big steps, so that hardly a reload
 * needs another memory. */
size_t proxy_stats_size(const struct config *config);

/* Bytes of each worker's part of the cache; 0: there is none. */
size_t proxy_cache_size(const struct config *config);

/* The worker, of what a predecessor left: texts are those of its rules now. Counts of rules that
 * are not there any more are gone, and no server is in use. Returns the counts of hits; NULL when
 * out of memory, or size is too small. */
typedef const char *(*proxy_stats_text_fn)(const void *argument, uint32_t number);
uint64_t *proxy_stats_attach(struct proxy_stats *stats, size_t size, uint32_t rule_count,
			     proxy_stats_text_fn text, const void *argument);

/* The place of a server, which is in use from now on; the last one is for all that have no place of
 * their own. */
struct proxy_upstream_stats *proxy_stats_upstream(struct proxy_stats *stats,
						  const struct upstream *upstream);

/* An answer, which took so long. */
void proxy_stats_answer(struct proxy_stats *stats, uint64_t took_ns);

/* An answer to a question for this name (wire form; key: of the hash). random: any number. */
void proxy_stats_name(struct proxy_stats *stats, const struct hash_key *key, struct slice name,
		      uint64_t random);

/* For readers: how the text of a rule or a server is known. */
uint64_t proxy_stats_identity(const char *text, size_t length);

/* For readers: how often a rule was hit, by its number from 0 and its text. */
uint64_t proxy_stats_hits(const struct proxy_stats *stats, size_t size, uint32_t number,
			  const char *text, size_t length);
