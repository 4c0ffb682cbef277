/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/lanes.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define EVENTS_MAX 64

int lane_connect(const struct lane *lane, int type)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint_to_sockaddr(&lane->lanes->server, &address);
	int fd = socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, size) == 0 || errno == EINPROGRESS)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

void lane_watch(struct lane *lane, uint32_t interest)
{
	struct epoll_event event = {.events = interest, .data.ptr = lane};

	if (interest == lane->interest)
		return;
	epoll_ctl(lane->lanes->epoll_fd, lane->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, lane->fd,
		  &event);
	lane->interest = interest;
}

/* As many descriptors as are allowed without asking anybody. */
static void descriptors_allow(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int all_open(struct lanes *lanes)
{
	int error = 0;

	for (uint32_t i = 0; i < lanes->count && error == 0; i++)
		error = lanes->ops->open(&lanes->lane[i]);
	return error;
}

int lanes_open(struct lanes *lanes, uint32_t count, int wake_fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	int error;

	descriptors_allow();
	prctl(PR_SET_TIMERSLACK, 1ul); /* rates are kept by short sleeps */
	lanes->lane = xcalloc(count, sizeof(*lanes->lane));
	lanes->count = count;
	for (uint32_t i = 0; i < count; i++)
		lanes->lane[i] = (struct lane){.lanes = lanes, .fd = -1, .number = i};
	lanes->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (lanes->epoll_fd < 0 || epoll_ctl(lanes->epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) < 0)
		error = -errno;
	else
		error = all_open(lanes);
	if (error < 0)
		lanes_close(lanes);
	return error;
}

void lanes_close(struct lanes *lanes)
{
	for (uint32_t i = 0; i < lanes->count; i++)
		lanes->ops->close(&lanes->lane[i]);
	if (lanes->epoll_fd >= 0)
		close(lanes->epoll_fd);
	lanes->epoll_fd = -1;
	lanes->count = 0;
	free(lanes->lane);
	lanes->lane = NULL;
}

/* epoll_wait counts milliseconds, and epoll_pwait2 is too new: the descriptor itself is polled. */
static void sleep_until_ready(const struct lanes *lanes, int64_t timeout_ns)
{
	struct pollfd fd = {lanes->epoll_fd, POLLIN, 0};
	struct timespec timeout = {timeout_ns / NANOSECONDS_PER_SECOND,
				   timeout_ns % NANOSECONDS_PER_SECOND};

	ppoll(&fd, 1, &timeout, NULL);
}

void lanes_wait(struct lanes *lanes, int64_t timeout_ns)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(lanes->epoll_fd, events, EVENTS_MAX, 0);

	if (count <= 0 && timeout_ns > 0) {
		sleep_until_ready(lanes, timeout_ns);
		count = epoll_wait(lanes->epoll_fd, events, EVENTS_MAX, 0);
	}
	for (int i = 0; i < count; i++) {
		struct lane *lane = events[i].data.ptr;

		if (!lane)
			continue;
		lanes->ops->on_ready(lane, events[i].events);
		lanes->listener.on_turn(lanes->listener.argument, lane);
	}
}

uint64_t lanes_dropped(const struct lanes *lanes)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < lanes->count; i++)
		count += lanes->ops->dropped(&lanes->lane[i]);
	return count;
}
