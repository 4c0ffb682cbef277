/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/proxy_status.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "ipc/memory.h"
#include "ipc/proxy_json.h"
#include "rules/lists.h"
#include "supervisor/accounts.h"
#include "supervisor/proxy_accounts.h"
#include "supervisor/supervisor.h"

static void add_addresses(struct json *json, const struct config_proxy *proxy)
{
	char text[ENDPOINT_TEXT_MAX];

	json_open_array(json, "addresses");
	for (uint32_t i = 0; i < proxy->endpoint_count; i++)
		json_add_string(json, NULL, endpoint_format(&proxy->endpoints[i], text));
	json_close_array(json);
}

static void add_lists(struct json *json, const void *memory, size_t size)
{
	const struct lists *lists = lists_open(memory, size);

	for (uint32_t i = 0; lists && i < lists_count(lists); i++) {
		json_open_object(json, NULL);
		json_add_string(json, "name", lists_name(lists, i));
		json_add_number(json, "entries", lists_entries(lists, i));
		json_add_string(json, "file", lists_file(lists, i));
		if (*lists_remark(lists, i))
			json_add_string(json, "kept", lists_remark(lists, i));
		json_close_object(json);
	}
}

/* The memory is sealed, and all places in it are checked. */
static void add_lists_of(struct json *json, int fd)
{
	size_t size;
	void *memory = memory_map_whole(fd, &size, false);

	json_open_array(json, "lists");
	if (memory) {
		add_lists(json, memory, size);
		munmap(memory, size);
	}
	json_close_array(json);
}

void proxy_status_add(const struct supervisor *supervisor, struct json *json)
{
	const struct effective *effective = supervisor->effective;
	const char *degraded = listeners_degraded(supervisor->listeners);
	struct proxy_summary *summary;

	if (!config_has_proxy(&effective->config))
		return;
	summary = xmalloc(sizeof(*summary));
	proxy_accounts_sum_up(supervisor, summary, false);
	json_open_object(json, "proxy");
	add_addresses(json, &effective->config.proxy);
	json_add_bool(json, "is_steered", !degraded);
	if (degraded)
		json_add_string(json, "degraded", degraded);
	json_add_double(json, "queries_per_second", proxy_accounts_rate(supervisor));
	json_add_number(json, "tcp_connections", summary->traffic.connections);
	proxy_json_add_cache(json, "cache", summary);
	proxy_json_add_upstreams(json, "upstreams", summary);
	add_lists_of(json, effective->lists_fd);
	json_close_object(json);
	proxy_summary_fini(summary);
	free(summary);
}

void proxy_status_format_rules(struct supervisor *supervisor, struct json *json)
{
	struct proxy_summary *summary = xmalloc(sizeof(*summary));
	struct ledger ledger;

	accounts_sum_up(supervisor, &ledger);
	proxy_accounts_sum_up(supervisor, summary, false);
	json_open_object(json, NULL);
	proxy_json_add_rules(json, summary, &ledger, supervisor->effective->config.is_dry_run);
	json_close_object(json);
	proxy_summary_fini(summary);
	free(summary);
}
