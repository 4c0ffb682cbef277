/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/lent.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 10000

/* Where a descriptor belongs; NULL: nowhere. */
static int *place_of(struct lent *lent, enum lend what, uint32_t index)
{
	struct lent_worker *worker = index < CONFIG_WORKERS_MAX ? &lent->workers[index] : NULL;
	bool is_output = index < CONFIG_OUTPUTS_MAX;

	switch (what) {
	case LEND_STATE:
		return &lent->state_fd;
	case LEND_STREAMS:
		return &lent->streams_fd;
	case LEND_LISTENER:
		return &lent->listener_fd;
	case LEND_QUEUE:
		return is_output ? &lent->queue_fds[index] : NULL;
	case LEND_SPOOL:
		return is_output ? &lent->spool_fds[index] : NULL;
	case LEND_HEAD:
		return worker ? &worker->head_fd : NULL;
	case LEND_WATCH:
		return worker ? &worker->watch_fd : NULL;
	case LEND_STATS:
		return worker ? &worker->stats_fd : NULL;
	case LEND_RING:
		return worker ? &worker->ring_fd : NULL;
	case LEND_RING_TAIL:
		return worker ? &worker->tail_fd : NULL;
	case LEND_BELL:
		return worker ? &worker->bell_fd : NULL;
	case LEND_PROXY:
		return worker ? &worker->proxy_fd : NULL;
	case LEND_CACHE:
		return worker ? &worker->cache_fd : NULL;
	default:
		return NULL;
	}
}

static int wait_for(int channel, struct control_message *message, int *fd)
{
	struct pollfd readable = {.fd = channel, .events = POLLIN};
	int got;

	while ((got = lend_receive(channel, message, fd)) == -EAGAIN)
		if (poll(&readable, 1, WAIT_MS) == 0)
			return 0;
	return got;
}

bool lent_receive(struct lent *lent, int channel)
{
	struct control_message message;
	int *place, fd;

	memset(lent, -1, sizeof(*lent));
	lent->worker_count = 0;
	while (wait_for(channel, &message, &fd) > 0 && message.type == CONTROL_LENT) {
		enum lend what = lend_what(message.status);
		uint32_t index = lend_index(message.status);

		if (what == LEND_END)
			return true;
		place = place_of(lent, what, index);
		if (!place || *place >= 0 || fd < 0)
			return false;
		*place = fd;
		if (what == LEND_HEAD && index >= lent->worker_count)
			lent->worker_count = index + 1;
	}
	return false;
}
