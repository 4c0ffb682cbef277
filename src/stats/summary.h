/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "stats/shard.h"

/* Shards merged for a reader: what /counters, /tables and metrics show. Shards may be written
 * meanwhile, by processes that need not be trusted: whatever they hold, a summary stays whole. */
struct summary;

/* A summary without shards. Limits as those of the shards; suffixes is borrowed. */
struct summary *summary_new(const struct stats_limits *limits, const struct hash_key *key,
			    const struct suffixes *suffixes);
void summary_free(struct summary *summary);
void summary_clear(struct summary *summary);

/* Adds a shard, unless its epoch, limits or key are others. memory has shard_size bytes and is
 * borrowed until the summary is cleared or freed: tables are read when somebody asks for them. */
#define SUMMARY_SHARDS_MAX 256
void summary_add(struct summary *summary, const void *memory, uint64_t epoch);

/*
 * A counter by its name (spec/dnstap-receiver.md 6): "query", "response/nxdomain", "query/udp",
 * "query/aaaa", "query/com", "response/latency0_1", "clients", "domains", "query/bytes", and beyond
 * the spec "query/tld/mx" (where "query/mx" is the type), "unanswered", and for names, domains,
 * clients and tlds "evictions/names" (keys that gave their place to another) and "untracked/names"
 * (times that one came and got none). False when no counter can have the name. Rates (qps, rps,
 * pps) are not here: rates.h.
 */
bool summary_counter(const struct summary *summary, const char *name, uint64_t *value);

enum summary_table {
	SUMMARY_TLDS,
	SUMMARY_DOMAINS,
	SUMMARY_CLIENTS,
	SUMMARY_RCODES,
	SUMMARY_TYPES,
	SUMMARY_REGISTERED
};

#define SUMMARY_TEXT_MAX 1025

struct summary_item {
	char text[SUMMARY_TEXT_MAX]; /* "query/com", a name in presentation form with its final
					dot, an address, "response/noerror", "query/a" */
	uint64_t count; /* estimated where events came faster than SHARD_PACE (shard.h) */
	uint64_t error; /* about so many may have come before it was kept, and are not in count; 0:
			   none */
};

/*
 * The top of a table, counts descending, ties by text: at most count items, into items. what:
 * "hit/query", "hit/response"; of SUMMARY_DOMAINS one of the limits' tables; of SUMMARY_CLIENTS
 * "hit/ip" or "length/ip". Returns how many, or -ENOENT when the table has no such list.
 */
int summary_table(const struct summary *summary, enum summary_table table, const char *what,
		  struct summary_item *items, uint32_t count);

/* Latency of responses. Bounds are powers of two in ns, counts cumulative. */
struct summary_bucket {
	double le_seconds;
	uint64_t count; /* of all up to here */
};
#define SUMMARY_BUCKETS_MAX 32
uint32_t summary_latency_buckets(const struct summary *summary,
				 struct summary_bucket buckets[SUMMARY_BUCKETS_MAX],
				 uint64_t *count, double *sum_seconds);
/* quantile in 0 .. 1, in seconds, within 5 % of its value; 0 without any latency. */
double summary_latency_quantile(const struct summary *summary, double quantile);
