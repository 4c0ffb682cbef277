/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/accounts.h"

#include "ipc/ring.h"
#include "supervisor/input.h"
#include "supervisor/interface.h"
#include "supervisor/supervisor.h"

const struct state_head *accounts_cursor(const struct packet_sockets *sockets,
					 const struct seat *seat)
{
	const struct lease *lease = &seat->lease;
	bool has_begun = state_get(lease->head, STATE_GENERATION) == lease->watch->generation;

	return input_is_lent(sockets, seat) && has_begun ? lease->head : NULL;
}

static uint64_t in_ring_of(const struct packet_sockets *sockets, const struct seat *seat)
{
	return sockets ? packet_sockets_in_ring(sockets, seat->index,
						accounts_cursor(sockets, seat))
		       : 0;
}

static uint64_t in_ring(const struct supervisor *supervisor, const struct seat *seat)
{
	return in_ring_of(supervisor->sockets, seat) +
	       in_ring_of(supervisor->reattach.previous, seat);
}

/* A file that is being read always has one. */
bool accounts_have_packet(void *argument, const struct seat *seat)
{
	const struct supervisor *supervisor = argument;
	const struct packet_sockets *sockets = supervisor->sockets;

	if (sockets && supervisor->reattach.previous && !input_is_lent(sockets, seat))
		sockets = supervisor->reattach.previous;
	return sockets ? in_ring_of(sockets, seat)
		       : config_reads_file(&supervisor->effective->config);
}

bool accounts_have_query(void *argument, const struct seat *seat)
{
	(void)argument;
	return listeners_are_asked(seat->lease.fds);
}

static uint64_t drops_now(const struct supervisor *supervisor)
{
	uint64_t drops = interface_drops(supervisor->reattach.name);

	return drops < supervisor->drops_at_start /* deleted */ ? 0
								: drops - supervisor
										  ->drops_at_start;
}

void accounts_begin_drops(struct supervisor *supervisor)
{
	if (supervisor->seat_count)
		supervisor->drops_before = supervisor->seats[0].lease.watch->interface_drops;
	supervisor->drops_at_start = interface_drops(supervisor->effective->config.interface);
}

static void tell_processes(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		struct state_watch *watch = supervisor->seats[i].lease.watch;
		pid_t pid = supervisor->seats[i].process.pid;

		__atomic_store_n(&watch->pid, pid > 0 ? (uint64_t)pid : 0, __ATOMIC_RELAXED);
		__atomic_store_n(&watch->started_ns, supervisor->started_ns, __ATOMIC_RELAXED);
	}
}

void accounts_take_kernel(struct supervisor *supervisor)
{
	uint64_t drops;

	tell_processes(supervisor);
	if (!supervisor->sockets)
		return;
	drops = supervisor->drops_before + drops_now(supervisor);
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		struct state_watch *watch = supervisor->seats[i].lease.watch;

		packet_sockets_count(supervisor->sockets, i, watch);
		if (supervisor->reattach.previous)
			packet_sockets_count(supervisor->reattach.previous, i, watch);
		__atomic_store_n(&watch->in_ring, in_ring(supervisor, &supervisor->seats[i]),
				 __ATOMIC_RELAXED);
		if (drops > watch->interface_drops)
			__atomic_store_n(&watch->interface_drops, drops, __ATOMIC_RELAXED);
	}
}

/* How the aggregator stands with a worker's events. */
static void add_events(const struct supervisor *supervisor, const struct seat *seat,
		       struct ledger *ledger)
{
	const struct aggregator_state *state = supervisor->aggregation.state;
	const struct config *config = &supervisor->effective->config;
	int ring_fd = seat->lease.observation.ring_reader_fd;
	struct aggregator_words words = {0};
	const struct source_account *source = &words.sources[seat->index];

	if (ring_fd < 0 || (state && !aggregator_state_read(state, &words)))
		return;
	ledger->events_read += source->read;
	ledger->events_damaged += source->damaged;
	ledger->events_in_ring +=
		ring_count(ring_fd, (size_t)config->event_ring_mib << 20, source->position);
}

void accounts_add_seat(const struct supervisor *supervisor, uint32_t index, struct ledger *ledger)
{
	const struct seat *seat = &supervisor->seats[index];

	ledger_add(ledger, seat->lease.head, seat->lease.watch, in_ring(supervisor, seat));
	add_events(supervisor, seat, ledger);
}

void accounts_sum_up(const struct supervisor *supervisor, struct ledger *ledger)
{
	*ledger = (struct ledger){0};
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		accounts_add_seat(supervisor, i, ledger);
}
