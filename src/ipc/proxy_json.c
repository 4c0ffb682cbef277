/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/proxy_json.h"

#include <stdio.h>

#include "base/clock.h"
#include "rules/rule.h"

void proxy_json_add_rules(struct json *json, const struct proxy_summary *summary,
			  const struct ledger *ledger, bool is_dry_run)
{
	uint64_t queries = ledger_counter(ledger, COUNTER_PROXY_QUERIES);
	uint64_t undecided = ledger_counter(ledger, COUNTER_PROXY_REFUSED);
	char text[RULE_TEXT_MAX];

	json_add_bool(json, "is_dry_run", is_dry_run);
	json_add_number(json, "queries", is_dry_run ? summary->judged : queries);
	json_add_number(json, "undecided", is_dry_run ? summary->undecided : undecided);
	json_open_array(json, "rules");
	for (uint32_t i = 0; i < summary->rule_count; i++) {
		const struct proxy_summary_rule *rule = &summary->rules[i];

		snprintf(text, sizeof(text), "%.*s", (int)rule->length, rule->text);
		json_open_object(json, NULL);
		json_add_number(json, "number", i + 1);
		json_add_number(json, "hits", rule->hits);
		json_add_bool(json, "is_shadow", rule->is_shadow);
		json_add_string(json, "rule", text);
		json_close_object(json);
	}
	json_close_array(json);
}

static void add_upstream(struct json *json, const struct proxy_summary_upstream *upstream)
{
	const struct proxy_upstream_stats *stats = &upstream->stats;

	json_open_object(json, NULL);
	json_add_string(json, "upstream", upstream->text);
	json_add_number(json, "queries", stats->queries);
	json_add_number(json, "answers", stats->answers);
	json_add_number(json, "errors", stats->errors);
	json_add_number(json, "timeouts", stats->timeouts);
	json_add_number(json, "wrong_ids", stats->wrong_ids);
	json_add_number(json, "wrong_questions", stats->wrong_questions);
	json_add_number(json, "malformed", stats->malformed);
	json_add_number(json, "truncated", stats->truncated);
	json_add_number(json, "tcp_connections", stats->tcp_connections);
	json_add_number(json, "failures", stats->failures);
	if (stats->answers)
		json_add_double(json, "latency_milliseconds",
				(double)stats->latency_ns_sum / (double)stats->answers /
					(double)NANOSECONDS_PER_MILLISECOND);
	else
		json_add_null(json, "latency_milliseconds");
	json_add_number(json, "outstanding", stats->outstanding);
	json_add_number(json, "backed_off", stats->is_backed_off);
	json_close_object(json);
}

void proxy_json_add_upstreams(struct json *json, const char *key,
			      const struct proxy_summary *summary)
{
	json_open_array(json, key);
	for (uint32_t i = 0; i < summary->upstream_count; i++)
		add_upstream(json, &summary->upstreams[i]);
	json_close_array(json);
}

void proxy_json_add_cache(struct json *json, const char *key, const struct proxy_summary *summary)
{
	const struct cache_counts *counts = &summary->cache;

	if (!summary->cache_bytes) {
		json_add_null(json, key);
		return;
	}
	json_open_object(json, key);
	json_add_number(json, "entries", counts->entries);
	json_add_number(json, "bytes", counts->bytes);
	json_add_number(json, "bytes_most", summary->cache_bytes);
	json_add_number(json, "hits", counts->hits);
	json_add_number(json, "stale_hits", counts->stale_hits);
	json_add_number(json, "misses", counts->misses);
	json_add_number(json, "inserts", counts->inserts);
	json_add_number(json, "replaced", counts->replaced);
	json_add_number(json, "evicted", counts->evicted);
	json_add_number(json, "expired", counts->expired);
	json_add_number(json, "too_big", counts->too_big);
	json_close_object(json);
}

void proxy_json_add_names(struct json *json, const char *key, const struct proxy_summary *summary,
			  uint32_t most)
{
	char text[DNS_NAME_TEXT_MAX];

	json_open_array(json, key);
	for (uint32_t i = 0; i < summary->name_count && i < most; i++) {
		name_format_absolute(summary->names[i].name.wire, text);
		json_open_array(json, NULL);
		json_add_string(json, NULL, text);
		json_add_number(json, NULL, summary->names[i].count);
		json_close_array(json);
	}
	json_close_array(json);
}

void proxy_json_add_figures(struct json *json, const char *key, const struct proxy_figure *figures,
			    uint32_t count)
{
	json_open_object(json, key);
	for (uint32_t i = 0; i < count; i++) {
		if (figures[i].is_count)
			json_add_number(json, figures[i].name, figures[i].count);
		else
			json_add_double(json, figures[i].name, figures[i].value);
	}
	json_close_object(json);
}
