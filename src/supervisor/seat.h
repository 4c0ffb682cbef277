/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/control.h"
#include "loop/loop.h"
#include "supervisor/lease.h"
#include "supervisor/process.h"

/*
 * The place of one worker: what it is lent stays, the process in it comes and goes. A process that
 * dies without having finished is replaced, at once after progress, else with a back-off from 10 ms
 * doubling to 30 s. A packet that ended it is skipped by the successor: at once when the worker
 * died of what it did itself (SEGV, BUS, ILL, FPE, ABRT, SYS), else at its third death at that
 * packet. After three such packets in a row the successor begins with a clean body. One that died
 * while it worked for the proxy skips no packet; its progress is in queries that are done with, and
 * after three such deaths without any its successor begins with an empty cache.
 */
enum seat_state {
	SEAT_EMPTY,    /* no process: not yet, or waiting for its successor */
	SEAT_STARTING, /* the process is setting itself up */
	SEAT_READY,    /* it waits for the start */
	SEAT_WORKING,
	SEAT_LEAVING,  /* it makes way for a successor */
	SEAT_FINISHED, /* it has written all out and leaves, or has left */
};

enum seat_event {
	SEAT_IS_READY,
	SEAT_HAS_FAILED,   /* it cannot start: text says why */
	SEAT_HAS_FINISHED, /* status, and text if something was wrong */
	SEAT_HAS_NOTICE,   /* text */
	SEAT_HAS_DIED,	   /* text says how; a successor comes if seat->is_replacing */
	SEAT_HAS_LEFT,	/* the process is gone, after seat_leave(), and has done as it was told */
	SEAT_HAS_ENDED, /* the process is gone after it had finished */
};

struct seat;
typedef void (*seat_fn)(void *argument, struct seat *seat, enum seat_event event, uint32_t status,
			const char *text);

typedef bool (*seat_input_fn)(void *argument, const struct seat *seat);

/* Who is told what happens to a seat, and says what waits for it. */
struct seat_owner {
	seat_fn on_event;
	seat_input_fn has_packet; /* at the cursor */
	seat_input_fn has_query;  /* of a client of the proxy */
	void *argument;
};

/* How far a worker has come: in the packets, how many queries it has taken, and how many of them
 * are done with. */
struct seat_cursor {
	uint64_t generation, block, packet, message;
	uint64_t queries, done;
};

struct seat {
	uint32_t index;
	struct lease lease;
	enum seat_state state;
	bool is_replacing;    /* set by the owner: whether a successor is started */
	bool finishes_itself; /* set by the owner: when a file is at its end; else when it is asked
				 to */
	/* private */
	bool can_finish;
	enum control_leave leave_how;
	struct process_plan plan;
	cpu_set_t cpus;
	struct process process;
	struct loop *loop;
	struct loop_event *control_event, *exit_event, *start_timer, *leave_timer;
	int64_t backoff_ns;
	bool has_died_in_proxy;	       /* the last one, so that packets are no progress */
	uint32_t deaths;	       /* without progress, one after the other */
	uint32_t own_deaths;	       /* of those, the ones that nobody else caused */
	uint32_t packet_deaths;	       /* at the same packet, whatever was done besides */
	uint32_t skips;		       /* of packets, none processed between them */
	uint64_t processed;	       /* packets, at the last of them */
	struct seat_cursor started_at; /* when the process started: has it made progress? */
	uint32_t idle_checks;	       /* without progress, one after the other */
	struct seat_cursor moved_to;   /* where it was seen last */
	struct seat_owner owner;
};

/* The lease must be open. plan: executable and role. Pins to the index-th CPU of our own mask,
 * counted round. */
void seat_init(struct seat *seat, uint32_t index, const struct process_plan *plan,
	       struct loop *loop, const struct seat_owner *owner);

/* Hands over its process, and takes the one that a predecessor left in a seat that is initialised:
 * it goes on, or its death is found. */
void seat_give(const struct seat *seat, struct handover *handover);
void seat_take(struct seat *seat, struct handover *handover);

/* Ends a process that is not at work, for good, and waits for it: the seat can be given then. */
void seat_clear(struct seat *seat);

/* Starts a process in an empty seat. 0 or -errno. */
int seat_start(struct seat *seat);

/* The same for a seat that has worked before: tries again later when it fails. */
void seat_restart(struct seat *seat);

/* Lets the ready process begin; asks the working one to finish (gives_away: its share is others'
 * now); ends it at once, and for good when nobody is to follow. Harmless in other states. */
void seat_begin(struct seat *seat);
void seat_drain(struct seat *seat, bool gives_away);
void seat_kill(struct seat *seat);

/* Asks the process, if there is one, to make way; SEAT_HAS_LEFT comes, perhaps at once. One that
 * does not go within a second is killed: its state is whole at any moment. */
void seat_leave(struct seat *seat, enum control_leave how);

/* Aborts a worker for which something waits and that took nothing in four checks (in twenty, while
 * it starts), one after the other. Call it twice a second. Checks count, not time: we may have been
 * stopped together with the worker. */
void seat_check_progress(struct seat *seat);

/* The packet that ended the last process will be quarantined by the next. */
bool seat_is_skipping(const struct seat *seat);

/* Deaths one after the other since it last made progress. More than one: degraded. */
uint32_t seat_fruitless_deaths(const struct seat *seat);

/* The CPU that it is pinned to, -1 = none. */
int seat_cpu(const struct seat *seat);

/* Nothing more is to come from it: it has finished, or is empty and nobody follows. */
bool seat_is_done(const struct seat *seat);

/* Waits for the process, frees events and lease. */
void seat_fini(struct seat *seat);
