/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/web/health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aggregator/outputs/geoip.h"
#include "base/clock.h"
#include "config/document.h"
#include "loop/loop.h"
#include "rules/filter.h"
#include "tls/context.h"

#define RECENT_NS (60 * NANOSECONDS_PER_SECOND) /* a loss counts so long */
#define STUCK_NS  (5 * NANOSECONDS_PER_SECOND)	/* what stands still so long does not work */
#define OFF_NS	  (10 * NANOSECONDS_PER_SECOND) /* a ledger that is off so long is no torn look */

static void mark(struct health_mark *mark, uint64_t value, int64_t now_ns)
{
	if (mark->since_ns && mark->value == (int64_t)value)
		return;
	mark->value = (int64_t)value;
	mark->since_ns = now_ns;
}

/* Packets that are accepted and neither read nor lost. Below zero when the kernel's numbers are
 * older.
 */
static int64_t backlog(const struct ledger *ledger)
{
	return (int64_t)(ledger->watch.kernel_packets - ledger->watch.kernel_drops -
			 ledger->watch.ring_discarded -
			 ledger_counter(ledger, COUNTER_PACKETS_OTHER_SHARE) -
			 ledger_counter(ledger, COUNTER_PACKETS_READ));
}

static void look_at_worker(struct health_worker *seen, const struct web_host *host, uint32_t index,
			   int64_t now_ns)
{
	struct ledger_line lines[LEDGER_LINES_MAX];
	struct ledger ledger = {0};
	uint32_t count;

	web_host_add_worker(host, index, &ledger);
	mark(&seen->is_behind, backlog(&ledger) > 0, now_ns);
	mark(&seen->drops, ledger.watch.kernel_drops, now_ns);
	mark(&seen->read, ledger_counter(&ledger, COUNTER_PACKETS_READ), now_ns);
	count = ledger_make(&ledger, host->in_ring, lines);
	for (uint32_t i = 0; i < count; i++)
		mark(&seen->missing[i], (uint64_t)lines[i].missing, now_ns);
}

static uint64_t dropped(const struct output_account *account)
{
	return account->dropped_full + account->dropped_failed + account->dropped_too_big +
	       account->dropped_damaged + account->lost;
}

void health_tick(struct health *health, const struct web_host *host, int64_t now_ns)
{
	for (uint32_t i = 0; i < host->worker_count; i++)
		look_at_worker(&health->workers[i], host, i, now_ns);
	for (uint32_t i = 0; i < host->config->output_count; i++) {
		const struct output_account *account = &host->words->outputs[i];

		mark(&health->outputs[i].is_up, account->is_up, now_ns);
		mark(&health->outputs[i].dropped, dropped(account), now_ns);
	}
}

/* What was there before is no news; outputs may take a moment to come up, and a ledger to settle.
 */
void health_init(struct health *health, const struct web_host *host, int64_t now_ns)
{
	memset(health, 0, sizeof(*health));
	health_tick(health, host, now_ns - RECENT_NS);
	for (uint32_t i = 0; i < CONFIG_OUTPUTS_MAX; i++)
		health->outputs[i].is_up.since_ns = now_ns;
	for (uint32_t i = 0; i < CONFIG_WORKERS_MAX; i++)
		for (uint32_t k = 0; k < LEDGER_LINES_MAX; k++)
			health->workers[i].missing[k].since_ns = now_ns;
	health->started_ns = now_ns;
}

static void add_reason(struct json *json, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_reason(struct json *json, const char *format, ...)
{
	char text[160];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	json_add_string(json, NULL, text);
}

/* These four return how many reasons they added. */
static uint32_t judge_ledger(const struct health_worker *seen, const struct web_host *host,
			     uint32_t index, int64_t now_ns, struct json *json)
{
	struct ledger_line lines[LEDGER_LINES_MAX];
	struct ledger none = {0};
	uint32_t count = ledger_make(&none, host->in_ring, lines), added = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!seen->missing[i].value || now_ns - seen->missing[i].since_ns < OFF_NS)
			continue;
		add_reason(json, "worker %" PRIu32 ": the ledger of %s is off by %" PRId64, index,
			   lines[i].stage, seen->missing[i].value);
		added++;
	}
	return added;
}

