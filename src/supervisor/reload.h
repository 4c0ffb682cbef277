/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "supervisor/check.h"
#include "supervisor/seat.h"

/*
 * A reload: a process of its own checks the configuration; when it is good, the difference is
 * logged, the kernel's side changed, and the workers replaced one by one, each on the state of its
 * predecessor. A bad one changes nothing. Nothing waits meanwhile: it goes on from event to event.
 */
enum reload_step {
	RELOAD_NONE,
	RELOAD_CHECKING,
	RELOAD_GROWING,	  /* new workers get ready, before they get packets */
	RELOAD_REPLACING, /* one by one */
	RELOAD_SHRINKING, /* the last packets of workers that get no more are on their way */
	RELOAD_DRAINING,  /* these workers read what they have */
};

struct supervisor;

/* Told at the end: error is NULL, or one line that says why nothing (or not all) has changed. */
typedef void (*reload_fn)(void *argument, const char *error);

struct reload {
	enum reload_step step;
	struct check check;
	struct loop_event *check_event, *timer;
	struct effective *next;	     /* checked, not yet in force */
	struct effective *previous;  /* of workers that are not replaced yet */
	uint32_t seat;		     /* that is being replaced */
	bool has_left;		     /* its predecessor */
	bool is_asked_again;	     /* by a signal: once more, when this one has ended */
	bool is_trial;		     /* ends with the first that does not get ready */
	char kept[CONFIG_ERROR_MAX]; /* a worker goes on with the configuration before: why */
	reload_fn on_done;
	void *argument;
};

void reload_open(struct supervisor *supervisor);

/* Begins a reload; on_done (may be NULL) is called later, or at once when it cannot begin. */
void reload_begin(struct supervisor *supervisor, reload_fn on_done, void *argument);

/* Puts reload->next in force, when it is set: a start on kept state has checked it. What otherwise
 * needs a restart changes as well. */
void reload_catch_up(struct supervisor *supervisor);

/* Replaces the workers one by one by others of this program, on the same configuration: ends with
 * the first one that does not get ready. */
void reload_replace(struct supervisor *supervisor, reload_fn on_done, void *argument);

/* Replaces the workers one by one, on the same configuration and other rings, each when it has read
 * its old one to the end. False when a reload is going on. */
bool reload_move(struct supervisor *supervisor, reload_fn on_done, void *argument);

/* What happened to a seat. True: it was part of the reload, and nothing else is to be done. */
bool reload_on_seat(struct supervisor *supervisor, struct seat *seat, enum seat_event event,
		    const char *text);

/* The run ends: no more steps are taken. */
void reload_abandon(struct supervisor *supervisor);
