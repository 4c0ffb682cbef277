/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dns/event.h"
#include "ipc/aggregator_state.h"
#include "ipc/ring.h"
#include "loop/loop.h"

/*
 * Takes events out of the rings of their sources. What is taken counts once the words are committed
 * (ipc/aggregator_state.h), and only then is the room in the ring given back: so a kill neither
 * loses nor doubles an event.
 */

struct intake_ops {
	/* Takes one event, whose parts are borrowed. */
	void (*take)(void *argument, struct event *event);
	/* False: it must wait. */
	bool (*has_room)(void *argument);
	/* Some events were taken: commits. */
	void (*commit)(void *argument);
};

struct source {
	struct ring_consumer *ring; /* NULL: none */
	struct source_account *account;
	int bell_fd;
	struct loop_event *event;
};

struct intake {
	const struct intake_ops *ops;
	void *argument;
	struct loop *loop;
	struct loop_event *timer;
	/* NULL, or events are taken one by one, and each is named here before: to find out which
	 * one ends us. */
	struct aggregator_state *careful;
	uint32_t cared; /* events since then */
	uint32_t source_count;
	struct source sources[CONFIG_WORKERS_MAX];
};

void intake_init(struct intake *intake, struct loop *loop, const struct intake_ops *ops,
		 void *argument);

/* Adds the ring of a source at its index; account is borrowed. bell_fd is borrowed while the
 * descriptors of fds are the caller's to close. 0 or -errno. */
int intake_add(struct intake *intake, uint32_t index, const struct ring_fds *fds, size_t data_bytes,
	       struct source_account *account);

/* One event has ended several predecessors: takes care until it is found, and leaves it out when
 * it was. */
void intake_take_care(struct intake *intake, struct aggregator_state *state, uint32_t deaths);

/* Begins: from now on the loop calls. */
void intake_start(struct intake *intake);

/* Takes what is there, at most some thousand events of each source. Returns whether more may be
 * there. */
bool intake_turn(struct intake *intake);

/* No event waits in any ring. */
bool intake_is_empty(const struct intake *intake);

void intake_fini(struct intake *intake);
