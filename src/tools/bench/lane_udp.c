/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/lanes.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "tools/bench/answer.h"

#define BUFFER_BYTES (8 << 20)
#define TRIES	     2

/* One batch of each direction, which all lanes share: nothing stays in them. */
static struct mmsghdr outgoing[LANE_BATCH], incoming[LANE_BATCH];
static struct iovec outgoing_parts[LANE_BATCH][2], incoming_parts[LANE_BATCH];
static uint8_t headers[LANE_BATCH][DNS_HEADER_SIZE];
static uint8_t messages[LANE_BATCH][ANSWER_KEPT];

static void batches_init(void)
{
	for (int i = 0; i < LANE_BATCH; i++) {
		be16_store(headers[i] + 2, DNS_FLAG_RD);
		headers[i][5] = 1; /* question */
		outgoing_parts[i][0] = (struct iovec){headers[i], DNS_HEADER_SIZE};
		outgoing[i].msg_hdr =
			(struct msghdr){.msg_iov = outgoing_parts[i], .msg_iovlen = 2};
		incoming_parts[i] = (struct iovec){messages[i], ANSWER_KEPT};
		incoming[i].msg_hdr =
			(struct msghdr){.msg_iov = &incoming_parts[i], .msg_iovlen = 1};
	}
}

static void buffer_enlarge(int fd, int forced, int name)
{
	int bytes = BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, name, &bytes, sizeof(bytes));
}

static int udp_open(struct lane *lane)
{
	if (lane->number == 0)
		batches_init();
	lane->fd = lane_connect(lane, SOCK_DGRAM);
	if (lane->fd < 0)
		return lane->fd;
	buffer_enlarge(lane->fd, SO_RCVBUFFORCE, SO_RCVBUF);
	buffer_enlarge(lane->fd, SO_SNDBUFFORCE, SO_SNDBUF);
	lane_watch(lane, EPOLLIN);
	return 0;
}

static void udp_error(const struct lane *lane, int error)
{
	const struct lanes_listener *listener = &lane->lanes->listener;

	listener->on_error(listener->argument, error);
}

/*
 * Sends what is left of a batch from *at on; false when the kernel has no room. The error of an
 * earlier datagram is reported in place of sending, so that a query is lost at the second one only.
 */
static bool udp_send_some(struct lane *lane, uint32_t *at, uint32_t count)
{
	for (int i = 0; i < TRIES; i++) {
		int sent = sendmmsg(lane->fd, outgoing + *at, count - *at, 0);

		if (sent > 0) {
			*at += (uint32_t)sent;
			return true;
		}
		if (errno == EAGAIN || errno == ENOBUFS)
			return false;
		if (errno != EINTR)
			udp_error(lane, errno);
	}
	++*at;
	return true;
}

static uint32_t udp_send(struct lane *lane, const struct lane_query *queries, uint32_t count)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < count; i++) {
		be16_store(headers[i], queries[i].id);
		outgoing_parts[i][1] = (struct iovec){(void *)(uintptr_t)queries[i].question.data,
						      queries[i].question.length};
	}
	while (at < count && udp_send_some(lane, &at, count)) {
	}
	if (at < count) {
		lane->is_blocked = true;
		lane_watch(lane, EPOLLIN | EPOLLOUT);
	}
	return at;
}

static void udp_receive(struct lane *lane)
{
	const struct lanes_listener *listener = &lane->lanes->listener;
	int count = recvmmsg(lane->fd, incoming, LANE_BATCH, 0, NULL);
	int64_t now_ns = clock_monotonic_ns();

	if (count < 0 && errno != EAGAIN && errno != EINTR)
		udp_error(lane, errno);
	for (int i = 0; i < count; i++)
		listener->on_message(listener->argument, lane,
				     (struct slice){messages[i], incoming[i].msg_len}, now_ns);
}

static void udp_on_ready(struct lane *lane, uint32_t events)
{
	if (events & EPOLLOUT) {
		lane->is_blocked = false;
		lane_watch(lane, EPOLLIN);
	}
	if (events & ~(uint32_t)EPOLLOUT)
		udp_receive(lane);
}

static void udp_on_timeout(struct lane *lane)
{
	(void)lane; /* the socket is as good as before */
}

/* Exact even when nothing came in behind the drop, which SO_RXQ_OVFL would need. */
static uint64_t udp_dropped(const struct lane *lane)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(info);

	getsockopt(lane->fd, SOL_SOCKET, SO_MEMINFO, info, &size);
	return info[SK_MEMINFO_DROPS];
}

static void udp_close(struct lane *lane)
{
	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
}

const struct lane_ops lane_udp = {
	.open = udp_open,
	.send = udp_send,
	.on_ready = udp_on_ready,
	.on_timeout = udp_on_timeout,
	.dropped = udp_dropped,
	.close = udp_close,
};
