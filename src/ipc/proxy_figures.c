/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/proxy_figures.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

struct list {
	struct proxy_figure *figures;
	uint32_t count;
};

static void add_count(struct list *list, const char *name, uint64_t count)
{
	assert(list->count < PROXY_FIGURES_MAX);
	list->figures[list->count++] =
		(struct proxy_figure){.name = name, .is_count = true, .count = count};
}

static void add_value(struct list *list, const char *name, double value)
{
	assert(list->count < PROXY_FIGURES_MAX);
	list->figures[list->count++] = (struct proxy_figure){.name = name, .value = value};
}

static double milliseconds(double ns)
{
	return ns / (double)NANOSECONDS_PER_MILLISECOND;
}

static void add_active(struct list *list, const struct proxy_traffic_stats *traffic)
{
	if (!traffic->samples)
		return;
	add_value(list, "net.active_threads_avg",
		  (double)traffic->active_sum / (double)traffic->samples);
	add_count(list, "net.active_threads_max", traffic->active_most);
	add_count(list, "net.active_threads_min", traffic->active_least);
}

static void add_net(struct list *list, const struct proxy_traffic_stats *traffic)
{
	if (traffic->packets_received)
		add_active(list, traffic);
	if (traffic->packets_received)
		add_count(list, "net.bytes_received", traffic->bytes_received);
	if (traffic->packets_sent)
		add_count(list, "net.bytes_sent", traffic->bytes_sent);
	if (traffic->packets_received)
		add_count(list, "net.packets_received", traffic->packets_received);
	if (traffic->packets_sent)
		add_count(list, "net.packets_sent", traffic->packets_sent);
}

static void add_requests(struct list *list, const struct ledger *ledger)
{
	uint64_t total = ledger_counter(ledger, COUNTER_PROXY_QUERIES);
	uint64_t failed = ledger_counter(ledger, COUNTER_PROXY_REFUSED);

	if (failed)
		add_count(list, "requests_failed", failed);
	if (!total)
		return;
	add_count(list, "requests_pending", ledger->words[STATE_PROXY_WAITING]);
	add_count(list, "requests_total", total);
}

static void add_times(struct list *list, const struct proxy_traffic_stats *traffic)
{
	if (!traffic->responses)
		return;
	add_value(list, "response_time_msec_avg",
		  milliseconds((double)traffic->response_ns_sum / (double)traffic->responses));
	add_value(list, "response_time_msec_max", milliseconds((double)traffic->response_ns_most));
	add_value(list, "response_time_msec_min", milliseconds((double)traffic->response_ns_least));
}

static void add_classes(struct list *list, const struct proxy_summary *summary)
{
	struct proxy_figure *first = list->figures + list->count, *at;

	for (uint32_t i = 0; i < summary->rule_count; i++) {
		const struct proxy_summary_rule *rule = &summary->rules[i];

		if (!rule->hits || !rule->class_name)
			continue;
		for (at = first; at < list->figures + list->count; at++)
			if (!strcmp(at->name, rule->class_name))
				break;
		if (at == list->figures + list->count)
			add_count(list, rule->class_name, 0);
		at->count += rule->hits;
	}
}

uint32_t proxy_figures_make(const struct proxy_summary *summary, const struct ledger *ledger,
			    int64_t uptime_ns, struct proxy_figure *figures)
{
	struct list list = {figures, 0};

	add_net(&list, &summary->traffic);
	add_requests(&list, ledger);
	add_times(&list, &summary->traffic);
	add_value(&list, "uptime", (double)uptime_ns / (double)NANOSECONDS_PER_SECOND);
	add_classes(&list, summary);
	return list.count;
}

const char *proxy_figures_format(const struct proxy_figure *figure, char *text)
{
	if (figure->is_count)
		snprintf(text, PROXY_FIGURES_TEXT_MAX, "%" PRIu64, figure->count);
	else
		snprintf(text, PROXY_FIGURES_TEXT_MAX, "%.12g", figure->value);
	return text;
}
