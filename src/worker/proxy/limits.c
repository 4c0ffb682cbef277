/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Of each network only the moment is kept at which it will have used what it took, were it to take
 * one at a time at the rate (the generic cell rate algorithm): that moment may lie ahead by as much
 * as the burst.
 */
#include "worker/proxy/limits.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"

#define SETS	     16384
#define WAYS	     4 /* a cache line */
#define OCTETS_INET  3
#define OCTETS_INET6 7

struct limits {
	struct {
		uint64_t network; /* keyed hash; 0: free */
		int64_t used_ns;
	} ways[SETS][WAYS];
	struct hash_key key;
	int64_t interval_ns, burst_ns;
};

struct limits *limits_new(uint32_t rate, uint32_t burst)
{
	struct limits *limits = calloc(1, sizeof(*limits));

	if (!limits || random_secret(&limits->key, sizeof(limits->key))) {
		free(limits);
		return NULL;
	}
	limits->interval_ns = NANOSECONDS_PER_SECOND / rate;
	limits->burst_ns = limits->interval_ns * (burst ? burst - 1 : 0);
	return limits;
}

void limits_free(struct limits *limits)
{
	free(limits);
}

bool limits_admit(struct limits *limits, const struct address *client, int64_t now_ns)
{
	size_t octets = client->version == 4 ? OCTETS_INET : OCTETS_INET6;
	uint64_t network = hash_bytes(&limits->key, client->bytes, octets) | 1;
	uint32_t set = (uint32_t)(network >> 32) % SETS, chosen = 0;

	for (uint32_t way = 0; way < WAYS; way++) {
		if (limits->ways[set][way].network == network) {
			chosen = way;
			break;
		}
		if (limits->ways[set][way].used_ns < limits->ways[set][chosen].used_ns)
			chosen = way;
	}
	if (limits->ways[set][chosen].network != network ||
	    limits->ways[set][chosen].used_ns < now_ns)
		limits->ways[set][chosen].used_ns = now_ns;
	limits->ways[set][chosen].network = network;
	if (limits->ways[set][chosen].used_ns - now_ns > limits->burst_ns)
		return false;
	limits->ways[set][chosen].used_ns += limits->interval_ns;
	return true;
}
