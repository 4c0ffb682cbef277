/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "config/config.h"
#include "ipc/lend.h"
#include "ipc/state.h"

/* All that the aggregator is lent at its start. */
struct lent {
	int state_fd, streams_fd, listener_fd;
	int queue_fds[CONFIG_OUTPUTS_MAX], spool_fds[CONFIG_OUTPUTS_MAX];
	struct lent_worker {
		int head_fd, watch_fd, stats_fd, ring_fd, tail_fd, bell_fd; /* -1: not lent */
		int proxy_fd, cache_fd;
	} workers[CONFIG_WORKERS_MAX];
	uint32_t worker_count;
};

/* Waits for all of it, up to LEND_END. False when the other side is gone, or says something else.
 */
bool lent_receive(struct lent *lent, int channel);
