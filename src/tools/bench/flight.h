/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/*
 * The queries in flight: a fixed number, divided among lanes (sockets, or connections), each of
 * which has ids of its own. Memory is taken once; all operations but flight_end_lane take the same
 * short time.
 */
struct flight;

struct flight_query {
	int64_t sent_ns;   /* monotonic; never less than that of the query taken before */
	uint32_t question; /* its number */
	uint32_t lane;
	uint32_t older, newer; /* for flight.c */
	uint16_t id;	       /* host byte order */
	bool is_out;
};

#define FLIGHT_LANE_MAX \
	32768 /* queries of one lane, so that no id is used twice at once, or next */

/* queries >= lanes >= 1, and no lane has more than FLIGHT_LANE_MAX. Exits when out of memory. */
struct flight *flight_new(uint32_t queries, uint32_t lanes);
void flight_free(struct flight *flight);

/* A query to be sent, with an id that no other of the lane has; NULL when the lane is full. */
struct flight_query *flight_take(struct flight *flight, uint32_t lane);

/* The query that has this id, or NULL: it was never asked, or is over. */
struct flight_query *flight_find(struct flight *flight, uint32_t lane, uint16_t id);

/* It is over, answered or not. */
void flight_end(struct flight *flight, struct flight_query *query);

/* All of a lane are over. Returns how many. */
uint32_t flight_end_lane(struct flight *flight, uint32_t lane);

/* The one that was taken first, or NULL. */
struct flight_query *flight_oldest(const struct flight *flight);

uint32_t flight_count(const struct flight *flight);
bool flight_is_full(const struct flight *flight, uint32_t lane);
