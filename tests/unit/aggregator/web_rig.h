/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregator/outputs/geoip.h"
#include "aggregator/web/host.h"
#include "rules/filter.h"

/* What the web shows, without an aggregator: streams with hostile names whose counters say how they
 * were asked for, tables as long as is wanted, two workers, two outputs. */

static struct config rig_config;
static struct aggregator_words rig_words;
static struct state_head rig_heads[2];
static struct state_watch rig_watches[2];
static struct web_host rig_host;
static struct proxy_summary rig_proxy;
static struct proxy_stats *rig_proxies[2]; /* as large as of any configuration here */
static uint8_t rig_cache[1 << 20];
static uint32_t rig_streams;
static int rig_resets;
static uint64_t rig_in_ring;

static const char *const rig_hostile[] = {
	"eth0",
	"<script>&\"'",
	"back\\slash",
	"line\nend",
	"\x1b[31m\x07\x7f",
	"\xee\xbc\x9b[31m\xee\xbc\x87\xee\xbd\xbf", /* what the one before is written as */
	"\xff\xfe\xc0\xaf",
	"\xe2\x82\xac {a=\"b\"} 1\n# EOF\n",
};
enum { RIG_HOSTILE = sizeof(rig_hostile) / sizeof(rig_hostile[0]) };

const char *rules_library_version(void)
{
	return "10";
}

const char *geoip_library_version(void)
{
	return "1";
}

/* Of the first address nothing is known. */
void geoip_find(const struct geoip *geoip, const struct address *address, struct geoip_place *place)
{
	(void)geoip;
	*place = (struct geoip_place){"\xe2\x82\xac \"", "<b>", "-", address->bytes[3]};
}

uint32_t streams_count(const struct streams *streams)
{
	(void)streams;
	return rig_streams;
}

const char *streams_name(const struct streams *streams, uint32_t index)
{
	static char name[32];

	(void)streams;
	if (index < RIG_HOSTILE)
		return rig_hostile[index];
	snprintf(name, sizeof(name), "stream %u", index);
	return name;
}

int streams_find(const struct streams *streams, const char *name)
{
	for (uint32_t i = 0; i < rig_streams; i++)
		if (!strcmp(streams_name(streams, i), name))
			return (int)i;
	return -ENOENT;
}

const struct summary *streams_summary(struct streams *streams, uint32_t index)
{
	(void)index;
	return (const struct summary *)streams;
}

struct streams_rates streams_rates(const struct streams *streams, uint32_t index, uint32_t window_s)
{
	(void)streams;
	return (struct streams_rates){.queries = index + 0.5, .responses = window_s / 3.0};
}

/* Its value is the length of its name, and 100 for each stream before it. */
bool streams_counter(struct streams *streams, uint32_t index, const char *name, uint64_t *value)
{
	(void)streams;
	if (!strncmp(name, "unknown", 7))
		return false;
	*value = strlen(name) + (index == STREAMS_ALL ? 100000 : index * 100);
	return true;
}

int summary_table(const struct summary *summary, enum summary_table table, const char *what,
		  struct summary_item *items, uint32_t count)
{
	(void)summary;
	if (!strncmp(what, "unknown", 7))
		return -ENOENT;
	for (uint32_t i = 0; i < count; i++) {
		if (table == SUMMARY_CLIENTS)
			snprintf(items[i].text, sizeof(items[i].text), "192.0.%u.%u", i / 256,
				 i % 256);
		else
			snprintf(items[i].text, sizeof(items[i].text), "%d <%s> %u.", (int)table,
				 what, i);
		items[i].count = 1000000 - i;
	}
	return (int)count;
}

uint32_t summary_latency_buckets(const struct summary *summary,
				 struct summary_bucket buckets[SUMMARY_BUCKETS_MAX],
				 uint64_t *count, double *sum_seconds)
{
	(void)summary;
	for (uint32_t i = 0; i < SUMMARY_BUCKETS_MAX; i++)
		buckets[i] = (struct summary_bucket){1e-6 * (double)(1u << i), i};
	*count = SUMMARY_BUCKETS_MAX;
	*sum_seconds = 1.25;
	return SUMMARY_BUCKETS_MAX;
}

double summary_latency_quantile(const struct summary *summary, double quantile)
{
	(void)summary;
	return quantile / 100;
}

static void rig_reset(void *argument)
{
	(void)argument;
	rig_resets++;
}

static uint64_t rig_waiting(void *argument, uint32_t worker)
{
	(void)argument;
	return worker ? 0 : rig_in_ring;
}

/* A proxy whose rules are hostile, and what its workers tell: no more than zeros. Once for a test.
 */
static inline void rig_add_proxy(void)
{
	struct cache_head head = {.layout = CACHE_HEAD_LAYOUT, .size = sizeof(rig_cache)};

	strcpy(rig_config.proxy.listen, "127.0.0.1:53");
	rig_config.proxy.cache_mib = 2;
	rig_config.worker_count = 2;
	strcpy(rig_config.rules, "block \"<script>\\\\\"\n"
				 "shadow log \xff\x1b[31m\n"
				 "resolve a using 192.0.2.1, tcp://[2001:db8::1]:5353\n"
				 "resolve b using ordered 192.0.2.1:53, 192.0.2.3");
	proxy_summary_fini(&rig_proxy);
	proxy_summary_init(&rig_proxy, &rig_config);
	for (int i = 0; i < 2; i++) {
		if (!rig_proxies[i])
			rig_proxies[i] = malloc(proxy_stats_size(&rig_config));
		memset(rig_proxies[i], 0, proxy_stats_size(&rig_config));
		rig_host.workers[i].proxy = rig_proxies[i];
	}
	memcpy(rig_cache, &head, sizeof(head));
	rig_host.workers[0].cache = rig_cache;
}

static inline void rig_init(void)
{
	rig_config = config_default;
	memset(&rig_words, 0, sizeof(rig_words));
	memset(rig_heads, 0, sizeof(rig_heads));
	memset(rig_watches, 0, sizeof(rig_watches));
	rig_config.output_count = 2;
	strcpy(rig_config.outputs[0].name, "file-0");
	strcpy(rig_config.outputs[1].name, "a\"b\\c");
	rig_words.outputs[0].is_up = rig_words.outputs[1].is_up = 1;
	rig_streams = AGGREGATOR_STREAMS_MAX;
	proxy_summary_fini(&rig_proxy);
	proxy_summary_init(&rig_proxy, &rig_config);
	rig_resets = 0;
	rig_in_ring = 0;
	rig_host = (struct web_host){
		.config = &rig_config,
		.words = &rig_words,
		.workers = {{.head = &rig_heads[0], .watch = &rig_watches[0]},
			    {.head = &rig_heads[1], .watch = &rig_watches[1]}},
		.worker_count = 2,
		.proxy = &rig_proxy,
		.in_ring = rig_waiting,
		.reset = rig_reset,
	};
}
