/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/server_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "loop/loop.h"

#define OUT_LEAST_BYTES 4096
#define DEAD_MS		5000 /* without a sign that anything arrives: the kernel tries for 15 minutes */

void server_stream_init(struct server_stream *stream, struct loop *loop,
			const struct endpoint *endpoint, const struct server_stream_ops *ops,
			void *argument)
{
	*stream = (struct server_stream){
		.loop = loop, .endpoint = *endpoint, .ops = ops, .argument = argument, .fd = -1};
}

void server_stream_close(struct server_stream *stream)
{
	loop_event_free(stream->reader);
	loop_event_free(stream->writer);
	stream->reader = stream->writer = NULL;
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream->in);
	free(stream->out);
	stream->in = stream->out = NULL;
	stream->fd = -1;
	stream->is_connected = stream->has_worked = false;
	stream->in_length = stream->out_at = stream->out_length = stream->out_size = 0;
}

static void end(struct server_stream *stream)
{
	bool has_worked = stream->has_worked;

	server_stream_close(stream);
	stream->ops->on_end(stream->argument, has_worked);
}

/* Hands over each whole message, until the owner closes the connection. */
static void take_messages(struct server_stream *stream)
{
	size_t at = 0, length;

	while (stream->in_length - at >= DNS_FRAME_SIZE) {
		length = be16_load(stream->in + at);
		if (stream->in_length - at < DNS_FRAME_SIZE + length)
			break;
		stream->has_worked = true;
		stream->ops->on_message(stream->argument, stream->in + at + DNS_FRAME_SIZE, length);
		if (!server_stream_is_open(stream))
			return;
		at += DNS_FRAME_SIZE + length;
	}
	memmove(stream->in, stream->in + at, stream->in_length - at);
	stream->in_length -= at;
}

static void on_readable(void *argument)
{
	struct server_stream *stream = argument;
	ssize_t got = recv(stream->fd, stream->in + stream->in_length,
			   SERVER_STREAM_IN_BYTES - stream->in_length, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		end(stream);
		return;
	}
	stream->in_length += (size_t)got;
	stream->ops->on_begin(stream->argument);
	take_messages(stream);
	stream->ops->on_done(stream->argument);
}

static void on_writable(void *argument);

static bool is_for_later(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOBUFS || error == ENOMEM;
}

/* Writes what it can; what is left waits for the socket. A connection that has ended says so to its
 * reader. */
static void write_out(struct server_stream *stream)
{
	ssize_t sent = send(stream->fd, stream->out + stream->out_at,
			    stream->out_length - stream->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent > 0)
		stream->out_at += (size_t)sent;
	if (stream->out_at == stream->out_length || (sent < 0 && !is_for_later(errno))) {
		stream->out_at = stream->out_length = 0;
		loop_event_free(stream->writer);
		stream->writer = NULL;
	} else if (!stream->writer) {
		stream->writer = loop_add_writer(stream->loop, stream->fd, on_writable, stream);
	}
}

static void on_writable(void *argument)
{
	struct server_stream *stream = argument;
	socklen_t length = sizeof(int);
	int error = 0;

	if (!stream->is_connected &&
	    (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error)) {
		end(stream);
		return;
	}
	stream->is_connected = true;
	write_out(stream);
}

static bool connect_begin(struct server_stream *stream)
{
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_sockaddr(&stream->endpoint, &address);
	const int one = 1, dead_ms = DEAD_MS;

	stream->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (stream->fd < 0)
		return false;
	setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(stream->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
	stream->in = malloc(SERVER_STREAM_IN_BYTES);
	if (!stream->in || (connect(stream->fd, (struct sockaddr *)&address, length) < 0 &&
			    errno != EINPROGRESS)) {
		server_stream_close(stream);
		return false;
	}
	stream->reader = loop_add_reader(stream->loop, stream->fd, on_readable, stream);
	stream->writer = loop_add_writer(stream->loop, stream->fd, on_writable, stream);
	return true;
}

/* False when there is no room for so much more. */
static bool make_room(struct server_stream *stream, size_t more)
{
	size_t size = stream->out_size ? stream->out_size : OUT_LEAST_BYTES;
	uint8_t *grown;

	if (stream->out_at && stream->out_length + more > stream->out_size) {
		stream->out_length -= stream->out_at;
		memmove(stream->out, stream->out + stream->out_at, stream->out_length);
		stream->out_at = 0;
	}
	while (size < stream->out_length + more)
		size *= 2;
	if (size == stream->out_size)
		return true;
	grown = size <= SERVER_STREAM_OUT_BYTES ? realloc(stream->out, size) : NULL;
	if (!grown)
		return false;
	stream->out = grown;
	stream->out_size = size;
	return true;
}

enum server_stream_taken server_stream_send(struct server_stream *stream, struct slice message)
{
	if (!server_stream_is_open(stream) && !connect_begin(stream))
		return SERVER_STREAM_UNREACHABLE;
	if (!make_room(stream, DNS_FRAME_SIZE + message.length))
		return SERVER_STREAM_FULL;
	be16_store(stream->out + stream->out_length, (uint16_t)message.length);
	memcpy(stream->out + stream->out_length + DNS_FRAME_SIZE, message.data, message.length);
	stream->out_length += DNS_FRAME_SIZE + message.length;
	return SERVER_STREAM_TAKEN;
}

void server_stream_flush(struct server_stream *stream)
{
	if (stream->is_connected && stream->out_length && !stream->writer)
		write_out(stream);
}
