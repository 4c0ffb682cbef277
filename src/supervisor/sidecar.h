/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/control.h"
#include "loop/loop.h"
#include "supervisor/process.h"

/*
 * A process beside the workers, of which there is one: it may come and go without harm, since what
 * it must not forget is lent to it. One that dies without having been asked to is replaced, at
 * once after progress, else with a back-off from 10 ms doubling to 30 s. How many died so, one
 * after the other, the successor is told as its index.
 */
enum sidecar_state {
	SIDECAR_EMPTY, /* no process: not wanted, or waiting for its successor */
	SIDECAR_STARTING,
	SIDECAR_WORKING,
	SIDECAR_LEAVING, /* it was asked to finish */
};

enum sidecar_event {
	SIDECAR_IS_READY,
	SIDECAR_HAS_FAILED, /* it cannot start: text says why; a successor tries again */
	SIDECAR_HAS_NOTICE, /* text */
	SIDECAR_HAS_DIED,   /* text says how; a successor comes */
	SIDECAR_HAS_ENDED,  /* the process is gone, as it was asked to; text: but badly */
	SIDECAR_ASKS,	    /* for a descriptor: status */
	SIDECAR_RESETS,
};

typedef void (*sidecar_fn)(void *argument, enum sidecar_event event, uint32_t status,
			   const char *text);

struct sidecar {
	struct process_plan plan;
	struct process process;
	enum sidecar_state state;
	bool is_wanted; /* a successor is started */
	struct loop *loop;
	struct loop_event *control_event, *exit_event, *start_timer, *leave_timer;
	int64_t started_ns, backoff_ns;
	uint64_t started_at; /* its progress then */
	uint32_t restarts;
	/* Called after each start of a process: lends it what it needs. 0, or -errno: then the
	 * process is ended, and started again after a while. */
	int (*lend)(void *argument, int channel);
	/* Another number each time that it has got something done. */
	uint64_t (*progress)(void *argument);
	sidecar_fn on_event;
	void *argument;
};

/* lend, progress, on_event and their argument are set by the owner before. plan: executable, role
 * and fixed descriptors, which stay the owner's. */
void sidecar_init(struct sidecar *sidecar, const struct process_plan *plan, struct loop *loop);

/* Starts the process, or tries again later. */
void sidecar_start(struct sidecar *sidecar);

/* Asks the process to read what is there, write it out, and end; SIDECAR_HAS_ENDED comes, at once
 * without a process. It has timeout_ns, and is killed a second later; 0: as long as it takes.
 * May be called again with another time. */
void sidecar_drain(struct sidecar *sidecar, int64_t timeout_ns);

/* Ends the process now and waits for it: what it is lent is whole at any moment. */
void sidecar_clear(struct sidecar *sidecar);

void sidecar_fini(struct sidecar *sidecar);
