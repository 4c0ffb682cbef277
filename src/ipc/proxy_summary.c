/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/proxy_summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static uint32_t rules_in(const char *text)
{
	uint32_t count = 0;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		count += *text != '\n';
	return count;
}

void proxy_summary_init(struct proxy_summary *summary, const struct config *config)
{
	uint32_t room = rules_in(config->rules);

	*summary = (struct proxy_summary){0};
	summary->rules = xcalloc(room + 1, sizeof(*summary->rules));
	for (const char *at = config->rules; *at;) {
		size_t length = strcspn(at, "\n");

		if (length)
			summary->rules[summary->rule_count++] =
				(struct proxy_summary_rule){at, (uint32_t)length, 0};
		at += length + (at[length] == '\n');
	}
}

void proxy_summary_fini(struct proxy_summary *summary)
{
	free(summary->rules);
	free(summary->names);
	*summary = (struct proxy_summary){0};
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
	struct proxy_upstream_stats *sum = summary->upstreams;
	struct proxy_upstream_stats *end = sum + summary->upstream_count;

	while (sum < end && sum->identity != more->identity)
		sum++;
	if (sum == summary->upstreams + PROXY_UPSTREAMS_MAX)
		return;
	if (sum == end) {
		*sum = *more;
		summary->upstream_count++;
		return;
	}
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
	sum->tcp_failures += more->tcp_failures;
	sum->latency_ns_sum += more->latency_ns_sum;
	sum->outstanding += more->outstanding;
	sum->is_backed_off += more->is_backed_off;
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

static void add_names(struct proxy_summary *summary, const struct proxy_names *names)
{
	for (uint32_t i = 0; i < PROXY_NAMES; i++) {
		struct proxy_summary_name *copy = name_room(summary);
		const struct proxy_name *name = &copy->name;

		copy->count = names->counts[i];
		copy->name = names->names[i];
		summary->name_count +=
			copy->count && name->length &&
			name_wire_length((struct slice){name->wire, name->length}) == name->length;
	}
}

void proxy_summary_add(struct proxy_summary *summary, const struct proxy_stats *stats, size_t size)
{
	struct proxy_upstream_stats upstream;

	if (size < sizeof(*stats) || stats->layout != PROXY_STATS_LAYOUT)
		return;
	add_traffic(&summary->traffic, &stats->traffic);
	summary->tried += stats->tried;
	summary->untouched += stats->untouched;
	for (uint32_t i = 0; i < PROXY_UPSTREAMS_MAX; i++) {
		upstream = stats->upstreams[i];
		if (upstream.identity)
			add_upstream(summary, &upstream);
	}
	for (uint32_t i = 0; i < summary->rule_count; i++)
		summary->rules[i].hits += proxy_stats_hits(stats, size, i, summary->rules[i].text,
							   summary->rules[i].length);
	add_names(summary, &stats->names);
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

void proxy_summary_finish(struct proxy_summary *summary)
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
