/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the memory of a worker's cache of answers begins (worker/proxy/cache.h), and what everybody
 * who is lent it may read of it. One writer. */

/*
 * What happened since the memory was new. But for what was cleared and removed, and one for each
 * kill: inserts = entries + replaced + evicted + expired.
 */
struct cache_counts {
	uint64_t hits, stale_hits, misses;
	uint64_t inserts; /* puts, but for too big ones and those of no time */
	uint64_t replaced;
	uint64_t evicted; /* still good */
	uint64_t expired; /* no longer good when room was made */
	uint64_t too_big;
	uint64_t entries, bytes; /* now; what is replaced or removed holds its bytes for a while */
};

#define CACHE_HEAD_LAYOUT UINT64_C(0x3165686361637364) /* "dscache1" */
#define CACHE_HEAD_BYTES  4096u

struct cache_head {
	uint64_t layout;
	uint64_t size;
	uint64_t key_mark;	    /* a hash of nothing, to tell keys apart */
	uint64_t young, old;	    /* ends of the log, in octets since it began: they only grow */
	struct cache_counts counts; /* but for bytes, which is young - old */
};

_Static_assert(sizeof(struct cache_head) <= CACHE_HEAD_BYTES, "it fits");

/* Of memory that another process may be writing: a copy. False when it is no cache. */
bool cache_counts_read(const void *memory, size_t size, struct cache_counts *counts);

void cache_counts_add(struct cache_counts *sum, const struct cache_counts *more);
