/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/proxy_summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rules/rule.h"

static uint32_t rules_in(const char *text)
{
	uint32_t count = 0;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		count += *text != '\n';
	return count;
}

static void take_upstream(struct proxy_summary *summary, const struct upstream *upstream)
{
	struct proxy_summary_upstream *at = summary->upstreams;
	char text[UPSTREAM_TEXT_MAX];

	upstream_format(upstream, text);
	for (; at < summary->upstreams + summary->upstream_count; at++)
		if (!strcmp(at->text, text))
			return;
	if (summary->upstream_count == PROXY_UPSTREAMS_MAX)
		return;
	strcpy(at->text, text);
	at->stats.identity = proxy_stats_identity(text, strlen(text));
	summary->upstream_count++;
}

static void take_rule(struct proxy_summary *summary, const char *text, size_t length,
		      struct rule *rule)
{
	struct proxy_summary_rule *taken = &summary->rules[summary->rule_count++];
	char line[RULE_TEXT_MAX];

	snprintf(line, sizeof(line), "%.*s", (int)length, text);
	*taken = (struct proxy_summary_rule){.text = text, .length = (uint32_t)length};
	if (!rule_parse_known(line, rule))
		return;
	taken->is_shadow = rule->is_shadow;
	taken->class_name = rule_class_name(rule);
	for (uint32_t i = 0; i < rule->upstreams.count; i++)
		take_upstream(summary, &rule->upstreams.servers[i]);
}

void proxy_summary_init(struct proxy_summary *summary, const struct config *config)
{
	struct rule *rule = xmalloc(sizeof(*rule));
	size_t length;

	memset(summary, 0, sizeof(*summary));
	summary->rules = xcalloc(rules_in(config->rules) + 1, sizeof(*summary->rules));
	for (const char *at = config->rules; *at; at += length + (at[length] == '\n')) {
		length = strcspn(at, "\n");
		if (length)
			take_rule(summary, at, length, rule);
	}
	free(rule);
}

void proxy_summary_fini(struct proxy_summary *summary)
{
	free(summary->rules);
	free(summary->names);
	memset(summary, 0, sizeof(*summary));
}

void proxy_summary_clear(struct proxy_summary *summary)
{
	summary->traffic = (struct proxy_traffic_stats){0};
	summary->cache = (struct cache_counts){0};
	summary->judged = summary->undecided = summary->cache_bytes = 0;
	for (uint32_t i = 0; i < summary->upstream_count; i++)
		summary->upstreams[i].stats = (struct proxy_upstream_stats){
			.identity = summary->upstreams[i].stats.identity};
	for (uint32_t i = 0; i < summary->rule_count; i++)
		summary->rules[i].hits = 0;
	summary->name_count = 0;
}

static void add_traffic(struct proxy_traffic_stats *sum, const struct proxy_traffic_stats *more)
{
	if (more->responses &&
	    (!sum->responses || more->response_ns_least < sum->response_ns_least))
		sum->response_ns_least = more->response_ns_least;
	if (more->response_ns_most > sum->response_ns_most)
		sum->response_ns_most = more->response_ns_most;
	if (more->samples && (!sum->samples || more->active_least < sum->active_least))
		sum->active_least = more->active_least;
	if (more->active_most > sum->active_most)
		sum->active_most = more->active_most;
	sum->packets_received += more->packets_received;
	sum->bytes_received += more->bytes_received;
	sum->packets_sent += more->packets_sent;
	sum->bytes_sent += more->bytes_sent;
	sum->responses += more->responses;
	sum->response_ns_sum += more->response_ns_sum;
	sum->samples += more->samples;
	sum->active_sum += more->active_sum;
	sum->connections += more->connections;
}

