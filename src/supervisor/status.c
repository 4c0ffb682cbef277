/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/status.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/schema.h"
#include "ipc/ledger_json.h"
#include "supervisor/accounts.h"
#include "supervisor/proxy_status.h"
#include "supervisor/supervisor.h"

static void add_setting(struct json *json, const struct config *config, const char *name)
{
	char text[CONFIG_TEXT_MAX];

	setting_format(config, schema_find(&schema_config, name), 0, text);
	json_add_string(json, name, text);
}

static const char *phase_name(enum phase phase)
{
	static const char *const names[] = {
		[PHASE_STARTING] = "starting",	 [PHASE_RUNNING] = "running",
		[PHASE_REJECTING] = "rejecting", [PHASE_DRAINING] = "draining",
		[PHASE_KEEPING] = "keeping",	 [PHASE_KEPT] = "kept",
	};

	return names[phase];
}

static const char *reload_name(enum reload_step step)
{
	static const char *const names[] = {
		[RELOAD_NONE] = "none",		  [RELOAD_CHECKING] = "checking",
		[RELOAD_GROWING] = "growing",	  [RELOAD_REPLACING] = "replacing",
		[RELOAD_SHRINKING] = "shrinking", [RELOAD_DRAINING] = "draining",
	};

	return names[step];
}

static const char *state_name(const struct seat *seat)
{
	static const char *const names[] = {
		[SEAT_EMPTY] = "waiting",   [SEAT_STARTING] = "starting",
		[SEAT_READY] = "ready",	    [SEAT_WORKING] = "working",
		[SEAT_LEAVING] = "leaving", [SEAT_FINISHED] = "finished",
	};

	if (seat_is_done(seat))
		return "gone";
	return seat_fruitless_deaths(seat) > 1 ? "degraded" : names[seat->state];
}

static void add_pid(struct json *json, const struct seat *seat)
{
	if (seat->process.pidfd < 0)
		json_add_null(json, "pid");
	else
		json_add_number(json, "pid", (uint64_t)seat->process.pid);
}

static void add_ring(const struct supervisor *supervisor, struct json *json,
		     const struct seat *seat)
{
	const struct packet_sockets *sockets = supervisor->sockets;

	if (!sockets)
		return;
	json_add_signed(json, "packets_in_ring",
			(int64_t)packet_sockets_in_ring(sockets, seat->index,
							accounts_cursor(sockets, seat)));
	json_add_number(json, "blocks_in_use", packet_sockets_blocks_in_use(sockets, seat->index));
	json_add_number(json, "blocks", packet_sockets_ring_blocks(sockets));
}

static void add_worker(const struct supervisor *supervisor, struct json *json, uint32_t index)
{
	const struct seat *seat = &supervisor->seats[index];
	const struct state_head *head = seat->lease.head;

	json_open_object(json, NULL);
	json_add_number(json, "index", index);
	json_add_bool(json, "is_wanted", index < supervisor->effective->config.worker_count);
	json_add_string(json, "state", state_name(seat));
	add_pid(json, seat);
	json_add_signed(json, "cpu", seat_cpu(seat));
	json_add_number(json, "restarts", state_counter(head, COUNTER_RESTARTS));
	json_add_number(json, "deaths_without_progress", seat_fruitless_deaths(seat));
	add_ring(supervisor, json, seat);
	json_add_number(json, "packets_read", state_counter(head, COUNTER_PACKETS_READ));
	json_add_number(json, "records", state_counter(head, COUNTER_MESSAGES_RECORDED));
	if (config_has_proxy(&supervisor->effective->config))
		json_add_number(json, "queries", state_counter(head, COUNTER_PROXY_QUERIES));
	json_close_object(json);
}

/* How even the load is: what the busiest worker has read, in percent of the mean; 100 is even. */
static uint64_t largest_share_percent(const struct supervisor *supervisor)
{
	uint32_t count = supervisor->effective->config.worker_count;
	uint64_t sum = 0, most = 0, read;

	for (uint32_t i = 0; i < count && i < supervisor->seat_count; i++) {
		read = state_counter(supervisor->seats[i].lease.head, COUNTER_PACKETS_READ);
		sum += read;
		most = read > most ? read : most;
	}
	return sum ? (uint64_t)((double)most * count / (double)sum * 100 + 0.5) : 100;
}

