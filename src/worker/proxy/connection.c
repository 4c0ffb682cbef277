/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/connection.h"

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
#include "worker/proxy/connections.h"
#include "worker/proxy/proxy.h"

static bool is_same(const struct connection *connection, uint32_t generation)
{
	return connection->fd >= 0 && connection->generation == generation;
}

static void idle_leave(struct connection *connection)
{
	struct connections *owner = connection->owner;

	if (connection->wait != WAIT_IDLE)
		return;
	if (connection->next)
		connection->next->previous = connection->previous;
	else
		owner->idle_last = connection->previous;
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		owner->idle_first = connection->next;
	connection->next = connection->previous = NULL;
	connection->wait = WAIT_ANSWERS;
}

static void idle_join(struct connection *connection)
{
	struct connections *owner = connection->owner;

	connection->wait = WAIT_IDLE;
	connection->previous = owner->idle_last;
	if (owner->idle_last)
		owner->idle_last->next = connection;
	else
		owner->idle_first = connection;
	owner->idle_last = connection;
}

/* Memory that connections hold is counted, all together and of each client. */
static bool may_hold(const struct connection *connection, uint32_t more)
{
	return connection->owner->held_bytes + more <= CONNECTIONS_HELD_BYTES &&
	       connection->peer->held_bytes + more <= CONNECTIONS_PEER_BYTES;
}

/* NULL: there is no more. */
static uint8_t *bytes_resize(struct connection *connection, uint8_t *bytes, uint32_t from,
			     uint32_t to)
{
	uint8_t *resized;

	if (to > from && !may_hold(connection, to - from))
		return NULL;
	resized = to ? realloc(bytes, to) : NULL;
	if (!to)
		free(bytes);
	if (to && !resized)
		return NULL;
	connection->owner->held_bytes += to;
	connection->owner->held_bytes -= from;
	connection->peer->held_bytes += to - from;
	return resized;
}

static void in_drop(struct connection *connection)
{
	connection->in = bytes_resize(connection, connection->in, connection->in_length, 0);
	connection->in_length = 0;
}

static void out_drop(struct connection *connection)
{
	connection->out = bytes_resize(connection, connection->out, connection->out_size, 0);
	connection->out_at = connection->out_length = connection->out_size = 0;
}

void connection_end(struct connection *connection)
{
	struct connections *owner = connection->owner;

	idle_leave(connection);
	wheel_stop(&owner->wheel, &connection->timer);
	loop_event_free(connection->reader);
	loop_event_free(connection->writer);
	connection->reader = connection->writer = NULL;
	close(connection->fd);
	connection->fd = -1;
	connection->generation++;
	in_drop(connection);
	out_drop(connection);
	connection->peer->count--;
	owner->count--;
	connection->next = owner->free;
	owner->free = connection;
}

/* What it waits for now; has_moved: a message came or went. A query that comes octet by octet has
 * its time from the first one on, and who does not read gains none by asking. */
static void settle(struct connection *connection, bool has_moved)
{
	struct connections *owner = connection->owner;
	int64_t now_ns = owner->proxy->now_ns, wait_ms;
	enum connection_wait wait = WAIT_IDLE;

	if (connection->out_length)
		wait = WAIT_READER;
	else if (connection->waiting)
		wait = WAIT_ANSWERS;
	else if (connection->in_length)
		wait = WAIT_QUERY;
	else if (connection->is_closing) {
		connection_end(connection);
		return;
	}
	if (wait == connection->wait && (!has_moved || wait == WAIT_READER))
		return;
	idle_leave(connection);
	connection->wait = (uint8_t)wait;
	wheel_stop(&owner->wheel, &connection->timer);
	if (wait == WAIT_ANSWERS)
		return;
	if (wait == WAIT_IDLE)
		idle_join(connection);
	wait_ms = wait == WAIT_READER  ? CONNECTION_READ_MS
		  : wait == WAIT_QUERY ? CONNECTION_QUERY_MS
				       : owner->proxy->config->proxy.tcp_idle_ms;
	connections_watch(owner, connection, now_ns + wait_ms * NANOSECONDS_PER_MILLISECOND);
}

static void on_writable(void *argument);

/* Its queries wait for the end of the turn: who calls is in the middle of answers. */
static void resume_later(struct connection *connection)
{
	struct connections *owner = connection->owner;

	if (!connection->is_held_up || connection->is_resumed)
		return;
	connection->is_resumed = true;
	connection->next_resumed = NULL;
	*owner->resumed_last = connection;
	owner->resumed_last = &connection->next_resumed;
}

/* Makes room at the end of what is kept, as long as that is less work than what was sent. */
static void out_move(struct connection *connection)
{
	uint32_t left = connection->out_length - connection->out_at;

	if (connection->out_at < left)
		return;
	memmove(connection->out, connection->out + connection->out_at, left);
	connection->out_at = 0;
	connection->out_length = left;
}