static uint32_t judge_worker(const struct health_worker *seen, uint32_t index, int64_t now_ns,
			     struct json *json)
{
	uint32_t added = 0;

	if (seen->is_behind.value && now_ns - seen->is_behind.since_ns > STUCK_NS &&
	    now_ns - seen->read.since_ns > STUCK_NS) {
		add_reason(json, "worker %" PRIu32 " does not read", index);
		added++;
	}
	if (now_ns - seen->drops.since_ns < RECENT_NS) {
		add_reason(json, "worker %" PRIu32 ": the kernel dropped packets within a minute",
			   index);
		added++;
	}
	return added;
}

static uint32_t judge_output(const struct health_output *seen, const char *name, int64_t now_ns,
			     struct json *json)
{
	uint32_t added = 0;

	if (!seen->is_up.value && now_ns - seen->is_up.since_ns > STUCK_NS) {
		add_reason(json, "output %.64s is down", name);
		added++;
	}
	if (now_ns - seen->dropped.since_ns < RECENT_NS) {
		add_reason(json, "output %.64s dropped events within a minute", name);
		added++;
	}
	return added;
}

/* One that is down while another is not is seen in the figures: clients are answered. So are they
 * while a worker finds a server well. */
static uint32_t judge_upstreams(const struct web_host *host, struct json *json)
{
	const struct proxy_summary *summary = web_host_sum_up_proxy(host, false);

	uint32_t asked = 0;

	for (uint32_t i = 0; i < summary->upstream_count; i++) {
		const struct proxy_upstream_stats *stats = &summary->upstreams[i].stats;

		if (stats->queries && stats->is_backed_off < host->config->worker_count)
			return 0;
		asked += stats->queries != 0;
	}
	if (!asked)
		return 0;
	add_reason(json, "no upstream server answers");
	return 1;
}

static uint32_t judge(const struct health *health, const struct web_host *host, int64_t now_ns,
		      struct json *json)
{
	uint32_t added = 0;

	for (uint32_t i = 0; i < host->worker_count; i++)
		added += judge_worker(&health->workers[i], i, now_ns, json) +
			 judge_ledger(&health->workers[i], host, i, now_ns, json);
	for (uint32_t i = 0; i < host->config->output_count; i++)
		added += judge_output(&health->outputs[i], host->config->outputs[i].name, now_ns,
				      json);
	return added + judge_upstreams(host, json);
}

static void add_versions(struct json *json)
{
	json_open_object(json, "versions");
	json_add_string(json, "dnsflow", DNSFLOW_VERSION);
	json_add_string(json, "libevent", loop_library_version());
	json_add_string(json, "openssl", tls_library_version());
	json_add_string(json, "pcre2", rules_library_version());
	json_add_string(json, "libmaxminddb", geoip_library_version());
	json_add_string(json, "libyaml", document_yaml_version());
	json_add_string(json, "jansson", document_json_version());
	json_close_object(json);
}

int health_format(const struct health *health, const struct web_host *host, int64_t now_ns,
		  struct json *json)
{
	int64_t uptime_ns = now_ns - health->started_ns;
	bool is_degraded;

	json_open_object(json, NULL);
	json_open_array(json, "reasons");
	is_degraded = judge(health, host, now_ns, json);
	json_close_array(json);
	json_add_string(json, "status", is_degraded ? "degraded" : "ok");
	json_add_number(json, "uptime_seconds", (uint64_t)(uptime_ns / NANOSECONDS_PER_SECOND));
	add_versions(json);
	json_close_object(json);
	return is_degraded ? 503 : 200;
}
