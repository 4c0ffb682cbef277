/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "dns/name.h"
#include "ipc/state.h"

/*
 * The order to a worker to flush its cache, wholly or of a name and all below it, and what becomes
 * of it. It lies in the watch, as an epoch that grows and the name of the last one alone; the
 * worker commits the epoch to its head when it has followed. A name may be read at any moment until
 * then, so it stays: an order that comes before is one to flush all, and so is one that finds a
 * worker which has missed another.
 */
struct cache_flush {
	uint64_t epoch;
	uint8_t length; /* of the name, 0: all */
	uint8_t name[DNS_NAME_MAX];
};

/* The supervisor's. name: wire form, lower case; of length 0: all. */
void cache_flush_order(struct state_watch *watch, const struct state_head *head, struct slice name);

/* The worker's: false when there is none that it has not followed. */
bool cache_flush_find(const struct state_watch *watch, const struct state_head *head,
		      struct cache_flush *flush);

/* It has followed. */
void cache_flush_commit(struct state_head *head, const struct cache_flush *flush);
