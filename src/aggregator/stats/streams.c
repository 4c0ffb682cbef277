/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/stats/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "ipc/observation.h"

#define SUMMARY_LIFE_NS (1 * NANOSECONDS_PER_SECOND)
#define CAPTURED	0 /* the index of the captured stream; those of other servers follow */

struct cached {
	struct summary *summary;
	int64_t made_ns; /* 0: never */
};

struct streams {
	const struct config *config;
	struct stats_limits limits;
	struct hash_key key;
	const struct suffixes *suffixes;
	struct aggregator_state *state;
	const char *captured;
	const void *shards[CONFIG_WORKERS_MAX]; /* of the workers */
	const struct state_watch *watches[CONFIG_WORKERS_MAX];
	uint8_t *memory; /* of the shards of other servers' streams */
	size_t stride;
	uint64_t epoch; /* of those */
	struct shard own[AGGREGATOR_STREAMS_MAX];
	uint32_t own_count;
	struct cached cached[AGGREGATOR_STREAMS_MAX + 1]; /* the last is that of all */
	void (*reset)(void *argument);
	void *argument;
};

static uint64_t epoch_of(const struct streams *streams, uint32_t worker)
{
	return __atomic_load_n(&streams->watches[worker]->stats_epoch, __ATOMIC_RELAXED);
}

static uint32_t slots(const struct streams *streams)
{
	uint32_t wanted = streams->memory ? streams->config->statistics.streams : 0;

	return wanted < AGGREGATOR_STREAMS_MAX - 1 ? wanted : AGGREGATOR_STREAMS_MAX - 1;
}

static void attach_own(struct streams *streams, uint32_t slot)
{
	shard_attach(&streams->own[slot], streams->memory + slot * streams->stride,
		     &streams->limits, &streams->key, streams->epoch, streams->suffixes);
}

struct streams *streams_new(const struct streams_parts *parts)
{
	struct streams *streams = xcalloc(1, sizeof(*streams));

	streams->config = parts->config;
	streams->limits = observation_limits(parts->config);
	streams->key = parts->key;
	streams->suffixes = parts->suffixes;
	streams->state = parts->state;
	streams->captured = parts->captured;
	streams->memory = parts->memory;
	streams->stride = observation_shard_size(parts->config);
	streams->epoch = parts->watches[0] ? parts->watches[0]->stats_epoch : 0;
	streams->reset = parts->reset;
	streams->argument = parts->argument;
	memcpy(streams->shards, parts->shards, sizeof(streams->shards));
	memcpy(streams->watches, parts->watches, sizeof(streams->watches));
	while (streams->own_count < slots(streams) &&
	       *streams->state->stream_names[streams->own_count + 1])
		attach_own(streams, streams->own_count++);
	return streams;
}

void streams_free(struct streams *streams)
{
	if (!streams)
		return;
	for (uint32_t i = 0; i <= AGGREGATOR_STREAMS_MAX; i++)
		summary_free(streams->cached[i].summary);
	free(streams);
}

uint32_t streams_count(const struct streams *streams)
{
	return 1 + streams->own_count;
}

const char *streams_name(const struct streams *streams, uint32_t index)
{
	return index == CAPTURED ? streams->captured : streams->state->stream_names[index];
}

int streams_find(const struct streams *streams, const char *name)
{
	for (uint32_t i = 0; i < streams_count(streams); i++)
		if (!strcmp(streams_name(streams, i), name))
			return (int)i;
	return -ENOENT;
}

/* A name tells streams apart: one that is empty, that is cut short where a text ends, or that the
 * captured stream has, is as good as none. */
static struct slice name_of(const struct streams *streams, struct slice identity)
{
	static const struct slice none = {(const uint8_t *)"-", 1};

	if (!identity.length || identity.length >= sizeof(streams->state->stream_names[0]) ||
	    memchr(identity.data, '\0', identity.length) ||
	    (strlen(streams->captured) == identity.length &&
	     !memcmp(streams->captured, identity.data, identity.length)))
		return none;
	return identity;
}

/* The stream of an identity, which is made when there is room; else the last one, which then stands
 * for several. */