/* Keeps what the socket does not take. False when there is no room for it. */
static bool out_add(struct connection *connection, const uint8_t *bytes, size_t length)
{
	uint32_t needed;
	uint8_t *grown;

	if (connection->out_at)
		out_move(connection);
	needed = connection->out_length + (uint32_t)length;
	if (needed > connection->out_size) {
		grown = bytes_resize(connection, connection->out, connection->out_size, needed);
		if (!grown)
			return false;
		connection->out = grown;
		connection->out_size = needed;
	}
	memcpy(connection->out + connection->out_length, bytes, length);
	connection->out_length = needed;
	if (!connection->writer)
		connection->writer = loop_add_writer(connection->owner->proxy->loop, connection->fd,
						     on_writable, connection);
	return true;
}

/* False when the connection has ended. */
static bool write_out(struct connection *connection, const uint8_t *bytes, size_t length)
{
	ssize_t sent = 0;

	if (!connection->out_length) {
		sent = send(connection->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			connection_end(connection);
			return false;
		}
		sent = sent < 0 ? 0 : sent;
	}
	if ((size_t)sent < length && !out_add(connection, bytes + sent, length - (size_t)sent)) {
		connection_end(connection);
		return false;
	}
	return true;
}

/* False when the connection has ended. */
static bool gather_flush(struct connections *connections)
{
	size_t length = connections->gathered;

	connections->gathered = 0;
	return !length || write_out(connections->reading, connections->gather_bytes, length);
}

/* Beside the gathering one: a frame of its own. */
static bool send_alone(struct connection *connection, const uint8_t *message, size_t length)
{
	uint8_t *frame = connection->owner->frame_bytes;

	be16_store(frame, (uint16_t)length);
	memcpy(frame + DNS_FRAME_SIZE, message, length);
	if (!write_out(connection, frame, DNS_FRAME_SIZE + length))
		return false;
	settle(connection, true);
	return true;
}

bool connection_send(const struct client *client, const uint8_t *message, size_t length)
{
	struct connection *connection = client->connection;
	struct connections *owner = connection->owner;
	uint8_t *at;

	if (!is_same(connection, client->generation))
		return false;
	if (owner->reading != connection)
		return send_alone(connection, message, length);
	if (owner->gathered + DNS_FRAME_SIZE + length > CONNECTIONS_GATHER_BYTES &&
	    !gather_flush(owner))
		return false;
	at = owner->gather_bytes + owner->gathered;
	be16_store(at, (uint16_t)length);
	memcpy(at + DNS_FRAME_SIZE, message, length);
	owner->gathered += DNS_FRAME_SIZE + length;
	return true;
}

/* As many queries may wait, and as much may be kept, as is good for all. */
static bool may_ask(const struct connection *connection)
{
	const struct connections *owner = connection->owner;

	return connection->waiting < owner->proxy->config->proxy.tcp_queries &&
	       connection->out_length - connection->out_at < CONNECTION_OUT_BYTES;
}

/* Whether what begins there is no query, as of who speaks another protocol. */
static bool is_too_long(const uint8_t *bytes, size_t length)
{
	return length >= DNS_FRAME_SIZE && be16_load(bytes) > CONNECTION_QUERY_MAX;
}

/* Length of the query at the start of bytes with its frame; 0: it has not come whole, or never
 * does. */
static size_t frame_length(const uint8_t *bytes, size_t length)
{
	size_t whole =
		length < DNS_FRAME_SIZE ? SIZE_MAX : DNS_FRAME_SIZE + (size_t)be16_load(bytes);

	return whole <= length && !is_too_long(bytes, length) ? whole : 0;
}

static void count_query(struct connection *connection)
{
	proxy_count(connection->owner->proxy, COUNTER_PROXY_QUERIES, 1);
	proxy_count(connection->owner->proxy, COUNTER_PROXY_QUERIES_TCP, 1);
}

static void refuse(struct connection *connection)
{
	count_query(connection);
	proxy_count(connection->owner->proxy, COUNTER_PROXY_DROPPED_MALFORMED, 1);
	connection_end(connection);
}

static void take(struct connection *connection, const uint8_t *message, size_t length)
{
	static struct proxy_taken taken; /* one is taken at a time */
	struct client client = {
		.from = connection->from,
		.address = connection->address,
		.asked = connection->asked,
		.connection = connection,
		.generation = connection->generation,
	};

	count_query(connection);
	proxy_read(connection->owner->proxy, (struct slice){message, length}, &taken);
	proxy_take(connection->owner->proxy, &client, &taken);
}

/* Keeps what was not taken. False when there is no room. */
static bool in_keep(struct connection *connection, const uint8_t *bytes, size_t length)
{
	uint8_t *kept;

	if (!length) {
		in_drop(connection);
		return true;
	}
	kept = bytes_resize(connection, connection->in, connection->in_length, (uint32_t)length);
	if (!kept)
		return false;
	connection->in = kept;
	connection->in_length = (uint32_t)length;
	memcpy(kept, bytes, length);
	return true;
}

