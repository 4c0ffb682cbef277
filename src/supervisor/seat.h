/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "loop/loop.h"
#include "supervisor/lease.h"
#include "supervisor/process.h"

/*
 * The place of one worker: what it is lent stays, the process in it comes and goes. A process that
 * dies without having finished is replaced, at once after progress, else with a back-off from 10 ms
 * doubling to 30 s.
 */
enum seat_state {
	SEAT_EMPTY,    /* no process: not yet, or waiting for its successor */
	SEAT_STARTING, /* the process is setting itself up */
	SEAT_READY,    /* it waits for the start */
	SEAT_WORKING,
	SEAT_FINISHED, /* it has written all out and leaves, or has left */
};

enum seat_event {
	SEAT_IS_READY,
	SEAT_HAS_FAILED,   /* it cannot start: text says why */
	SEAT_HAS_FINISHED, /* status, and text if something was wrong */
	SEAT_HAS_NOTICE,   /* text */
	SEAT_HAS_DIED,	   /* text says how; a successor comes if seat->is_replacing */
	SEAT_HAS_ENDED,	   /* the process is gone after it had finished */
};

struct seat;
typedef void (*seat_fn)(void *argument, struct seat *seat, enum seat_event event, uint32_t status,
			const char *text);

struct seat {
	uint32_t index;
	struct lease lease;
	enum seat_state state;
	bool is_replacing; /* set by the owner: whether a successor is started */
	/* private */
	struct process_plan plan;
	cpu_set_t cpus;
	struct process process;
	struct loop *loop;
	struct loop_event *control_event, *exit_event, *start_timer;
	int64_t backoff_ns;
	uint64_t read_at_start; /* packets read when the process started: has it made progress? */
	seat_fn on_event;
	void *argument;
};

/* The lease must be open. plan: executable and role. Pins to the index-th CPU of our own mask,
 * counted round. */
void seat_init(struct seat *seat, uint32_t index, const struct process_plan *plan,
	       struct loop *loop, seat_fn on_event, void *argument);

/* Starts a process in an empty seat. 0 or -errno. */
int seat_start(struct seat *seat);

/* Lets the ready process begin; asks the working one to finish; ends it at once. Harmless in other
 * states. */
void seat_begin(struct seat *seat);
void seat_drain(struct seat *seat);
void seat_kill(struct seat *seat);

/* Waits for the process, frees events and lease. */
void seat_fini(struct seat *seat);