static struct shard *own_of(struct streams *streams, struct slice identity)
{
	identity = name_of(streams, identity);
	for (uint32_t i = 0; i < streams->own_count; i++) {
		const char *name = streams->state->stream_names[i + 1];

		if (strlen(name) == identity.length &&
		    !memcmp(name, identity.data, identity.length))
			return &streams->own[i];
	}
	if (streams->own_count < slots(streams)) {
		char *name = streams->state->stream_names[streams->own_count + 1];

		memcpy(name, identity.data, identity.length);
		name[identity.length] = '\0';
		attach_own(streams, streams->own_count++);
	}
	return streams->own_count ? &streams->own[streams->own_count - 1] : NULL;
}

void streams_count_event(struct streams *streams, const struct event *event)
{
	struct shard *shard = own_of(streams, event->identity);

	if (shard)
		shard_count(shard, event, stats_hash_name(&streams->key, event->qname));
}

void streams_settle(struct streams *streams)
{
	for (uint32_t i = 0; i < streams->own_count; i++)
		shard_settle(&streams->own[i]);
}

static void add_captured(struct streams *streams, struct summary *summary)
{
	for (uint32_t i = 0; i < CONFIG_WORKERS_MAX; i++)
		if (streams->shards[i])
			summary_add(summary, streams->shards[i], epoch_of(streams, i));
}

static void add_own(struct streams *streams, struct summary *summary, uint32_t slot)
{
	summary_add(summary, streams->memory + slot * streams->stride, streams->epoch);
}

const struct summary *streams_summary(struct streams *streams, uint32_t index)
{
	struct cached *cached =
		&streams->cached[index == STREAMS_ALL ? AGGREGATOR_STREAMS_MAX : index];
	int64_t now_ns = clock_monotonic_ns();

	if (cached->made_ns && now_ns - cached->made_ns < SUMMARY_LIFE_NS)
		return cached->summary;
	if (!cached->summary)
		cached->summary = summary_new(&streams->limits, &streams->key, streams->suffixes);
	summary_clear(cached->summary);
	if (index == STREAMS_ALL || index == CAPTURED)
		add_captured(streams, cached->summary);
	for (uint32_t i = 0; i < streams->own_count; i++)
		if (index == STREAMS_ALL || index == i + 1)
			add_own(streams, cached->summary, i);
	cached->made_ns = now_ns;
	return cached->summary;
}

void streams_tick(struct streams *streams, int64_t now_ns)
{
	uint64_t queries = 0, responses = 0;

	for (uint32_t i = 0; i < CONFIG_WORKERS_MAX; i++)
		if (streams->shards[i])
			shard_totals(streams->shards[i], epoch_of(streams, i), &queries,
				     &responses);
	rates_tell(&streams->state->rates[CAPTURED], now_ns, queries, responses);
	for (uint32_t i = 0; i < streams->own_count; i++) {
		queries = responses = 0;
		shard_totals(streams->memory + i * streams->stride, streams->epoch, &queries,
			     &responses);
		rates_tell(&streams->state->rates[i + 1], now_ns, queries, responses);
	}
}

struct streams_rates streams_rates(const struct streams *streams, uint32_t index, uint32_t window_s)
{
	struct streams_rates sum = {0};

	for (uint32_t i = 0; i < streams_count(streams); i++) {
		if (index != STREAMS_ALL && index != i)
			continue;
		sum.queries += rates_queries(&streams->state->rates[i], window_s);
		sum.responses += rates_responses(&streams->state->rates[i], window_s);
	}
	return sum;
}

bool streams_counter(struct streams *streams, uint32_t index, const char *name, uint64_t *value)
{
	struct rates_name rate;
	struct streams_rates rates;
	double per_second;

	if (!rates_parse(name, &rate))
		return summary_counter(streams_summary(streams, index), name, value);
	rates = streams_rates(streams, index, rate.window_s);
	per_second = rate.has_queries * rates.queries + rate.has_responses * rates.responses;
	*value = per_second < 1e18 ? (uint64_t)(per_second + 0.5) : UINT64_MAX;
	return true;
}

void streams_renew(struct streams *streams)
{
	for (uint32_t i = 0; i <= AGGREGATOR_STREAMS_MAX; i++)
		streams->cached[i].made_ns = 0;
}

void streams_reset(struct streams *streams)
{
	streams->epoch++;
	for (uint32_t i = 0; i < streams->own_count; i++)
		shard_set_epoch(&streams->own[i], streams->epoch);
	streams_renew(streams);
	if (streams->reset)
		streams->reset(streams->argument);
}