static void on_readable(void *argument);

/* Reads on, or not, as there is room for more. */
static void set_reading(struct connection *connection, bool is_reading)
{
	if (is_reading && !connection->reader && !connection->is_closing)
		connection->reader = loop_add_reader(connection->owner->proxy->loop, connection->fd,
						     on_readable, connection);
	if (!is_reading && connection->reader) {
		loop_event_free(connection->reader);
		connection->reader = NULL;
	}
}

static bool has_lived(const struct connection *connection)
{
	const struct proxy *proxy = connection->owner->proxy;

	return proxy->now_ns - connection->opened_ns >=
	       proxy->config->proxy.tcp_lifetime_s * NANOSECONDS_PER_SECOND;
}

/* Behind the last answer. */
static void close_later(struct connection *connection)
{
	connection->is_closing = true;
	in_drop(connection);
	set_reading(connection, false);
}

/* Takes the queries in bytes, which are those of connections->read_bytes. */
static void take_queries(struct connection *connection, size_t length)
{
	struct connections *owner = connection->owner;
	uint32_t generation = connection->generation;
	const uint8_t *bytes = owner->read_bytes;
	size_t at = 0, frame = frame_length(bytes, length);

	owner->reading = connection;
	while (frame && may_ask(connection)) {
		take(connection, bytes + at + DNS_FRAME_SIZE, frame - DNS_FRAME_SIZE);
		if (!is_same(connection, generation))
			break;
		at += frame;
		frame = frame_length(bytes + at, length - at);
	}
	if (is_same(connection, generation))
		gather_flush(owner);
	owner->reading = NULL;
	owner->gathered = 0;
	if (!is_same(connection, generation))
		return;
	if (is_too_long(bytes + at, length - at)) {
		refuse(connection);
		return;
	}
	if (!in_keep(connection, bytes + at, length - at)) {
		connection_end(connection);
		return;
	}
	connection->is_held_up = frame;
	if (!frame && has_lived(connection))
		close_later(connection);
	else
		set_reading(connection, !frame);
	settle(connection, at);
}

static void on_readable(void *argument)
{
	struct connection *connection = argument;
	struct connections *owner = connection->owner;
	size_t length = connection->in_length;
	ssize_t got;

	/* At most one query that has not come whole is kept: what comes has room behind it. */
	if (length)
		memcpy(owner->read_bytes, connection->in, length);
	got = recv(connection->fd, owner->read_bytes + length, CONNECTIONS_READ_BYTES,
		   MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	proxy_begin_turn(owner->proxy, 0);
	if (got < 0) {
		connection_end(connection);
	} else if (!got) {
		close_later(connection);
		settle(connection, true);
	} else {
		take_queries(connection, length + (size_t)got);
	}
	proxy_end_turn(owner->proxy);
}

static void on_writable(void *argument)
{
	struct connection *connection = argument;
	struct connections *owner = connection->owner;
	ssize_t sent =
		send(connection->fd, connection->out + connection->out_at,
		     connection->out_length - connection->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	proxy_begin_turn(owner->proxy, 0);
	if (sent < 0) {
		connection_end(connection);
	} else {
		connection->out_at += (uint32_t)sent;
		if (connection->out_at == connection->out_length) {
			out_drop(connection);
			loop_event_free(connection->writer);
			connection->writer = NULL;
		}
		resume_later(connection);
		connection->wait = WAIT_ANSWERS; /* some of it was taken: the time begins anew */
		settle(connection, true);
	}
	proxy_end_turn(owner->proxy);
}

void connection_hold(const struct client *client)
{
	if (is_same(client->connection, client->generation))
		client->connection->waiting++;
}

/* The queries that were held up wait for the end of the turn: who calls is in the middle of
 * answers.
 */
void connection_release(const struct client *client)
{
	struct connection *connection = client->connection;

	if (!is_same(connection, client->generation))
		return;
	connection->waiting--;
	resume_later(connection);
	if (connection->owner->reading != connection)
		settle(connection, true);
}

void connection_resume(struct connection *connection)
{
	struct connections *owner = connection->owner;

	if (connection->fd < 0 || !connection->is_held_up || !may_ask(connection))
		return;
	memcpy(owner->read_bytes, connection->in, connection->in_length);
	take_queries(connection, connection->in_length);
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

void connection_begin(struct connection *connection, struct connections *owner, int fd,
		      const union client_address *from)
{
	int one = 1;

	*connection = (struct connection){
		.owner = owner,
		.fd = fd,
		.from = *from,
		.address = client_address_of(from),
		.asked = local_end(fd),
		.opened_ns = owner->proxy->now_ns,
		.generation = connection->generation,
		.next_resumed = connection->next_resumed,
		.is_resumed = connection->is_resumed,
		.wait = WAIT_ANSWERS,
	};
	connection->peer = connections_peer(owner, &connection->address);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connection->peer->count++;
	set_reading(connection, true);
	settle(connection, true);
}
