/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lane's queries stand in neighbouring slots. An id has the number of the slot in its low bits,
 * so that an answer finds its query without a search, and in the rest how often the slot was used,
 * so that a late answer does not pass for the next one's. All of it is veiled by a random word:
 * runs should not look alike to a server.
 */
#include "tools/bench/flight.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"

#define NONE UINT32_MAX

struct lane_share {
	uint32_t first;
	uint32_t room;
	uint32_t free; /* a list by way of newer, or NONE */
	uint16_t veil;
};

struct flight {
	uint32_t lane_count;
	uint32_t slot_bits; /* of the largest lane */
	uint32_t count;
	uint32_t oldest, newest;
	struct lane_share *lanes;
	struct flight_query *slots;
};

static void lane_init(struct flight *flight, uint32_t lane, uint32_t first, uint32_t end)
{
	struct lane_share *share = &flight->lanes[lane];

	share->first = first;
	share->room = end - first;
	share->free = first;
	for (uint32_t slot = first; slot < end; slot++)
		flight->slots[slot] = (struct flight_query){
			.lane = lane,
			.newer = slot + 1 < end ? slot + 1 : NONE,
			.id = (uint16_t)((slot - first) ^ share->veil),
		};
}

struct flight *flight_new(uint32_t queries, uint32_t lanes)
{
	struct flight *flight = xcalloc(1, sizeof(*flight));
	struct random random;
	uint32_t largest;

	assert(lanes && queries >= lanes);
	largest = (queries + lanes - 1) / lanes;
	assert(largest <= FLIGHT_LANE_MAX);
	if (random_init(&random) < 0)
		log_fatal("no random numbers");
	flight->lane_count = lanes;
	flight->slot_bits = largest > 1 ? 32u - (uint32_t)__builtin_clz(largest - 1) : 0;
	flight->oldest = flight->newest = NONE;
	flight->lanes = xcalloc(lanes, sizeof(*flight->lanes));
	flight->slots = xcalloc(queries, sizeof(*flight->slots));
	for (uint32_t i = 0; i < lanes; i++) {
		flight->lanes[i].veil = (uint16_t)random_next(&random);
		lane_init(flight, i, (uint32_t)((uint64_t)queries * i / lanes),
			  (uint32_t)((uint64_t)queries * (i + 1) / lanes));
	}
	return flight;
}

void flight_free(struct flight *flight)
{
	if (!flight)
		return;
	free(flight->lanes);
	free(flight->slots);
	free(flight);
}

struct flight_query *flight_take(struct flight *flight, uint32_t lane)
{
	struct lane_share *share = &flight->lanes[lane];
	uint32_t slot = share->free;
	struct flight_query *query;

	if (slot == NONE)
		return NULL;
	query = &flight->slots[slot];
	share->free = query->newer;
	query->is_out = true;
	query->id =
		(uint16_t)(((query->id ^ share->veil) + (1u << flight->slot_bits)) ^ share->veil);
	query->older = flight->newest;
	query->newer = NONE;
	if (flight->newest == NONE)
		flight->oldest = slot;
	else
		flight->slots[flight->newest].newer = slot;
	flight->newest = slot;
	flight->count++;
	return query;
}

struct flight_query *flight_find(struct flight *flight, uint32_t lane, uint16_t id)
{
	struct lane_share *share = &flight->lanes[lane];
	uint32_t slot = (id ^ share->veil) & ((1u << flight->slot_bits) - 1);
	struct flight_query *query = &flight->slots[share->first + slot];

	return slot < share->room && query->is_out && query->id == id ? query : NULL;
}

void flight_end(struct flight *flight, struct flight_query *query)
{
	struct lane_share *share = &flight->lanes[query->lane];

	assert(query->is_out);
	if (query->older == NONE)
		flight->oldest = query->newer;
	else
		flight->slots[query->older].newer = query->newer;
	if (query->newer == NONE)
		flight->newest = query->older;
	else
		flight->slots[query->newer].older = query->older;
	query->is_out = false;
	query->newer = share->free;
	share->free = (uint32_t)(query - flight->slots);
	flight->count--;
}

uint32_t flight_end_lane(struct flight *flight, uint32_t lane)
{
	struct flight_query *query = flight->slots + flight->lanes[lane].first;
	struct flight_query *end = query + flight->lanes[lane].room;
	uint32_t count = flight->count;

	for (; query < end; query++)
		if (query->is_out)
			flight_end(flight, query);
	return count - flight->count;
}

struct flight_query *flight_oldest(const struct flight *flight)
{
	return flight->oldest == NONE ? NULL : &flight->slots[flight->oldest];
}

uint32_t flight_count(const struct flight *flight)
{
	return flight->count;
}

bool flight_is_full(const struct flight *flight, uint32_t lane)
{
	return flight->lanes[lane].free == NONE;
}
