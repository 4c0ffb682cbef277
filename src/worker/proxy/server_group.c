/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/server_group.h"

#include <string.h>

#include "base/hash.h"

/* A hash of what it is, which no other configuration gives another meaning. */
static uint64_t identity_of(const struct upstream_group *from, uint64_t settings)
{
	const struct hash_key key = {{0x70726f78, 0x67726f75 ^ settings << 32}};
	char text[UPSTREAM_GROUP_MAX * UPSTREAM_TEXT_MAX];
	size_t length = 0;

	for (uint32_t i = 0; i < from->count; i++) {
		upstream_format(&from->servers[i], text + length);
		length += strlen(text + length) + 1;
	}
	return hash_bytes(&key, text, length);
}

static struct server *find(struct server *servers, const struct upstream *upstream)
{
	while (!upstream_equal(&servers->upstream, upstream))
		servers++;
	return servers;
}

void server_group_open(struct server_group *group, const struct upstream_group *from,
		       struct server *servers, uint64_t settings)
{
	*group = (struct server_group){.identity = identity_of(from, settings),
				       .policy = from->policy,
				       .count = from->count};
	for (uint32_t i = 0; i < from->count; i++)
		group->servers[i] = find(servers, &from->servers[i]);
}

bool server_group_is_left_alone(const struct server_group *group, int64_t now_ns)
{
	for (uint32_t i = 0; i < group->count; i++)
		if (!server_is_left_alone(group->servers[i], now_ns))
			return false;
	return true;
}

/* Less is better. */
static uint64_t rank_of(const struct server_group *group, const struct pending *pending,
			uint32_t place, int64_t now_ns)
{
	const struct server *server = group->servers[place];
	uint64_t rank = place;

	if (group->policy == UPSTREAM_ROUND_ROBIN)
		rank = (place + group->count - group->turn % group->count) % group->count;
	else if (group->policy == UPSTREAM_LEAST_OUTSTANDING)
		rank = (uint64_t)server->outstanding << 8 | place;
	return (uint64_t)pending_times_asked(pending, server->number) << 48 |
	       (uint64_t)server_is_left_alone(server, now_ns) << 47 | rank;
}

struct server *server_group_choose(const struct server_group *group, const struct pending *pending,
				   int64_t now_ns)
{
	uint64_t best = UINT64_MAX, rank;
	uint32_t chosen = 0;

	for (uint32_t i = 0; i < group->count; i++) {
		rank = rank_of(group, pending, i, now_ns);
		if (rank < best) {
			best = rank;
			chosen = i;
		}
	}
	return group->servers[chosen];
}

struct server *server_group_find_well(const struct server_group *group)
{
	for (uint32_t i = 0; i < group->count; i++)
		if (!group->servers[i]->backoff_ns)
			return group->servers[i];
	return NULL;
}

bool server_group_has_other(const struct server_group *group, const struct pending *pending)
{
	for (uint32_t i = 0; i < group->count; i++)
		if (!pending_times_asked(pending, group->servers[i]->number))
			return true;
	return false;
}
