/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "stats/rates.h"
#include "supervisor/aggregation.h"
#include "supervisor/check.h"
#include "supervisor/control_server.h"
#include "supervisor/listeners.h"
#include "supervisor/packet_sockets.h"
#include "supervisor/reattach.h"
#include "supervisor/reload.h"
#include "supervisor/seat.h"
#include "supervisor/upgrade.h"

/*
 * The process that an operator starts: holds everything that must outlive a worker, starts, watches
 * and replaces workers, and touches no packet. Returns the exit status of the run.
 */
int supervisor_main(int argc, char **argv);

enum phase {
	PHASE_STARTING,
	PHASE_RUNNING,
	PHASE_REJECTING, /* no packet comes in any more */
	PHASE_DRAINING,	 /* workers read and send all that there is, then the aggregator does */
	PHASE_KEEPING,	 /* or leave it all to the next start: workers make way */
	PHASE_KEPT,	 /* the service manager has it: what is still in rings is not missing */
};

/* What the files of this room share. */
struct supervisor {
	int argc;
	char **argv;
	int executable_fd, file_fd, quarantine_fd, pid_file_fd;
	struct effective *effective;	/* in force */
	struct packet_sockets *sockets; /* of live capture, or NULL */
	struct listeners *listeners;	/* of the proxy */
	uint64_t generation;		/* of the rings */
	uint64_t drops_at_start;	/* of the interface, since it was attached */
	uint64_t drops_before;		/* of those before it */
	struct seat *seats;  /* CONFIG_WORKERS_MAX; those behind seat_count were never used */
	uint32_t seat_count; /* also of workers that are not wanted any more: they have counted */
	struct loop *loop;
	struct loop_event *count_timer, *phase_timer;
	enum phase phase;
	unsigned int counts;
	int status;
	bool is_ending;
	bool is_problem_told; /* several workers find the same damage; one line is enough */
	struct reload reload;
	struct upgrade upgrade;
	struct reattach reattach;
	struct aggregation aggregation;
	uint64_t stats_key[2];		/* of all tables of statistics */
	struct control_server *control; /* NULL: off */
	struct handover *kept;		/* of an earlier run, until we are ready; or NULL */
	struct rates queries;		/* of clients of the proxy */
	int64_t started_ns;		/* monotonic */
};

/* Makes the place of a worker, or prepares it for the next process, with this configuration. False
 * with one line in error. */
bool supervisor_open_seat(struct supervisor *supervisor, uint32_t index,
			  const struct effective *effective, char *error);

/* Makes a seat, whose lease is open, one of those that are watched. */
void supervisor_init_seat(struct supervisor *supervisor, uint32_t index);

/* Why nothing new can be begun now, one line; or NULL. */
const char *supervisor_busy(const struct supervisor *supervisor);

/* The aggregator is ready, or says why it cannot start: NULL or one line. */
void supervisor_on_aggregator(struct supervisor *supervisor, const char *problem);

/* Begins the end of the run: reads and sends all that there is, then leaves. */
void supervisor_end(struct supervisor *supervisor);
