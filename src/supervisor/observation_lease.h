/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "ipc/lend.h"
#include "supervisor/handover.h"

/* What a worker is lent to observe with, and the aggregator to read it: memory for statistics, and
 * a ring of events. Made when the configuration first wants it. */
struct observation_lease {
	int stats_fd;
	int ring_fd, tail_fd;
	int bell_fds[2]; /* a pipe: the aggregator reads the first, the worker writes the other */
	int tail_reader_fd;  /* read-only, for the worker */
	int stats_reader_fd; /* read-only, for the aggregator */
	int ring_reader_fd;
};

void observation_lease_init(struct observation_lease *lease);

/* Says in next what the configuration wants: what is there and has the right size, else made anew.
 * The lease stays as it is until observation_lease_replace(). 0 or -errno, and then next is the
 * same. */
int observation_lease_fit(const struct observation_lease *lease, const struct config *config,
			  struct observation_lease *next);

/* It becomes another one, and closes what that does not have. */
void observation_lease_replace(struct observation_lease *lease,
			       const struct observation_lease *other);

/* Puts the worker's descriptors at their numbers (ipc/child.h). */
void observation_lease_place(const struct observation_lease *lease, int *fds);

/* Lends them to the aggregator. 0 or -errno. */
int observation_lease_lend(const struct observation_lease *lease, uint32_t worker, int channel);

void observation_lease_give(const struct observation_lease *lease, uint32_t worker,
			    struct handover *handover);
int observation_lease_take(struct observation_lease *lease, uint32_t worker,
			   struct handover *handover);
void observation_lease_close(struct observation_lease *lease);
