/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/client_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/message.h"
#include "loop/loop.h"
#include "worker/proxy/client_stream_bytes.h"
#include "worker/proxy/client_streams.h"
#include "worker/proxy/proxy.h"

static bool is_same(const struct client_stream *stream, uint32_t generation)
{
	return stream->fd >= 0 && stream->generation == generation;
}

void client_stream_close(struct client_stream *stream)
{
	struct client_streams *owner = stream->owner;

	client_streams_leave_idle(stream);
	wheel_stop(&owner->wheel, &stream->timer);
	loop_event_free(stream->reader);
	loop_event_free(stream->writer);
	stream->reader = stream->writer = NULL;
	close(stream->fd);
	stream->fd = -1;
	stream->generation++;
	client_stream_drop_in(stream);
	client_stream_drop_out(stream);
	client_streams_give_back(stream);
}

static bool has_lived(const struct client_stream *stream)
{
	const struct proxy *proxy = stream->owner->proxy;

	return proxy->now_ns - stream->opened_ns >=
	       proxy->config->proxy.tcp_lifetime_s * NANOSECONDS_PER_SECOND;
}

/* What it waits for now; has_moved: a message came or went. A query that comes octet by octet has
 * its time from the first one on, and who does not read gains none by asking. */
static void settle(struct client_stream *stream, bool has_moved)
{
	struct client_streams *owner = stream->owner;
	int64_t now_ns = owner->proxy->now_ns, wait_ms;
	enum client_stream_wait wait = WAIT_IDLE;

	if (stream->out_length)
		wait = WAIT_READER;
	else if (stream->waiting)
		wait = WAIT_ANSWERS;
	else if (stream->in_length)
		wait = WAIT_QUERY;
	else if (stream->is_closing || has_lived(stream)) {
		client_stream_close(stream);
		return;
	}
	if (wait == stream->wait && (!has_moved || wait == WAIT_READER))
		return;
	client_streams_leave_idle(stream);
	stream->wait = (uint8_t)wait;
	wheel_stop(&owner->wheel, &stream->timer);
	if (wait == WAIT_ANSWERS)
		return;
	if (wait == WAIT_IDLE)
		client_streams_join_idle(stream);
	wait_ms = wait == WAIT_READER  ? CLIENT_STREAM_READ_MS
		  : wait == WAIT_QUERY ? CLIENT_STREAM_QUERY_MS
				       : owner->proxy->config->proxy.tcp_idle_ms;
	client_streams_watch(owner, stream, now_ns + wait_ms * NANOSECONDS_PER_MILLISECOND);
}

static void on_writable(void *argument);

/* False when the connection has ended. */
static bool write_out(struct client_stream *stream, const uint8_t *bytes, size_t length)
{
	ssize_t sent = 0;

	if (!stream->out_length) {
		sent = send(stream->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			client_stream_close(stream);
			return false;
		}
		sent = sent < 0 ? 0 : sent;
	}
	if ((size_t)sent == length)
		return true;
	if (!client_stream_keep_out(stream, bytes + sent, length - (size_t)sent)) {
		client_stream_close(stream);
		return false;
	}
	if (!stream->writer)
		stream->writer = loop_add_writer(stream->owner->proxy->loop, stream->fd,
						 on_writable, stream);
	return true;
}

/* False when the connection has ended. */
static bool gather_flush(struct client_streams *streams)
{
	size_t length = streams->gathered;

	streams->gathered = 0;
	return !length || write_out(streams->reading, streams->gather_bytes, length);
}

/* Beside the gathering one: a frame of its own. */
static bool send_alone(struct client_stream *stream, const uint8_t *message, size_t length)
{
	uint8_t *frame = stream->owner->frame_bytes;

	be16_store(frame, (uint16_t)length);
	memcpy(frame + DNS_FRAME_SIZE, message, length);
	if (!write_out(stream, frame, DNS_FRAME_SIZE + length))
		return false;
	settle(stream, true);
	return true;
}

bool client_stream_send(const struct client *client, const uint8_t *message, size_t length)
{
	struct client_stream *stream = client->stream;
	struct client_streams *owner = stream->owner;
	uint8_t *at;

	if (!is_same(stream, client->generation))
		return false;
	if (owner->reading != stream)
		return send_alone(stream, message, length);
	if (owner->gathered + DNS_FRAME_SIZE + length > CLIENT_STREAMS_GATHER_BYTES &&
	    !gather_flush(owner))
		return false;
	at = owner->gather_bytes + owner->gathered;
	be16_store(at, (uint16_t)length);
	memcpy(at + DNS_FRAME_SIZE, message, length);
	owner->gathered += DNS_FRAME_SIZE + length;
	return true;
}

/* As many queries may wait, and as much may be kept, as is good for all. */
static bool may_ask(const struct client_stream *stream)
{
	const struct client_streams *owner = stream->owner;

	return stream->waiting < owner->proxy->config->proxy.tcp_queries &&
	       stream->out_length - stream->out_at < CLIENT_STREAM_OUT_BYTES;
}

/* Whether what begins there is no query, as of who speaks another protocol. */
static bool is_too_long(const uint8_t *bytes, size_t length)
{
	return length >= DNS_FRAME_SIZE && be16_load(bytes) > CLIENT_STREAM_QUERY_MAX;
}

/* Length of the query at the start of bytes with its frame; 0: it has not come whole, or never
 * does. */
static size_t frame_length(const uint8_t *bytes, size_t length)
{
	size_t whole =
		length < DNS_FRAME_SIZE ? SIZE_MAX : DNS_FRAME_SIZE + (size_t)be16_load(bytes);

	return whole <= length && !is_too_long(bytes, length) ? whole : 0;
}

