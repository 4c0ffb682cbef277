/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/client_streams.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "loop/loop.h"
#include "worker/proxy/proxy.h"

#define ACCEPT_PAUSE_NS (500 * NANOSECONDS_PER_MILLISECOND)

struct client_streams_peer *client_streams_peer(struct client_streams *streams,
						const struct address *address)
{
	uint64_t hash = hash_bytes(&streams->key, address->bytes, sizeof(address->bytes));

	return &streams->peers[hash % CLIENT_STREAMS_PEERS];
}

static void on_due(void *argument, struct wheel_timer *timer)
{
	struct client_streams *streams = argument;
	struct client_stream *stream = (struct client_stream *)timer; /* its first member */

	if (stream->wait != WAIT_IDLE)
		proxy_count(streams->proxy, COUNTER_PROXY_CONNECTIONS_SLOW, 1);
	client_stream_close(stream);
}

static void on_tick(void *argument)
{
	struct client_streams *streams = argument;

	proxy_begin_turn(streams->proxy, 0);
	wheel_turn(&streams->wheel, streams->proxy->now_ns, on_due, streams);
	streams->is_ticking = streams->wheel.count;
	if (streams->is_ticking)
		loop_timer_set(streams->tick_timer, CLIENT_STREAMS_TICK_NS);
	proxy_end_turn(streams->proxy);
}

void client_streams_watch(struct client_streams *streams, struct client_stream *stream,
			  int64_t due_ns)
{
	wheel_set(&streams->wheel, &stream->timer, due_ns);
	if (!streams->is_ticking)
		loop_timer_set(streams->tick_timer, CLIENT_STREAMS_TICK_NS);
	streams->is_ticking = true;
}

static void on_resume(void *argument)
{
	struct client_streams *streams = argument;

	proxy_begin_turn(streams->proxy, 0);
	proxy_end_turn(streams->proxy); /* resumes */
}

void client_streams_resume_later(struct client_stream *stream)
{
	struct client_streams *owner = stream->owner;

	if (!stream->is_held_up || stream->is_resumed)
		return;
	stream->is_resumed = true;
	stream->next_resumed = NULL;
	*owner->resumed_last = stream;
	owner->resumed_last = &stream->next_resumed;
}

/* One answer may make room for thousands. */
void client_streams_resume(struct client_streams *streams)
{
	for (uint32_t i = 0; streams->resumed && i < CLIENT_STREAMS_RESUME; i++) {
		struct client_stream *stream = streams->resumed;

		streams->resumed = stream->next_resumed;
		if (!streams->resumed)
			streams->resumed_last = &streams->resumed;
		stream->is_resumed = false;
		client_stream_resume(stream);
	}
	if (streams->resumed)
		loop_timer_set(streams->resume_timer, 0);
}

static void set_accepting(struct client_streams *streams, bool is_accepting);

static void on_accept_again(void *argument)
{
	set_accepting(argument, true);
}

void client_streams_leave_idle(struct client_stream *stream)
{
	struct client_streams *owner = stream->owner;

	if (stream->wait != WAIT_IDLE)
		return;
	if (stream->next)
		stream->next->previous = stream->previous;
	else
		owner->idle_last = stream->previous;
	if (stream->previous)
		stream->previous->next = stream->next;
	else
		owner->idle_first = stream->next;
	stream->next = stream->previous = NULL;
	stream->wait = WAIT_ANSWERS;
}

void client_streams_join_idle(struct client_stream *stream)
{
	struct client_streams *owner = stream->owner;

	stream->wait = WAIT_IDLE;
	stream->previous = owner->idle_last;
	if (owner->idle_last)
		owner->idle_last->next = stream;
	else
		owner->idle_first = stream;
	owner->idle_last = stream;
}

/* The longest idle one makes way. False when none is idle. */
static bool evict_idle(struct client_streams *streams)
{
	if (!streams->idle_first)
		return false;
	proxy_count(streams->proxy, COUNTER_PROXY_CONNECTIONS_EVICTED, 1);
	client_stream_close(streams->idle_first);
	return true;
}

static bool make_room(struct client_streams *streams)
{
	return streams->count < streams->room || evict_idle(streams);
}

void client_streams_give_back(struct client_stream *stream)
{
	struct client_streams *streams = stream->owner;

	stream->peer->count--;
	streams->count--;
	stream->next = streams->free;
	streams->free = stream;
}

static void begin(struct client_streams *streams, int fd, const union client_address *from)
{
	struct client_stream *stream = streams->free;

	if (stream)
		streams->free = stream->next;
	else
		stream = &streams->slots[streams->used++];
	streams->count++;
	client_stream_open(stream, streams, fd, from);
	proxy_count(streams->proxy, COUNTER_PROXY_CONNECTIONS, 1);
}

