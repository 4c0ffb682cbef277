/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections are pipelined, and answered in any order (RFC 7766 6.2.1.1). A connection that breaks
 * takes its queries with it. One that cannot be made takes them, too, but they are left to their
 * timeouts, so that a server that is not there is asked at the pace of one that is silent.
 */
#include "tools/bench/lanes.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "tools/bench/answer.h"
#include "tools/bench/frame.h"

#define OUT_BYTES     8192
#define RECEIVE_BYTES 65536

struct stream {
	bool is_connecting;
	uint32_t out_length; /* octets that the kernel did not take yet */
	struct frame frame;
	uint8_t out[OUT_BYTES];
};

static uint8_t received[RECEIVE_BYTES]; /* nothing stays in it */

static void tcp_error(const struct lane *lane, int error)
{
	const struct lanes_listener *listener = &lane->lanes->listener;

	listener->on_error(listener->argument, error);
}

static int tcp_open(struct lane *lane)
{
	lane->stream = xcalloc(1, sizeof(*lane->stream));
	return 0;
}

static void tcp_disconnect(struct lane *lane)
{
	struct stream *stream = lane->stream;

	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
	lane->interest = 0;
	lane->is_blocked = false;
	stream->is_connecting = false;
	stream->out_length = 0;
	stream->frame.got = 0;
}

/* error: 0 for an orderly end. */
static void tcp_break(struct lane *lane, int error)
{
	const struct lanes_listener *listener = &lane->lanes->listener;

	tcp_disconnect(lane);
	if (error)
		tcp_error(lane, error);
	listener->on_lost(listener->argument, lane);
}

static bool tcp_connect(struct lane *lane)
{
	int fd = lane_connect(lane, SOCK_STREAM), yes = 1;

	if (fd < 0) {
		tcp_error(lane, -fd);
		return false;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	lane->fd = fd;
	lane->stream->is_connecting = true;
	lane_watch(lane, EPOLLIN | EPOLLOUT);
	return true;
}

/* Gives the kernel what it takes. 0, or the errno of a connection that is broken. */
static int tcp_flush(struct lane *lane)
{
	struct stream *stream = lane->stream;
	uint32_t at = 0;

	while (at < stream->out_length) {
		ssize_t sent =
			send(lane->fd, stream->out + at, stream->out_length - at, MSG_NOSIGNAL);

		if (sent > 0)
			at += (uint32_t)sent;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			return errno;
	}
	stream->out_length -= at;
	memmove(stream->out, stream->out + at, stream->out_length);
	if (!stream->out_length)
		lane->is_blocked = false;
	lane_watch(lane, stream->out_length ? EPOLLIN | EPOLLOUT : EPOLLIN);
	return 0;
}

static bool tcp_put(struct stream *stream, const struct lane_query *query)
{
	size_t length = DNS_HEADER_SIZE + query->question.length;
	uint8_t *at = stream->out + stream->out_length, *header = at + DNS_FRAME_SIZE;

	if (length + DNS_FRAME_SIZE > OUT_BYTES - stream->out_length)
		return false;
	be16_store(at, (uint16_t)length);
	memset(header, 0, DNS_HEADER_SIZE);
	be16_store(header, query->id);
	be16_store(header + 2, DNS_FLAG_RD);
	header[5] = 1; /* question */
	memcpy(header + DNS_HEADER_SIZE, query->question.data, query->question.length);
	stream->out_length += (uint32_t)(DNS_FRAME_SIZE + length);
	return true;
}

static uint32_t tcp_send(struct lane *lane, const struct lane_query *queries, uint32_t count)
{
	struct stream *stream = lane->stream;
	uint32_t taken = 0;

	if (lane->fd < 0 && !tcp_connect(lane))
		return count;
	while (taken < count && tcp_put(stream, &queries[taken]))
		taken++;
	lane->is_blocked = taken < count;
	/* An error is met again by on_ready, when these queries are in flight and can be lost. */
	if (!stream->is_connecting)
		tcp_flush(lane);
	return taken;
}

static void tcp_receive(struct lane *lane)
{
	const struct lanes_listener *listener = &lane->lanes->listener;
	ssize_t length = recv(lane->fd, received, sizeof(received), 0);
	struct slice stream = {received, length > 0 ? (size_t)length : 0}, message;
	int64_t now_ns = clock_monotonic_ns();

	while (frame_next(&lane->stream->frame, &stream, &message))
		listener->on_message(listener->argument, lane, message, now_ns);
	if (length == 0)
		tcp_break(lane, 0);
	else if (length < 0 && errno != EAGAIN && errno != EINTR)
		tcp_break(lane, errno);
}

static int socket_error(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

/* It is made, or failed. */
static bool tcp_on_connected(struct lane *lane)
{
	int error = socket_error(lane->fd);

	lane->stream->is_connecting = false;
	if (!error)
		return true;
	tcp_disconnect(lane);
	tcp_error(lane, error);
	return false;
}

static void tcp_on_ready(struct lane *lane, uint32_t events)
{
	int error = 0;

	if (lane->stream->is_connecting && !tcp_on_connected(lane))
		return;
	if (events & ~(uint32_t)EPOLLOUT)
		tcp_receive(lane);
	if (lane->fd >= 0 && events & EPOLLOUT)
		error = tcp_flush(lane);
	if (error)
		tcp_break(lane, error);
}

/* Queries that wait behind one that could not even be sent will not be answered either. */
static void tcp_on_timeout(struct lane *lane)
{
	if (lane->fd >= 0 && lane->stream->out_length)
		tcp_break(lane, 0);
}

static uint64_t tcp_dropped(const struct lane *lane)
{
	(void)lane;
	return 0;
}

static void tcp_close(struct lane *lane)
{
	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
	free(lane->stream);
	lane->stream = NULL;
}

const struct lane_ops lane_tcp = {
	.open = tcp_open,
	.send = tcp_send,
	.on_ready = tcp_on_ready,
	.on_timeout = tcp_on_timeout,
	.dropped = tcp_dropped,
	.close = tcp_close,
};
