/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/takeover.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "supervisor/supervisor.h"

static void give_number(struct handover *handover, const char *name, uint64_t value)
{
	handover_add_number(handover, name, HANDOVER_ONE, value);
}

static uint64_t take_number(const struct handover *handover, const char *name)
{
	return handover_number(handover, name, HANDOVER_ONE);
}

static void give_facts(const struct supervisor *supervisor, struct handover *handover)
{
	const struct reattach *reattach = &supervisor->reattach;

	give_number(handover, "layout", STATE_MAGIC);
	handover_add_text(handover, "executable", HANDOVER_ONE, supervisor->upgrade.path);
	handover_add_text(handover, "interface", HANDOVER_ONE, reattach->name);
	give_number(handover, "interface-index", (uint64_t)reattach->interface.index);
	give_number(handover, "interface-is-ethernet", reattach->interface.is_ethernet);
	give_number(handover, "interface-is-up", reattach->interface.is_up);
	give_number(handover, "loopback-index", (uint64_t)reattach->interface.loopback_index);
	give_number(handover, "generation", supervisor->generation);
	give_number(handover, "drops-before", supervisor->drops_before);
	give_number(handover, "drops-at-start", supervisor->drops_at_start);
	give_number(handover, "started", (uint64_t)supervisor->started_ns);
	give_number(handover, "seats", supervisor->seat_count);
}

struct handover *takeover_give(const struct supervisor *supervisor, bool in_place)
{
	struct handover *handover = handover_new();

	give_facts(supervisor, handover);
	effective_give(supervisor->effective, handover);
	if (supervisor->sockets)
		packet_sockets_give(supervisor->sockets, handover);
	listeners_give(supervisor->listeners, handover);
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		lease_give(&supervisor->seats[i].lease, i, handover);
	aggregation_give(supervisor, handover);
	if (!in_place)
		return handover;
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		seat_give(&supervisor->seats[i], handover);
	handover_add_fd(handover, "pid-file", HANDOVER_ONE, supervisor->pid_file_fd);
	control_server_give(supervisor->control, handover);
	return handover;
}

static struct interface take_interface(const struct handover *handover)
{
	return (struct interface){
		.index = (int)take_number(handover, "interface-index"),
		.is_ethernet = take_number(handover, "interface-is-ethernet"),
		.is_up = take_number(handover, "interface-is-up"),
		.loopback_index = (int)take_number(handover, "loopback-index"),
	};
}

static int ring_of(const struct packet_sockets *sockets, uint32_t worker)
{
	return sockets && worker < packet_sockets_count_of(sockets)
		       ? packet_sockets_fd(sockets, worker)
		       : -1;
}

static bool take_seats(struct supervisor *supervisor, struct handover *handover, char *error)
{
	const struct effective *effective = supervisor->effective;
	uint64_t count = take_number(handover, "seats");

	for (uint32_t i = 0; i < count && i < CONFIG_WORKERS_MAX; i++) {
		struct seat *seat = &supervisor->seats[i];

		if (!lease_take(&seat->lease, i, effective, ring_of(supervisor->sockets, i),
				handover, error))
			return false;
		listeners_place(supervisor->listeners, &effective->config, i, seat->lease.fds);
		supervisor_init_seat(supervisor, i);
		seat->is_replacing = i < effective->config.worker_count;
		seat_take(seat, handover);
	}
	return true;
}

/* What workers are lent, and they. */
static bool take_workers(struct supervisor *supervisor, const struct interface *interface,
			 struct handover *handover, char *error)
{
	const struct effective *effective = supervisor->effective;
	const struct config *config = &effective->config;

	if (config_has_capture(config)) {
		supervisor->sockets =
			packet_sockets_take(config, effective->filters, interface, handover, error);
		if (!supervisor->sockets)
			return false;
	}
	if (!listeners_take(supervisor->listeners, config, handover, error) ||
	    !take_seats(supervisor, handover, error))
		return false;
	if (supervisor->seat_count >= config->worker_count &&
	    (!supervisor->sockets ||
	     packet_sockets_count_of(supervisor->sockets) >= config->worker_count))
		return true;
	snprintf(error, CONFIG_ERROR_MAX, "a ring is missing");
	return false;
}

bool takeover_take(struct supervisor *supervisor, struct handover *handover, char *error)
{
	struct interface interface = take_interface(handover);

	supervisor->effective = effective_take(handover, error);
	if (!supervisor->effective || !take_workers(supervisor, &interface, handover, error))
		return false;
	if (supervisor->seat_count)
		memcpy(supervisor->stats_key, supervisor->seats[0].lease.watch->stats_key,
		       sizeof(supervisor->stats_key));
	if (!aggregation_take(supervisor, handover, error))
		return false;
	if (supervisor->sockets) {
		reattach_open(supervisor, &interface);
		handover_text(handover, "interface", HANDOVER_ONE, supervisor->reattach.name,
			      sizeof(supervisor->reattach.name));
	}
	if (supervisor->pid_file_fd < 0)
		supervisor->pid_file_fd = handover_take_fd(handover, "pid-file", HANDOVER_ONE);
	supervisor->generation = take_number(handover, "generation");
	supervisor->drops_before = take_number(handover, "drops-before");
	supervisor->drops_at_start = take_number(handover, "drops-at-start");
	supervisor->started_ns = (int64_t)take_number(handover, "started");
	return true;
}