/* Those who wait are asked again soon. */
static void pause_accepting(struct client_streams *streams)
{
	set_accepting(streams, false);
	loop_timer_set(streams->accept_timer, ACCEPT_PAUSE_NS);
}

/* There are no descriptors, perhaps fewer than connections that are wanted. Only the first of a
 * turn is sure to have a client wait: the kernel says this also when there is none. */
static bool make_room_for_first(struct client_streams *streams, bool is_first)
{
	if (!is_first || evict_idle(streams))
		return is_first;
	pause_accepting(streams);
	return false;
}

/* False: no more now. */
static bool accept_one(struct acceptor *acceptor, bool is_first)
{
	struct client_streams *streams = acceptor->streams;
	struct proxy *proxy = streams->proxy;
	union client_address from = {0};
	socklen_t length = sizeof(from);
	struct address address;
	int fd = accept4(acceptor->fd, &from.any, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		return make_room_for_first(streams, is_first);
	if (fd < 0 && (errno == ENOBUFS || errno == ENOMEM))
		pause_accepting(streams);
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR;
	address = client_address_of(&from);
	if (!proxy_allows(proxy, &address) ||
	    client_streams_peer(streams, &address)->count >= proxy->config->proxy.tcp_per_client ||
	    !make_room(streams)) {
		proxy_count(proxy, COUNTER_PROXY_CONNECTIONS_REFUSED, 1);
		close(fd);
	} else {
		begin(streams, fd, &from);
	}
	return true;
}

static void on_acceptable(void *argument)
{
	struct acceptor *acceptor = argument;

	proxy_begin_turn(acceptor->streams->proxy, 0);
	for (uint32_t i = 0; i < CLIENT_STREAMS_ACCEPT; i++)
		if (!accept_one(acceptor, i == 0))
			break;
	proxy_end_turn(acceptor->streams->proxy);
}

static void set_accepting(struct client_streams *streams, bool is_accepting)
{
	for (uint32_t i = 0; i < streams->acceptor_count; i++) {
		struct acceptor *acceptor = &streams->acceptors[i];

		loop_event_free(acceptor->event);
		acceptor->event = is_accepting ? loop_add_reader(streams->proxy->loop, acceptor->fd,
								 on_acceptable, acceptor)
					       : NULL;
	}
}

struct client_streams *client_streams_new(struct proxy *proxy)
{
	struct client_streams *streams = calloc(1, sizeof(*streams));

	if (!streams)
		return NULL;
	streams->proxy = proxy;
	streams->room = proxy->config->proxy.tcp_connections;
	streams->slots = calloc(streams->room ? streams->room : 1, sizeof(*streams->slots));
	streams->tick_timer = loop_add_timer(proxy->loop, on_tick, streams);
	streams->accept_timer = loop_add_timer(proxy->loop, on_accept_again, streams);
	streams->resume_timer = loop_add_timer(proxy->loop, on_resume, streams);
	streams->resumed_last = &streams->resumed;
	wheel_init(&streams->wheel, CLIENT_STREAMS_TICK_NS, clock_monotonic_ns());
	if (streams->slots && !random_secret(&streams->key, sizeof(streams->key)))
		return streams;
	client_streams_free(streams);
	return NULL;
}

void client_streams_free(struct client_streams *streams)
{
	if (!streams)
		return;
	client_streams_stop(streams);
	for (uint32_t i = 0; streams->slots && i < streams->used; i++)
		if (streams->slots[i].fd >= 0)
			client_stream_close(&streams->slots[i]);
	loop_event_free(streams->tick_timer);
	loop_event_free(streams->accept_timer);
	loop_event_free(streams->resume_timer);
	free(streams->slots);
	free(streams);
}

void client_streams_listen(struct client_streams *streams, int fd)
{
	struct acceptor *acceptor = &streams->acceptors[streams->acceptor_count++];

	*acceptor = (struct acceptor){.streams = streams, .fd = fd};
	acceptor->event = loop_add_reader(streams->proxy->loop, fd, on_acceptable, acceptor);
}

void client_streams_stop(struct client_streams *streams)
{
	set_accepting(streams, false);
	streams->acceptor_count = 0;
}

bool client_streams_have_unsent(const struct client_streams *streams)
{
	for (uint32_t i = 0; i < streams->used; i++)
		if (streams->slots[i].fd >= 0 && streams->slots[i].out_length)
			return true;
	return false;
}

uint16_t client_streams_keepalive(const struct client_streams *streams)
{
	uint32_t units = streams->proxy->config->proxy.tcp_idle_ms / 100;

	return units < UINT16_MAX ? (uint16_t)units : UINT16_MAX;
}