static void count_query(struct client_stream *stream)
{
	proxy_count(stream->owner->proxy, COUNTER_PROXY_QUERIES, 1);
	proxy_count(stream->owner->proxy, COUNTER_PROXY_QUERIES_TCP, 1);
}

static void refuse(struct client_stream *stream)
{
	count_query(stream);
	proxy_count(stream->owner->proxy, COUNTER_PROXY_DROPPED_MALFORMED, 1);
	client_stream_close(stream);
}

static void take(struct client_stream *stream, const uint8_t *message, size_t length)
{
	static struct proxy_taken taken; /* one is taken at a time */
	struct client client = {
		.from = stream->from,
		.address = stream->address,
		.asked = stream->asked,
		.stream = stream,
		.generation = stream->generation,
	};

	count_query(stream);
	proxy_parse(stream->owner->proxy, (struct slice){message, length}, &taken);
	proxy_handle(stream->owner->proxy, &client, &taken);
}

static void on_readable(void *argument);

/* Reads on, or not, as there is room for more. */
static void set_reading(struct client_stream *stream, bool is_reading)
{
	if (is_reading && !stream->reader && !stream->is_closing)
		stream->reader = loop_add_reader(stream->owner->proxy->loop, stream->fd,
						 on_readable, stream);
	if (!is_reading && stream->reader) {
		loop_event_free(stream->reader);
		stream->reader = NULL;
	}
}

/* Behind the last answer. */
static void close_later(struct client_stream *stream)
{
	stream->is_closing = true;
	client_stream_drop_in(stream);
	set_reading(stream, false);
}

/* Takes the queries in bytes, which are those of streams->read_bytes. */
static void take_queries(struct client_stream *stream, size_t length)
{
	struct client_streams *owner = stream->owner;
	uint32_t generation = stream->generation;
	const uint8_t *bytes = owner->read_bytes;
	size_t at = 0, frame = frame_length(bytes, length);

	owner->reading = stream;
	while (frame && may_ask(stream)) {
		take(stream, bytes + at + DNS_FRAME_SIZE, frame - DNS_FRAME_SIZE);
		if (!is_same(stream, generation))
			break;
		at += frame;
		frame = frame_length(bytes + at, length - at);
	}
	if (is_same(stream, generation))
		gather_flush(owner);
	owner->reading = NULL;
	owner->gathered = 0;
	if (!is_same(stream, generation))
		return;
	if (is_too_long(bytes + at, length - at)) {
		refuse(stream);
		return;
	}
	if (!client_stream_keep_in(stream, bytes + at, length - at)) {
		client_stream_close(stream);
		return;
	}
	stream->is_held_up = frame;
	set_reading(stream, !frame);
	settle(stream, at);
}

static void on_readable(void *argument)
{
	struct client_stream *stream = argument;
	struct client_streams *owner = stream->owner;
	size_t length = stream->in_length;
	ssize_t got;

	/* At most one query that has not come whole is kept: what comes has room behind it. */
	if (length)
		memcpy(owner->read_bytes, stream->in, length);
	got = recv(stream->fd, owner->read_bytes + length, CLIENT_STREAMS_READ_BYTES, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	proxy_begin_turn(owner->proxy, 0);
	if (got < 0) {
		client_stream_close(stream);
	} else if (!got) {
		close_later(stream);
		settle(stream, true);
	} else {
		take_queries(stream, length + (size_t)got);
	}
	proxy_end_turn(owner->proxy);
}

static void on_writable(void *argument)
{
	struct client_stream *stream = argument;
	struct client_streams *owner = stream->owner;
	ssize_t sent = send(stream->fd, stream->out + stream->out_at,
			    stream->out_length - stream->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	proxy_begin_turn(owner->proxy, 0);
	if (sent < 0) {
		client_stream_close(stream);
	} else {
		stream->out_at += (uint32_t)sent;
		if (stream->out_at == stream->out_length) {
			client_stream_drop_out(stream);
			loop_event_free(stream->writer);
			stream->writer = NULL;
		}
		client_streams_resume_later(stream);
		stream->wait = WAIT_ANSWERS; /* some of it was taken: the time begins anew */
		settle(stream, true);
	}
	proxy_end_turn(owner->proxy);
}

void client_stream_hold(const struct client *client)
{
	if (is_same(client->stream, client->generation))
		client->stream->waiting++;
}

void client_stream_release(const struct client *client)
{
	struct client_stream *stream = client->stream;

	if (!is_same(stream, client->generation))
		return;
	stream->waiting--;
	client_streams_resume_later(stream);
	if (stream->owner->reading != stream)
		settle(stream, true);
}

void client_stream_resume(struct client_stream *stream)
{
	struct client_streams *owner = stream->owner;

	if (stream->fd < 0 || !stream->is_held_up || !may_ask(stream))
		return;
	memcpy(owner->read_bytes, stream->in, stream->in_length);
	take_queries(stream, stream->in_length);
}

/* Version 0 when the kernel does not tell. */
static struct endpoint local_end(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	struct endpoint local;

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
	    !endpoint_from_sockaddr(&address, &local))
		return (struct endpoint){0};
	return local;
}

void client_stream_open(struct client_stream *stream, struct client_streams *owner, int fd,
			const union client_address *from)
{
	int one = 1;

	*stream = (struct client_stream){
		.owner = owner,
		.fd = fd,
		.from = *from,
		.address = client_address_of(from),
		.asked = local_end(fd),
		.opened_ns = owner->proxy->now_ns,
		.generation = stream->generation,
		.next_resumed = stream->next_resumed,
		.is_resumed = stream->is_resumed,
		.wait = WAIT_ANSWERS,
	};
	stream->peer = client_streams_peer(owner, &stream->address);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	stream->peer->count++;
	set_reading(stream, true);
	settle(stream, true);
}
