/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/web/metrics_proxy.h"

#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"

#define NUMBER_MAX  12
#define COUNT_OF(x) (sizeof(x) / sizeof((x)[0]))

static void add_one(struct exposition *out, const struct exposition_family *family, uint64_t value)
{
	exposition_begin(out, family);
	exposition_add(out, family, NULL, value);
}

static void add_rules(struct exposition *out, const struct proxy_summary *summary, bool is_dry_run)
{
	static const struct exposition_family
		hits = {"dnsflow_proxy_rule_hits", EXPOSITION_COUNTER,
			"Queries that a rule matched, or would have in a dry run"},
		judged = {"dnsflow_proxy_judged", EXPOSITION_COUNTER,
			  "Captured queries that rules judged"},
		undecided = {"dnsflow_proxy_undecided", EXPOSITION_COUNTER,
			     "Captured queries that no rule decided"};
	char number[NUMBER_MAX];
	const struct exposition_label labels[EXPOSITION_LABELS] = {{"rule", number}};

	if (!summary->rule_count)
		return;
	exposition_begin(out, &hits);
	for (uint32_t i = 0; i < summary->rule_count; i++) {
		snprintf(number, sizeof(number), "%u", i + 1);
		exposition_add(out, &hits, labels, summary->rules[i].hits);
	}
	if (!is_dry_run)
		return;
	add_one(out, &judged, summary->judged);
	add_one(out, &undecided, summary->undecided);
}

#define OF_UPSTREAM(member) offsetof(struct proxy_upstream_stats, member)

static const struct {
	struct exposition_family family;
	size_t offset;
} of_upstream[] = {
	{{"dnsflow_proxy_upstream_queries", EXPOSITION_COUNTER, "Queries to an upstream server"},
	 OF_UPSTREAM(queries)},
	{{"dnsflow_proxy_upstream_answers", EXPOSITION_COUNTER, "Responses that were believed"},
	 OF_UPSTREAM(answers)},
	{{"dnsflow_proxy_upstream_errors", EXPOSITION_COUNTER,
	  "Those of them that were errors, as SERVFAIL and REFUSED"},
	 OF_UPSTREAM(errors)},
	{{"dnsflow_proxy_upstream_timeouts", EXPOSITION_COUNTER,
	  "Queries without a response in time"},
	 OF_UPSTREAM(timeouts)},
	{{"dnsflow_proxy_upstream_wrong_ids", EXPOSITION_COUNTER,
	  "Responses with an id that nobody waits for"},
	 OF_UPSTREAM(wrong_ids)},
	{{"dnsflow_proxy_upstream_wrong_questions", EXPOSITION_COUNTER,
	  "Responses to another question"},
	 OF_UPSTREAM(wrong_questions)},
	{{"dnsflow_proxy_upstream_malformed", EXPOSITION_COUNTER, "Responses that are none"},
	 OF_UPSTREAM(malformed)},
	{{"dnsflow_proxy_upstream_truncated", EXPOSITION_COUNTER,
	  "Responses that were asked for again over TCP"},
	 OF_UPSTREAM(truncated)},
	{{"dnsflow_proxy_upstream_tcp_connections", EXPOSITION_COUNTER,
	  "TCP connections to an upstream server"},
	 OF_UPSTREAM(tcp_connections)},
	{{"dnsflow_proxy_upstream_failures", EXPOSITION_COUNTER,
	  "Queries that could not be sent, and TCP connections that failed"},
	 OF_UPSTREAM(failures)},
	{{"dnsflow_proxy_upstream_outstanding", EXPOSITION_GAUGE,
	  "Queries that wait for a response"},
	 OF_UPSTREAM(outstanding)},
	{{"dnsflow_proxy_upstream_backed_off", EXPOSITION_GAUGE,
	  "Workers that leave it alone for a while because it failed"},
	 OF_UPSTREAM(is_backed_off)},
};

