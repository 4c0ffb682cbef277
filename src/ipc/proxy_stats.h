/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "config/config.h"
#include "dns/name.h"
#include "net/address.h"

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
	uint64_t truncated, tcp_connections, tcp_failures;
	uint64_t latency_ns_sum; /* of answers */
	uint64_t outstanding;	 /* now */
	uint64_t is_backed_off;	 /* now */
	struct endpoint endpoint;
	uint8_t transport;
};

struct proxy_rule_stats {
	uint64_t identity; /* hash of its text; 0: free */
	uint64_t hits;
};

/* Of spec/sentry.md 6. */
struct proxy_traffic_stats {
	uint64_t packets_received, bytes_received, packets_sent, bytes_sent;
	uint64_t responses; /* whose time is in the sum */
	uint64_t response_ns_sum, response_ns_most, response_ns_least;
	uint64_t batches, batch_queries, batch_most, batch_least; /* queries handled at one time */
	uint64_t connections;					  /* of clients over TCP, now */
};

/* Names that were asked for most, and answered: space-saving within sets of 8. */
struct proxy_name {
	uint64_t hash; /* 0: free */
	uint64_t count;
	uint8_t length;
	uint8_t wire[DNS_NAME_MAX]; /* case as it was */
};

struct proxy_stats {
	uint64_t layout;
	uint64_t rule_room;
	struct proxy_traffic_stats traffic;
	struct proxy_upstream_stats upstreams[PROXY_UPSTREAMS_MAX];
	struct proxy_name names[PROXY_NAMES];
	struct proxy_rule_stats rules[]; /* rule_room, in the order of the configuration */
};

/* Bytes for a configuration: its rules decide. */
size_t proxy_stats_size(const struct config *config);
