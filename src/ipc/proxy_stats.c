/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/proxy_stats.h"

#include <stdlib.h>
#include <string.h>

#include "stats/key.h"

#define RULE_ROOM_LEAST 1024

static const struct hash_key text_key; /* the same everywhere */

size_t proxy_stats_size(const struct config *config)
{
	size_t rules = 1, room = RULE_ROOM_LEAST;

	for (const char *at = config->rules; *at; at++)
		rules += *at == '\n';
	while (room < rules)
		room *= 2;
	return sizeof(struct proxy_stats) + 2 * room * sizeof(uint64_t);
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
	return size < sizeof(struct proxy_stats)
		       ? 0
		       : (size - sizeof(struct proxy_stats)) / (2 * sizeof(uint64_t));
}

uint64_t proxy_stats_identity(const char *text, size_t length)
{
	return hash_bytes(&text_key, text, length) | 1;
}

/* What a predecessor left: room identities, then as many counts, in so many words. */
struct earlier {
	const uint64_t *words;
	size_t count, room;
};

static uint64_t hits_at(const struct earlier *earlier, size_t place)
{
	size_t at = earlier->room + place; /* cannot overflow: both are below count */

	return at < earlier->count ? earlier->words[at] : 0;
}

/* What was counted for a rule; rules mostly keep their places. */
static uint64_t hits_before(const struct earlier *earlier, size_t place, uint64_t identity)
{
	if (place < earlier->room && earlier->words[place] == identity)
		return hits_at(earlier, place);
	for (size_t i = 0; i < earlier->room; i++)
		if (earlier->words[i] == identity)
			return hits_at(earlier, i);
	return 0;
}

/* What the last process said of the moment is over. */
static void forget_moment(struct proxy_stats *stats)
{
	stats->traffic.connections = 0;
	for (uint32_t i = 0; i < PROXY_UPSTREAMS_MAX; i++) {
		stats->upstreams[i].outstanding = 0;
		stats->upstreams[i].is_backed_off = 0;
		stats->upstreams[i].is_in_use = 0;
	}
}

uint64_t *proxy_stats_attach(struct proxy_stats *stats, size_t size, uint32_t rule_count,
			     proxy_stats_text_fn text, const void *argument)
{
	size_t room = room_of(size);
	struct earlier earlier = {.count = 2 * room};
	uint64_t *words;

	if (!room || room < rule_count)
		return NULL;
	if (stats->layout != PROXY_STATS_LAYOUT)
		memset(stats, 0, size);
	words = malloc(earlier.count * sizeof(*words));
	if (!words)
		return NULL;
	memcpy(words, stats->rules, earlier.count * sizeof(*words));
	memset(stats->rules, 0, earlier.count * sizeof(*words));
	earlier.words = words;
	earlier.room = stats->rule_room < earlier.count ? stats->rule_room : earlier.count;
	for (uint32_t i = 0; i < rule_count; i++) {
		stats->rules[i] =
			proxy_stats_identity(text(argument, i), strlen(text(argument, i)));
		stats->rules[room + i] = hits_before(&earlier, i, stats->rules[i]);
	}
	free(words);
	forget_moment(stats);
	stats->rule_room = room;
	stats->layout = PROXY_STATS_LAYOUT;
	return stats->rules + room;
}

/* Its own, else a free one, else one that no rule has any more, else the last. */
static struct proxy_upstream_stats *upstream_place(struct proxy_stats *stats, uint64_t identity)
{
	struct proxy_upstream_stats *last = &stats->upstreams[PROXY_UPSTREAMS_MAX - 1];
	struct proxy_upstream_stats *unused = NULL;

	for (struct proxy_upstream_stats *at = stats->upstreams; at < last; at++) {
		if (!at->identity || at->identity == identity)
			return at;
		if (!unused && !at->is_in_use)
			unused = at;
	}
	if (unused)
		memset(unused, 0, sizeof(*unused));
	return unused ? unused : last;
}

struct proxy_upstream_stats *proxy_stats_upstream(struct proxy_stats *stats,
						  const struct upstream *upstream)
{
	char text[UPSTREAM_TEXT_MAX];
	struct proxy_upstream_stats *place;
	uint64_t identity;

	upstream_format(upstream, text);
	identity = proxy_stats_identity(text, strlen(text));
	place = upstream_place(stats, identity);
	place->identity = identity;
	place->is_in_use = 1;
	return place;
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

/* A count that a predecessor left may be any. */
static bool gives_way(uint64_t count, uint64_t random)
{
	return count < UINT64_MAX && random % (count + 1) == 0;
}

void proxy_stats_name(struct proxy_stats *stats, const struct hash_key *key, struct slice name,
		      uint64_t random)
{
	struct proxy_names *names = &stats->names;
	uint64_t hash = key_of_exact(key, name.data, name.length);
	uint32_t place = place_of(names, hash);

	if (names->hashes[place] != hash) {
		if (!gives_way(names->counts[place], random))
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
	return stats->rules[number] == proxy_stats_identity(text, length)
		       ? stats->rules[room + number]
		       : 0;
}
