/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/hash.h"
#include "dns/event.h"
#include "stats/suffixes.h"
#include "stats/table.h"

/*
 * What one process has counted of one stream, in memory of fixed size that outlives it: counters,
 * a latency histogram, distinct clients and names (HyperLogLog), and the names, registered domains,
 * TLDs and clients that are seen most (space-saving). One process writes a shard; others read it at
 * the same time and merge (summary.h). What a kill interrupts is wrong by one event at most.
 */

#define STATS_TABLES_MAX 16

/* What is counted for each name, "nxdomain/response": messages of one direction with one rcode or
 * type, or all of them (hit), or their bytes (length). */
enum stats_what { STATS_HIT, STATS_LENGTH, STATS_RCODE, STATS_TYPE };

struct stats_table {
	uint8_t what; /* enum stats_what */
	bool is_query;
	uint16_t code; /* of STATS_RCODE and STATS_TYPE */
};

/* Reads "hit/query", "length/response", "noerror/query", "a/query", in any case of letters; false
 * for anything else, and for codes without a mnemonic. */
bool stats_table_parse(const char *text, struct stats_table *table);

/* What the size of a shard follows from. Readers and writers must agree on it. A table that is less
 * than half full counts exactly. */
struct stats_limits {
	uint32_t names, domains, clients, tlds; /* entries */
	uint32_t table_count;			/* of names */
	struct stats_table tables[STATS_TABLES_MAX];
	bool keeps_case; /* of names; else they are counted in lower case */
};

size_t shard_size(const struct stats_limits *limits);

#define STATS_TYPES  263 /* that are told apart: 0 to 259, TA, DLV, all others */
#define STATS_RCODES 33	 /* 0 to 31, all others */

/* One event in 2^shift is chosen to be counted in tables, at random, anew for each event time. */
struct shard_pace {
	bool is_held;
	uint8_t shift;
	uint32_t seen;	  /* events since begun_ns */
	uint32_t chosen;  /* of each 2^shift events, which */
	int64_t begun_ns; /* time of an event */
};

/* The writer's view of a shard. Memory and suffixes are borrowed. */
struct shard {
	struct shard_memory *memory;
	struct stats_limits limits;
	struct hash_key key;
	const struct suffixes *suffixes;
	/* the rest is for shard.c */
	uint64_t mark;
	struct table names, domains, clients, tlds;
	struct shard_pace pace;
	/* which of the limits' tables count a message, one bit each: of responses, of queries */
	uint16_t lists_of_all[2];
	uint16_t lists_of_type[2][STATS_TYPES];
	uint16_t lists_of_rcode[2][STATS_RCODES];
	uint16_t lists_of_lengths;
};

/*
 * Takes over the memory (64-byte aligned, shard_size bytes) that a predecessor left, or begins with
 * it clean: when it is fresh, or of other limits, another key, another epoch or another version.
 */
void shard_attach(struct shard *shard, void *memory, const struct stats_limits *limits,
		  const struct hash_key *key, uint64_t epoch, const struct suffixes *suffixes);

/*
 * From now on tables cost about the same time in every second, however many events come: where they
 * come faster than SHARD_PACE in a second (by their own times), names, domains, TLDs and clients
 * are counted for one event in 2^k alone, chosen at random, as 2^k events: for 6,000 to 12,500 in
 * a second. Counters, bytes, latencies and distinct counts stay those of all events.
 */
#define SHARD_PACE 50000
void shard_hold_pace(struct shard *shard);

/* Begins clean if its epoch is another one. */
void shard_set_epoch(struct shard *shard, uint64_t epoch);

/* Counts one event; name_hash: stats_hash_name of its name. Some of the work is put off, so that
 * memory arrives meanwhile; what is put off lies in the memory too. shard_settle does it: when
 * there is nothing else to do. */
void shard_count(struct shard *shard, const struct event *event, uint64_t name_hash);
void shard_settle(struct shard *shard);

/* Anybody: adds how many queries and responses were counted, unless the epoch is another one. */
void shard_totals(const void *memory, uint64_t epoch, uint64_t *queries, uint64_t *responses);

/* The hash of a name that shard_count and the table of pairs share: of its lower-cased wire form.
 */
uint64_t stats_hash_name(const struct hash_key *key, struct slice wire_name);