static void add_upstream(struct proxy_summary *summary, const struct proxy_upstream_stats *more)
{
	struct proxy_upstream_stats *sum = NULL;

	for (uint32_t i = 0; i < summary->upstream_count && !sum; i++)
		if (summary->upstreams[i].stats.identity == more->identity)
			sum = &summary->upstreams[i].stats;
	if (!sum)
		return;
	sum->queries += more->queries;
	sum->answers += more->answers;
	sum->errors += more->errors;
	sum->timeouts += more->timeouts;
	sum->retries += more->retries;
	sum->wrong_ids += more->wrong_ids;
	sum->wrong_questions += more->wrong_questions;
	sum->malformed += more->malformed;
	sum->truncated += more->truncated;
	sum->tcp_connections += more->tcp_connections;
	sum->failures += more->failures;
	sum->latency_ns_sum += more->latency_ns_sum;
	sum->outstanding += more->outstanding;
	sum->is_backed_off += more->is_backed_off != 0;
}

static struct proxy_summary_name *name_room(struct proxy_summary *summary)
{
	if (summary->name_count == summary->name_room) {
		summary->name_room += PROXY_NAMES;
		summary->names =
			reallocarray(summary->names, summary->name_room, sizeof(*summary->names));
		if (!summary->names)
			abort();
	}
	return &summary->names[summary->name_count];
}

/* Is it of a layout that can be read? */
static bool is_told(const struct proxy_stats *stats, size_t size)
{
	return size >= sizeof(*stats) &&
	       __atomic_load_n(&stats->layout, __ATOMIC_ACQUIRE) == PROXY_STATS_LAYOUT;
}

void proxy_summary_add(struct proxy_summary *summary, const struct proxy_stats *stats, size_t size,
		       bool is_wanted)
{
	struct proxy_traffic_stats traffic;
	struct proxy_upstream_stats upstream;

	if (!is_told(stats, size))
		return;
	traffic = stats->traffic;
	if (!is_wanted)
		traffic.connections = 0;
	add_traffic(&summary->traffic, &traffic);
	summary->judged += stats->judged;
	summary->undecided += stats->undecided;
	for (uint32_t i = 0; i < PROXY_UPSTREAMS_MAX; i++) {
		upstream = stats->upstreams[i];
		if (!is_wanted)
			upstream.outstanding = upstream.is_backed_off = 0;
		if (upstream.is_in_use)
			add_upstream(summary, &upstream);
	}
	for (uint32_t i = 0; i < summary->rule_count; i++)
		summary->rules[i].hits += proxy_stats_hits(stats, size, i, summary->rules[i].text,
							   summary->rules[i].length);
}

void proxy_summary_add_names(struct proxy_summary *summary, const struct proxy_stats *stats,
			     size_t size)
{
	for (uint32_t i = 0; is_told(stats, size) && i < PROXY_NAMES; i++) {
		struct proxy_summary_name *copy = name_room(summary);
		const struct proxy_name *name = &copy->name;

		copy->count = stats->names.counts[i];
		copy->name = stats->names.names[i];
		summary->name_count +=
			copy->count && name->length &&
			name_wire_length((struct slice){name->wire, name->length}) == name->length;
	}
}

void proxy_summary_add_cache(struct proxy_summary *summary, const void *memory, size_t size)
{
	struct cache_counts counts;

	summary->cache_bytes += size;
	if (cache_counts_read(memory, size, &counts))
		cache_counts_add(&summary->cache, &counts);
}

static int compare_names(const void *a, const void *b)
{
	const struct proxy_summary_name *first = a, *second = b;

	if (first->name.length != second->name.length)
		return first->name.length - second->name.length;
	return memcmp(first->name.wire, second->name.wire, first->name.length);
}

static int compare_counts(const void *a, const void *b)
{
	const struct proxy_summary_name *first = a, *second = b;

	if (first->count != second->count)
		return first->count < second->count ? 1 : -1;
	return compare_names(a, b);
}

void proxy_summary_sort_names(struct proxy_summary *summary)
{
	struct proxy_summary_name *names = summary->names;
	uint32_t count = 0;

	if (!summary->name_count)
		return;
	qsort(names, summary->name_count, sizeof(*names), compare_names);
	for (uint32_t i = 1; i < summary->name_count; i++) {
		if (!compare_names(&names[count], &names[i]))
			names[count].count += names[i].count;
		else
			names[++count] = names[i];
	}
	summary->name_count = count + 1;
	qsort(names, summary->name_count, sizeof(*names), compare_counts);
}