/* Both halves of a pair must be captured, and come to one worker. */
static bool matches_pairs(const struct supervisor *supervisor)
{
	const struct config *config = &supervisor->effective->config;

	if (supervisor->sockets && packet_sockets_degraded(supervisor->sockets))
		return false;
	return config_has_observer(config) &&
	       (config->split == SPLIT_FLOW ||
		(config->worker_count == 1 && config->share_count <= 1));
}

static void add_aggregator(const struct supervisor *supervisor, struct json *json)
{
	static const char *const states[] = {
		[SIDECAR_EMPTY] = "waiting",
		[SIDECAR_STARTING] = "starting",
		[SIDECAR_WORKING] = "working",
		[SIDECAR_LEAVING] = "leaving",
	};
	const struct sidecar *sidecar = &supervisor->aggregation.sidecar;

	if (!config_has_aggregator(&supervisor->effective->config))
		return;
	json_open_object(json, "aggregator");
	json_add_string(json, "state", states[sidecar->state]);
	if (sidecar->process.pidfd < 0)
		json_add_null(json, "pid");
	else
		json_add_number(json, "pid", (uint64_t)sidecar->process.pid);
	json_add_number(json, "restarts", sidecar->restarts ? sidecar->restarts - 1 : 0);
	json_close_object(json);
}

static void add_split(const struct supervisor *supervisor, struct json *json)
{
	const char *degraded =
		supervisor->sockets ? packet_sockets_degraded(supervisor->sockets) : NULL;

	add_setting(json, &supervisor->effective->config, "split");
	json_add_bool(json, "has_ebpf", supervisor->sockets && !degraded);
	if (degraded)
		json_add_string(json, "degraded", degraded);
	json_add_bool(json, "matches_pairs", matches_pairs(supervisor));
	json_add_number(json, "largest_share_percent", largest_share_percent(supervisor));
}

void status_format(struct supervisor *supervisor, struct json *json)
{
	const struct config *config = &supervisor->effective->config;
	int64_t uptime_ns = clock_monotonic_ns() - supervisor->started_ns;

	json_open_object(json, NULL);
	json_add_string(json, "version", DNSFLOW_VERSION);
	json_add_number(json, "pid", (uint64_t)getpid());
	json_add_number(json, "uptime_seconds", (uint64_t)(uptime_ns / NANOSECONDS_PER_SECOND));
	json_add_string(json, "phase", phase_name(supervisor->phase));
	json_add_string(json, "reload", reload_name(supervisor->reload.step));
	add_setting(json, config, "input");
	if (supervisor->sockets)
		add_setting(json, config, "interface");
	else if (config_reads_file(config))
		add_setting(json, config, "read");
	add_setting(json, config, "config");
	add_split(supervisor, json);
	proxy_status_add(supervisor, json);
	add_aggregator(supervisor, json);
	json_open_array(json, "workers");
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		add_worker(supervisor, json, i);
	json_close_array(json);
	json_close_object(json);
}

/* What is measured beside the counters of a worker. The drops of the interface are the same for all
 * workers. */
static const struct measure {
	const char *name;
	const char *help;
	size_t offset;
} measures[] = {
	{"kernel_packets", "packets that passed the filter, drops included",
	 offsetof(struct ledger, watch.kernel_packets)},
	{"kernel_drops", "packets dropped by the kernel: no room in the ring",
	 offsetof(struct ledger, watch.kernel_drops)},
	{"interface_drops", "packets dropped by the interface, before any worker's share",
	 offsetof(struct ledger, watch.interface_drops)},
	{"in_ring", "packets that the kernel has handed over and nobody has read yet",
	 offsetof(struct ledger, in_ring)},
	{"ring_discarded", "packets in a ring that was closed before they were read",
	 offsetof(struct ledger, watch.ring_discarded)},
};

/* Under load a snapshot may be torn, so that what waits is below zero for a moment. */
static int64_t value_of(const struct ledger *ledger, const struct measure *measure)
{
	return *(const int64_t *)(const void *)((const char *)ledger + measure->offset);
}

