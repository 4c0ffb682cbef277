/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/hash.h"
#include "dns/event.h"

/*
 * Queries that wait for their responses, in memory of fixed size that outlives its process. A
 * response belongs to a query with the same addresses, ports, id and question. A query that is sent
 * again before its response is the same query. When there is no room, the one that waits longest is
 * given up. What a kill interrupts is wrong by one query at most.
 */
#define PAIRS_BYTES (8u << 20) /* about 80,000 queries */

struct pairs_counts {
	uint64_t matched;    /* responses whose query was there */
	uint64_t unmatched;  /* responses without */
	uint64_t unanswered; /* queries that waited too long */
	uint64_t given_up;   /* queries, for want of room */
};

/* The view of the process that writes it. */
struct pairs {
	struct pairs_memory *memory;
	struct hash_key key;
	int64_t timeout_ns;
};

/* Takes over the memory (64-byte aligned, PAIRS_BYTES) that a predecessor left, or begins with it
 * clean when it is fresh, damaged, or of another key. */
void pairs_attach(struct pairs *pairs, void *memory, const struct hash_key *key,
		  int64_t timeout_ns);

/* name_hash: stats_hash_name of event->qname. Remembers a query, or finds that of a response and
 * sets event->latency_ns (times of another order than the packets: 0). */
void pairs_add_query(struct pairs *pairs, const struct event *event, uint64_t name_hash);
bool pairs_match(struct pairs *pairs, struct event *event, uint64_t name_hash);

/*
 * Gives the next query whose time was over at now_ns as an event (is_unanswered, latency_ns how
 * long it was waited for; its name is borrowed until the next call), or false when there is none.
 * *at is 0 at first, and the caller's to keep between calls.
 */
bool pairs_expire(struct pairs *pairs, int64_t now_ns, uint64_t *at, struct event *event);

/* Queries that wait; what became of all others. Also for readers of foreign memory. */
struct pairs_counts pairs_counts(const void *memory);