static void add_latency(struct exposition *out, const struct proxy_summary *summary)
{
	static const struct exposition_family family = {
		"dnsflow_proxy_upstream_latency_seconds", EXPOSITION_COUNTER,
		"Time that all believed responses took together"};

	exposition_begin(out, &family);
	for (uint32_t i = 0; i < summary->upstream_count; i++) {
		const struct proxy_summary_upstream *upstream = &summary->upstreams[i];
		const struct exposition_label labels[EXPOSITION_LABELS] = {
			{"upstream", upstream->text}};

		exposition_add_double(out, &family, labels,
				      (double)upstream->stats.latency_ns_sum /
					      (double)NANOSECONDS_PER_SECOND);
	}
}

static void add_upstreams(struct exposition *out, const struct proxy_summary *summary)
{
	if (!summary->upstream_count)
		return;
	for (size_t k = 0; k < COUNT_OF(of_upstream); k++) {
		exposition_begin(out, &of_upstream[k].family);
		for (uint32_t i = 0; i < summary->upstream_count; i++) {
			const struct proxy_summary_upstream *upstream = &summary->upstreams[i];
			const void *at = (const char *)&upstream->stats + of_upstream[k].offset;
			const struct exposition_label labels[EXPOSITION_LABELS] = {
				{"upstream", upstream->text}};

			exposition_add(out, &of_upstream[k].family, labels, *(const uint64_t *)at);
		}
	}
	add_latency(out, summary);
}

#define OF_CACHE(member) offsetof(struct cache_counts, member)

static const struct {
	struct exposition_family family;
	size_t offset;
} of_cache[] = {
	{{"dnsflow_proxy_cache_entries", EXPOSITION_GAUGE, "Answers that are kept"},
	 OF_CACHE(entries)},
	{{"dnsflow_proxy_cache_used_bytes", EXPOSITION_GAUGE, "Memory of the cache in use"},
	 OF_CACHE(bytes)},
	{{"dnsflow_proxy_cache_hits", EXPOSITION_COUNTER, "Questions with an answer in the cache"},
	 OF_CACHE(hits)},
	{{"dnsflow_proxy_cache_stale_hits", EXPOSITION_COUNTER,
	  "Questions answered after the end of the answer's time"},
	 OF_CACHE(stale_hits)},
	{{"dnsflow_proxy_cache_misses", EXPOSITION_COUNTER, "Questions without one"},
	 OF_CACHE(misses)},
	{{"dnsflow_proxy_cache_inserts", EXPOSITION_COUNTER, "Answers that were put in"},
	 OF_CACHE(inserts)},
	{{"dnsflow_proxy_cache_replaced", EXPOSITION_COUNTER,
	  "Answers in whose place another one came"},
	 OF_CACHE(replaced)},
	{{"dnsflow_proxy_cache_evicted", EXPOSITION_COUNTER,
	  "Answers that made room while they were good"},
	 OF_CACHE(evicted)},
	{{"dnsflow_proxy_cache_expired", EXPOSITION_COUNTER,
	  "Answers that made room when their time was over"},
	 OF_CACHE(expired)},
	{{"dnsflow_proxy_cache_too_big", EXPOSITION_COUNTER, "Answers that are too big to be kept"},
	 OF_CACHE(too_big)},
};

static void add_cache(struct exposition *out, const struct proxy_summary *summary)
{
	static const struct exposition_family size = {"dnsflow_proxy_cache_bytes", EXPOSITION_GAUGE,
						      "Memory of the cache"};

	if (!summary->cache_bytes)
		return;
	add_one(out, &size, summary->cache_bytes);
	for (size_t i = 0; i < COUNT_OF(of_cache); i++) {
		const void *at = (const char *)&summary->cache + of_cache[i].offset;

		add_one(out, &of_cache[i].family, *(const uint64_t *)at);
	}
}

void metrics_proxy_write(const struct web_host *host, struct exposition *out)
{
	static const struct exposition_family connections = {
		"dnsflow_proxy_tcp_connections", EXPOSITION_GAUGE, "TCP connections of clients"};
	const struct proxy_summary *summary = web_host_sum_up_proxy(host, false);

	add_rules(out, summary, host->config->is_dry_run);
	if (!config_has_proxy(host->config))
		return;
	add_one(out, &connections, summary->traffic.connections);
	add_upstreams(out, summary);
	add_cache(out, summary);
}
