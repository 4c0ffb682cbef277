/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include "supervisor/handover.h"
#include "supervisor/process.h"
#include "supervisor/reload.h"

/*
 * Upgrade: the program that is installed now goes on in the place of this one, in the same process,
 * with its children and all that is held. First a process of the new program looks whether it
 * understands what it will get (rehearsal.h); a program that does not answer is not executed. Then
 * it is executed in place, takes over (takeover.h), and replaces the workers one by one on their
 * state. Until the last one works it is on trial: whatever fails makes it execute the previous
 * program, which goes on. In the end the configuration is read again, as the new program
 * understands it.
 */
struct supervisor;

struct upgrade {
	char path[PATH_MAX];	/* of our program, as it was started */
	int next_fd;		/* the program that is being checked, or -1 */
	struct process process; /* that checks it */
	struct loop_event *event, *timer, *become_timer;
	uint32_t turns;			/* of the loop, since signals wait */
	int previous_fd;		/* on trial: the program before us; else -1 */
	char failure[CONFIG_ERROR_MAX]; /* why the next one failed, or we on trial; else "" */
	reload_fn on_done;
	void *argument;
};

/* Finds out which program we are. */
void upgrade_init(struct upgrade *upgrade);

/* After a loop is there. */
void upgrade_open(struct supervisor *supervisor);

/* Begins; on_done (may be NULL) is called with one line when it fails; when it succeeds, by the
 * next program, of which see control_server_open(). */
void upgrade_begin(struct supervisor *supervisor, reload_fn on_done, void *argument);

/* A program is being checked, or is on trial. */
bool upgrade_is_going_on(const struct supervisor *supervisor);

/* What the previous program hands over, NULL when we were started. From here until
 * rescue_disarm(), whatever ends this process lets that one go on instead. */
struct handover *upgrade_receive(struct supervisor *supervisor);

/* All is taken over: begins the trial, or goes on after that of the next program has failed. */
void upgrade_go_on(struct supervisor *supervisor);
