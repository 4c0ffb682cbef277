/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/proxy_stats.h"

#include <stdlib.h>
#include <string.h>

#include "stats/key.h"

static const struct hash_key text_key; /* the same everywhere */

size_t proxy_stats_size(const struct config *config)
{
	size_t rules = 1;

	for (const char *at = config->rules; *at; at++)
		rules += *at == '\n';
	return sizeof(struct proxy_stats) + 2 * rules * sizeof(uint64_t);
}

size_t proxy_cache_size(const struct config *config)
{
	uint32_t mib = config->proxy.cache_mib / config->worker_count;

	if (!config->proxy.cache_mib)
		return 0;
	return (size_t)(mib ? mib : 1) << 20;
}

static size_t room_of(size_t size)
{
	return (size - sizeof(struct proxy_stats)) / (2 * sizeof(uint64_t));
}

static uint64_t identity_of(const char *text, size_t length)
{
	return hash_bytes(&text_key, text, length) | 1;
}

/* What a predecessor counted for a rule; rules mostly keep their places. */
static uint64_t hits_before(const uint64_t *rules, size_t room, size_t place, uint64_t identity)
{
	if (place < room && rules[place] == identity)
		return rules[room + place];
	for (size_t i = 0; i < room; i++)
		if (rules[i] == identity)
			return rules[room + i];
	return 0;
}

uint64_t *proxy_stats_attach(struct proxy_stats *stats, size_t size, uint32_t rule_count,
			     proxy_stats_text_fn text, const void *argument)
{
	size_t room = size < sizeof(*stats) ? 0 : room_of(size), room_before;
	uint64_t *before;

	if (room < rule_count)
		return NULL;
	if (stats->layout != PROXY_STATS_LAYOUT)
		memset(stats, 0, size);
	room_before = stats->rule_room <= room ? stats->rule_room : room;
	before = calloc(2 * room + 1, sizeof(*before));
	if (!before)
		return NULL;
	memcpy(before, stats->rules, 2 * room_before * sizeof(*before));
	memset(stats->rules, 0, 2 * room * sizeof(*before));
	for (uint32_t i = 0; i < rule_count; i++) {
		stats->rules[i] = identity_of(text(argument, i), strlen(text(argument, i)));
		stats->rules[room + i] = hits_before(before, room_before, i, stats->rules[i]);
	}
	free(before);
	stats->rule_room = room;
	stats->layout = PROXY_STATS_LAYOUT;
	return stats->rules + room;
}

struct proxy_upstream_stats *proxy_stats_upstream(struct proxy_stats *stats,
						  const struct upstream *upstream)
{
	char text[UPSTREAM_TEXT_MAX];
	struct proxy_upstream_stats *at = stats->upstreams;
	uint64_t identity;

	upstream_format(upstream, text);
	identity = identity_of(text, strlen(text));
	for (; at < stats->upstreams + PROXY_UPSTREAMS_MAX - 1; at++)
		if (!at->identity || at->identity == identity)
			break;
	at->identity = identity;
	at->endpoint = upstream->endpoint;
	at->transport = (uint8_t)upstream->transport;
	return at;
}

void proxy_stats_answer(struct proxy_stats *stats, uint64_t took_ns)
{
	struct proxy_traffic_stats *traffic = &stats->traffic;

	if (!traffic->responses || took_ns < traffic->response_ns_least)
		traffic->response_ns_least = took_ns;
	if (took_ns > traffic->response_ns_most)
		traffic->response_ns_most = took_ns;
	traffic->response_ns_sum += took_ns;
	traffic->responses++;
}

/* The place of a name: its own, a free one, or that of the least. */
static uint32_t place_of(const struct proxy_names *names, uint64_t hash)
{
	uint32_t first = (uint32_t)(hash >> 32) % (PROXY_NAMES / PROXY_NAME_WAYS) * PROXY_NAME_WAYS;
	uint32_t least = first;

	for (uint32_t i = first; i < first + PROXY_NAME_WAYS; i++) {
		if (names->hashes[i] == hash)
			return i;
		if (names->counts[i] < names->counts[least])
			least = i;
	}
	return least;
}

void proxy_stats_name(struct proxy_stats *stats, const struct hash_key *key, struct slice name,
		      uint64_t random)
{
	struct proxy_names *names = &stats->names;
	uint64_t hash = key_of_exact(key, name.data, name.length);
	uint32_t place = place_of(names, hash);

	if (names->hashes[place] != hash) {
		if (random % (names->counts[place] + 1))
			return;
		names->names[place].length = (uint8_t)name.length;
		memcpy(names->names[place].wire, name.data, name.length);
		names->hashes[place] = hash;
	}
	names->counts[place]++;
}

uint64_t proxy_stats_hits(const struct proxy_stats *stats, size_t size, uint32_t number,
			  const char *text, size_t length)
{
	size_t room = room_of(size);

	if (stats->layout != PROXY_STATS_LAYOUT || stats->rule_room != room || number >= room)
		return 0;
	return stats->rules[number] == identity_of(text, length) ? stats->rules[room + number] : 0;
}
