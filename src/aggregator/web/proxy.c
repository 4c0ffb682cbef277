/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/web/proxy.h"

#include "ipc/proxy_json.h"

#define NAMES_MOST 100

static void add_figures(const struct web_host *host, const struct proxy_summary *summary,
			const struct ledger *ledger, int64_t now_ns, struct json *json)
{
	struct proxy_figure figures[PROXY_FIGURES_MAX];
	int64_t started_ns = host->worker_count ? host->workers[0].watch->started_ns : now_ns;
	uint32_t count = 0;

	if (config_has_proxy(host->config))
		count = proxy_figures_make(summary, ledger, now_ns - started_ns, figures);
	proxy_json_add_figures(json, "metrics", figures, count);
}

void proxy_format(const struct web_host *host, int64_t now_ns, struct json *json)
{
	const struct proxy_summary *summary = web_host_sum_up_proxy(host, true);
	struct ledger ledger = {0};

	for (uint32_t i = 0; i < host->worker_count; i++)
		web_host_add_worker(host, i, &ledger);
	json_open_object(json, NULL);
	add_figures(host, summary, &ledger, now_ns, json);
	json_add_number(json, "tcp_connections", summary->traffic.connections);
	proxy_json_add_rules(json, summary, &ledger, host->config->is_dry_run);
	proxy_json_add_upstreams(json, "upstreams", summary);
	proxy_json_add_cache(json, "cache", summary);
	proxy_json_add_names(json, "names", summary, NAMES_MOST);
	json_close_object(json);
}
