/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/observation_lease.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ipc/child.h"
#include "ipc/memory.h"
#include "ipc/observation.h"
#include "ipc/ring.h"

void observation_lease_init(struct observation_lease *lease)
{
	memset(lease, -1, sizeof(*lease));
}

static void replace(int *fd, int other)
{
	if (*fd >= 0 && *fd != other)
		close(*fd);
	*fd = other;
}

void observation_lease_replace(struct observation_lease *lease,
			       const struct observation_lease *other)
{
	replace(&lease->stats_fd, other->stats_fd);
	replace(&lease->ring_fd, other->ring_fd);
	replace(&lease->tail_fd, other->tail_fd);
	for (int i = 0; i < 2; i++)
		replace(&lease->bell_fds[i], other->bell_fds[i]);
	replace(&lease->tail_reader_fd, other->tail_reader_fd);
	replace(&lease->stats_reader_fd, other->stats_reader_fd);
	replace(&lease->ring_reader_fd, other->ring_reader_fd);
}

/* A memfd of this size, and a second descriptor that cannot be mapped for writing. What is there is
 * still the lease's. */
static int make(int *fd, int *reader_fd, const char *name, size_t size)
{
	if (!memory_has_size(*fd, size)) {
		*reader_fd = -1;
		*fd = memory_create(name, size);
	}
	if (*fd >= 0 && *reader_fd < 0)
		*reader_fd = memory_reopen(*fd);
	return *fd < 0 ? *fd : *reader_fd < 0 ? *reader_fd : 0;
}

static int fit(struct observation_lease *next, const struct config *config)
{
	int error = 0;

	if (config_has_observer(config))
		error = make(&next->stats_fd, &next->stats_reader_fd, "dnsflow-stats",
			     observation_size(config));
	if (error || !config_has_events(config))
		return error;
	error = make(&next->ring_fd, &next->ring_reader_fd, "dnsflow-events",
		     ring_memory_size((size_t)config->event_ring_mib << 20));
	if (!error)
		error = make(&next->tail_fd, &next->tail_reader_fd, "dnsflow-tail",
			     sizeof(struct ring_tail));
	if (!error && next->bell_fds[0] < 0 && pipe2(next->bell_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		error = -errno;
	return error;
}

int observation_lease_fit(const struct observation_lease *lease, const struct config *config,
			  struct observation_lease *next)
{
	int error;

	*next = *lease;
	error = fit(next, config);
	if (error)
		observation_lease_replace(next, lease);
	return error;
}

void observation_lease_place(const struct observation_lease *lease, int *fds)
{
	fds[CHILD_FD_STATS] = lease->stats_fd;
	fds[CHILD_FD_EVENTS] = lease->ring_fd;
	fds[CHILD_FD_EVENTS_TAIL] = lease->tail_reader_fd;
	fds[CHILD_FD_EVENTS_BELL] = lease->bell_fds[1];
}

int observation_lease_lend(const struct observation_lease *lease, uint32_t worker, int channel)
{
	int error = 0;

	if (lease->stats_fd >= 0)
		error = lend_send(channel, LEND_STATS, worker, lease->stats_reader_fd, NULL);
	if (error || lease->ring_fd < 0)
		return error;
	error = lend_send(channel, LEND_RING, worker, lease->ring_reader_fd, NULL);
	if (!error)
		error = lend_send(channel, LEND_RING_TAIL, worker, lease->tail_fd, NULL);
	if (!error)
		error = lend_send(channel, LEND_BELL, worker, lease->bell_fds[0], NULL);
	return error;
}

#define PARTS 5

static const char *const part_names[PARTS] = {"stats", "events", "events-tail", "events-bell-out",
					      "events-bell-in"};

static void parts_of(struct observation_lease *lease, int *parts[PARTS])
{
	parts[0] = &lease->stats_fd;
	parts[1] = &lease->ring_fd;
	parts[2] = &lease->tail_fd;
	parts[3] = &lease->bell_fds[0];
	parts[4] = &lease->bell_fds[1];
}

void observation_lease_give(const struct observation_lease *lease, uint32_t worker,
			    struct handover *handover)
{
	struct observation_lease copy = *lease;
	int *parts[PARTS];

	parts_of(&copy, parts);
	for (int i = 0; i < PARTS; i++)
		handover_add_fd(handover, part_names[i], (int)worker, *parts[i]);
}

int observation_lease_take(struct observation_lease *lease, uint32_t worker,
			   struct handover *handover)
{
	int *parts[PARTS];

	parts_of(lease, parts);
	for (int i = 0; i < PARTS; i++)
		*parts[i] = handover_take_fd(handover, part_names[i], (int)worker);
	if (lease->stats_fd >= 0)
		lease->stats_reader_fd = memory_reopen(lease->stats_fd);
	if (lease->ring_fd < 0)
		return 0;
	lease->ring_reader_fd = memory_reopen(lease->ring_fd);
	lease->tail_reader_fd = memory_reopen(lease->tail_fd);
	return lease->ring_reader_fd < 0 || lease->tail_reader_fd < 0 ? -EBADF : 0;
}

void observation_lease_close(struct observation_lease *lease)
{
	struct observation_lease none;

	observation_lease_init(&none);
	observation_lease_replace(lease, &none);
}