static void add_measure(const struct supervisor *supervisor, struct json *json,
			const struct measure *measure, const struct ledger *total)
{
	json_open_object(json, NULL);
	json_add_string(json, "name", measure->name);
	json_add_string(json, "help", measure->help);
	json_open_array(json, "workers");
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		struct ledger ledger = {0};

		accounts_add_seat(supervisor, i, &ledger);
		json_add_signed(json, NULL, value_of(&ledger, measure));
	}
	json_close_array(json);
	json_add_signed(json, "total", value_of(total, measure));
	json_close_object(json);
}

static void add_counter(const struct supervisor *supervisor, struct json *json,
			enum counter counter)
{
	uint64_t total = 0, value;

	json_open_object(json, NULL);
	json_add_string(json, "name", counter_name(counter));
	json_add_string(json, "help", counter_help(counter));
	json_open_array(json, "workers");
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		value = state_counter(supervisor->seats[i].lease.head, counter);
		json_add_number(json, NULL, value);
		total += value;
	}
	json_close_array(json);
	json_add_number(json, "total", total);
	json_close_object(json);
}

static void add_verdicts(const struct supervisor *supervisor, struct json *json)
{
	uint64_t admitted, rejected;

	if (!supervisor->sockets ||
	    !packet_sockets_verdicts(supervisor->sockets, &admitted, &rejected))
		return;
	json_open_object(json, "filter");
	json_add_number(json, "admitted", admitted);
	json_add_number(json, "rejected", rejected);
	json_close_object(json);
}

void status_format_stats(struct supervisor *supervisor, struct json *json)
{
	struct ledger total;

	accounts_take_kernel(supervisor);
	accounts_sum_up(supervisor, &total);
	json_open_object(json, NULL);
	add_verdicts(supervisor, json);
	json_open_array(json, "counters");
	for (size_t i = 0; supervisor->sockets && i < sizeof(measures) / sizeof(measures[0]); i++)
		add_measure(supervisor, json, &measures[i], &total);
	for (enum counter i = 0; i < COUNTER_END; i++)
		if (counter_name(i))
			add_counter(supervisor, json, i);
	json_close_array(json);
	json_close_object(json);
}

static bool add_ledger_of_worker(const struct supervisor *supervisor, struct json *json,
				 uint32_t index)
{
	struct ledger ledger = {0};
	bool adds_up;

	accounts_add_seat(supervisor, index, &ledger);
	json_open_object(json, NULL);
	json_add_number(json, "index", index);
	adds_up = ledger_json_add(json, "lines", &ledger, supervisor->sockets);
	json_add_bool(json, "adds_up", adds_up);
	json_close_object(json);
	return adds_up;
}

/* What is missing from one worker's line may not be made up for by another's. */
void status_format_ledger(struct supervisor *supervisor, struct json *json)
{
	const struct aggregator_state *state = supervisor->aggregation.state;
	struct aggregator_words words;
	struct ledger total;
	bool adds_up;

	accounts_take_kernel(supervisor);
	accounts_sum_up(supervisor, &total);
	json_open_object(json, NULL);
	adds_up = ledger_json_add(json, "lines", &total, supervisor->sockets);
	json_open_array(json, "workers");
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		adds_up &= add_ledger_of_worker(supervisor, json, i);
	json_close_array(json);
	if (state && aggregator_state_read(state, &words))
		adds_up &= ledger_json_add_outputs(json, "outputs", &supervisor->effective->config,
						   &words);
	json_add_bool(json, "adds_up", adds_up);
	json_close_object(json);
}

void status_format_quarantine(struct supervisor *supervisor, struct json *json)
{
	const char *path = supervisor->effective->config.quarantine;
	struct ledger total;
	struct stat status;
	bool exists = supervisor->quarantine_fd >= 0
			      ? fstat(supervisor->quarantine_fd, &status) == 0
			      : lstat(path, &status) == 0;

	accounts_sum_up(supervisor, &total);
	json_open_object(json, NULL);
	json_add_string(json, "path", path);
	json_add_number(json, "bytes", exists ? (uint64_t)status.st_size : 0);
	json_add_number(json, "packets", ledger_counter(&total, COUNTER_PACKETS_QUARANTINED));
	json_add_number(json, "packets_not_kept", ledger_counter(&total, COUNTER_PACKETS_NOT_KEPT));
	json_close_object(json);
}
