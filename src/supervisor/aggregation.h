/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/aggregator_state.h"
#include "supervisor/effective.h"
#include "supervisor/handover.h"
#include "supervisor/output_files.h"
#include "supervisor/sidecar.h"

/*
 * The aggregator, as the supervisor sees it: its process, and what it is lent: its state, the
 * queues and spools of outputs, the socket of the web, and of each worker what it counts and its
 * events. All of it outlives the process.
 */
struct supervisor;

/* Memory and sockets that a configuration wants; -1 where there is none. */
struct aggregation_fds {
	int streams;
	int queues[CONFIG_OUTPUTS_MAX];
	int spools[CONFIG_OUTPUTS_MAX];
	int listener;
	struct endpoint address; /* where it listens */
};

struct aggregation {
	struct sidecar sidecar;
	struct output_files *files;
	int fds[CHILD_FD_END];
	int state_fd;
	const struct aggregator_state *state; /* mapped; the aggregator writes it. NULL: none */
	struct aggregation_fds lent;
	bool is_finishing; /* the run ends with it */
};

/* Prepares an empty one. */
void aggregation_init(struct supervisor *supervisor);

/* Makes what a configuration wants. Where there is no aggregator in it, nothing. False with one
 * line in error[CONFIG_ERROR_MAX], and then all is as before. */
bool aggregation_open(struct supervisor *supervisor, const struct effective *effective,
		      char *error);

/* Starts the process, if the configuration wants one. */
void aggregation_start(struct supervisor *supervisor);

/* Nothing is to be waited for at the start. */
bool aggregation_is_ready(const struct supervisor *supervisor);

/* The workers have changed, or the configuration has: it reads what the old rings hold, and begins
 * again with what is in force now. */
void aggregation_renew(struct supervisor *supervisor);

/* The end: all events are read and written. True when there is nothing to wait for; else the loop
 * of the supervisor is stopped when it is done. */
bool aggregation_finish(struct supervisor *supervisor);

/* Stops the process and hands over what there is; takes it. */
void aggregation_give(const struct supervisor *supervisor, struct handover *handover);
bool aggregation_take(struct supervisor *supervisor, struct handover *handover, char *error);

void aggregation_close(struct supervisor *supervisor);
