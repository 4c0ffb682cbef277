/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "config/config.h"
#include "ipc/child.h"
#include "ipc/state.h"
#include "supervisor/effective.h"
#include "supervisor/handover.h"
#include "supervisor/observation_lease.h"
#include "supervisor/proxy_lease.h"

/*
 * What one worker is lent, made before it starts and kept when it dies: shared memory, sockets,
 * files. The numbers are those of enum child_fd. Those of the input and of the proxy's sockets
 * (input.h, listeners.h) are put there by their owners.
 */
struct lease {
	int fds[CHILD_FD_END];
	int watch_fd;		       /* the writable one; a worker is lent another */
	const struct state_head *head; /* the worker writes it */
	struct state_watch *watch;     /* we write it */
	struct observation_lease observation;
	struct proxy_lease proxy;
};

/*
 * Descriptors of the configuration are copied; input_fd is borrowed and must stay open. Returns
 * false with one line in error[CONFIG_ERROR_MAX]; lease_close then frees what was made.
 */
bool lease_open(struct lease *lease, const struct effective *effective, uint32_t worker,
		int input_fd, char *error);

/* For a run without files: takes another configuration. What was opened before stays. When it fails
 * the lease is what it was, but for sockets to send from. */
bool lease_reconfigure(struct lease *lease, const struct effective *effective, char *error);

/* Hands it over, and takes it: what lease_open() makes, from its predecessor; input_fd as there.
 * Only for live capture that sends. */
void lease_give(const struct lease *lease, uint32_t worker, struct handover *handover);
bool lease_take(struct lease *lease, uint32_t worker, const struct effective *effective,
		int input_fd, struct handover *handover, char *error);

/* Lends a fresh body from now on; or only if the one that there is, of another version, has another
 * size. Only while no process works on it. 0 or -errno. */
int lease_renew_body(struct lease *lease);
int lease_fit_body(struct lease *lease);

void lease_close(struct lease *lease);
