/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/connections.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "loop/loop.h"
#include "worker/proxy/proxy.h"

#define ACCEPT_PAUSE_NS (500 * NANOSECONDS_PER_MILLISECOND)

struct connections_peer *connections_peer(struct connections *connections,
					  const struct address *address)
{
	uint64_t hash = hash_bytes(&connections->key, address->bytes, sizeof(address->bytes));

	return &connections->peers[hash % CONNECTIONS_PEERS];
}

static void on_due(void *argument, struct wheel_timer *timer)
{
	struct connections *connections = argument;
	struct connection *connection = (struct connection *)timer; /* its first member */

	if (connection->wait != WAIT_IDLE)
		proxy_count(connections->proxy, COUNTER_PROXY_CONNECTIONS_SLOW, 1);
	connection_end(connection);
}

static void on_tick(void *argument)
{
	struct connections *connections = argument;

	proxy_begin_turn(connections->proxy, 0);
	wheel_turn(&connections->wheel, connections->proxy->now_ns, on_due, connections);
	connections->is_ticking = connections->wheel.count;
	if (connections->is_ticking)
		loop_timer_set(connections->tick_timer, CONNECTIONS_TICK_NS);
	proxy_end_turn(connections->proxy);
}

void connections_watch(struct connections *connections, struct connection *connection,
		       int64_t due_ns)
{
	wheel_set(&connections->wheel, &connection->timer, due_ns);
	if (!connections->is_ticking)
		loop_timer_set(connections->tick_timer, CONNECTIONS_TICK_NS);
	connections->is_ticking = true;
}

static void on_resume(void *argument)
{
	struct connections *connections = argument;

	proxy_begin_turn(connections->proxy, 0);
	proxy_end_turn(connections->proxy); /* resumes */
}

/* One answer may make room for thousands. */
void connections_resume(struct connections *connections)
{
	for (uint32_t i = 0; connections->resumed && i < CONNECTIONS_RESUME; i++) {
		struct connection *connection = connections->resumed;

		connections->resumed = connection->next_resumed;
		if (!connections->resumed)
			connections->resumed_last = &connections->resumed;
		connection->is_resumed = false;
		connection_resume(connection);
	}
	if (connections->resumed)
		loop_timer_set(connections->resume_timer, 0);
}

static void set_accepting(struct connections *connections, bool is_accepting);

static void on_accept_again(void *argument)
{
	set_accepting(argument, true);
}

/* The longest idle one makes way. False when none is idle. */
static bool evict_idle(struct connections *connections)
{
	if (!connections->idle_first)
		return false;
	proxy_count(connections->proxy, COUNTER_PROXY_CONNECTIONS_EVICTED, 1);
	connection_end(connections->idle_first);
	return true;
}

static bool make_room(struct connections *connections)
{
	return connections->count < connections->room || evict_idle(connections);
}

static void begin(struct connections *connections, int fd, const union client_address *from)
{
	struct connection *connection = connections->free;

	if (connection)
		connections->free = connection->next;
	else
		connection = &connections->slots[connections->used++];
	connections->count++;
	connection_begin(connection, connections, fd, from);
	proxy_count(connections->proxy, COUNTER_PROXY_CONNECTIONS, 1);
}

/* Those who wait are asked again soon. */
static void pause_accepting(struct connections *connections)
{
	set_accepting(connections, false);
	loop_timer_set(connections->accept_timer, ACCEPT_PAUSE_NS);
}

/* There are no descriptors, perhaps fewer than connections that are wanted. Only the first of a
 * turn is sure to have a client wait: the kernel says this also when there is none. */
static bool make_room_for_first(struct connections *connections, bool is_first)
{
	if (!is_first || evict_idle(connections))
		return is_first;
	pause_accepting(connections);
	return false;
}

/* False: no more now. */
static bool accept_one(struct acceptor *acceptor, bool is_first)
{
	struct connections *connections = acceptor->connections;
	struct proxy *proxy = connections->proxy;
	union client_address from = {0};
	socklen_t length = sizeof(from);
	struct address address;
	int fd = accept4(acceptor->fd, &from.any, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		return make_room_for_first(connections, is_first);
	if (fd < 0 && (errno == ENOBUFS || errno == ENOMEM))
		pause_accepting(connections);
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR;
	address = client_address_of(&from);
	if (!proxy_allows(proxy, &address) ||
	    connections_peer(connections, &address)->count >= proxy->config->proxy.tcp_per_client ||
	    !make_room(connections)) {
		proxy_count(proxy, COUNTER_PROXY_CONNECTIONS_REFUSED, 1);
		close(fd);
	} else {
		begin(connections, fd, &from);
	}
	return true;
}

static void on_acceptable(void *argument)
{
	struct acceptor *acceptor = argument;

	proxy_begin_turn(acceptor->connections->proxy, 0);
	for (uint32_t i = 0; i < CONNECTIONS_ACCEPT; i++)
		if (!accept_one(acceptor, i == 0))
			break;
	proxy_end_turn(acceptor->connections->proxy);
}

static void set_accepting(struct connections *connections, bool is_accepting)
{
	for (uint32_t i = 0; i < connections->acceptor_count; i++) {
		struct acceptor *acceptor = &connections->acceptors[i];

		loop_event_free(acceptor->event);
		acceptor->event = is_accepting
					  ? loop_add_reader(connections->proxy->loop, acceptor->fd,
							    on_acceptable, acceptor)
					  : NULL;
	}
}

struct connections *connections_new(struct proxy *proxy)
{
	struct connections *connections = calloc(1, sizeof(*connections));

	if (!connections)
		return NULL;
	connections->proxy = proxy;
	connections->room = proxy->config->proxy.tcp_connections;
	connections->slots =
		calloc(connections->room ? connections->room : 1, sizeof(*connections->slots));
	connections->tick_timer = loop_add_timer(proxy->loop, on_tick, connections);
	connections->accept_timer = loop_add_timer(proxy->loop, on_accept_again, connections);
	connections->resume_timer = loop_add_timer(proxy->loop, on_resume, connections);
	connections->resumed_last = &connections->resumed;
	wheel_init(&connections->wheel, CONNECTIONS_TICK_NS, clock_monotonic_ns());
	if (connections->slots && !random_secret(&connections->key, sizeof(connections->key)))
		return connections;
	connections_free(connections);
	return NULL;
}

void connections_free(struct connections *connections)
{
	if (!connections)
		return;
	connections_stop(connections);
	for (uint32_t i = 0; connections->slots && i < connections->used; i++)
		if (connections->slots[i].fd >= 0)
			connection_end(&connections->slots[i]);
	loop_event_free(connections->tick_timer);
	loop_event_free(connections->accept_timer);
	loop_event_free(connections->resume_timer);
	free(connections->slots);
	free(connections);
}

void connections_listen(struct connections *connections, int fd)
{
	struct acceptor *acceptor = &connections->acceptors[connections->acceptor_count++];

	*acceptor = (struct acceptor){.connections = connections, .fd = fd};
	acceptor->event = loop_add_reader(connections->proxy->loop, fd, on_acceptable, acceptor);
}

void connections_stop(struct connections *connections)
{
	set_accepting(connections, false);
	connections->acceptor_count = 0;
}

bool connections_have_unsent(const struct connections *connections)
{
	for (uint32_t i = 0; i < connections->used; i++)
		if (connections->slots[i].fd >= 0 && connections->slots[i].out_length)
			return true;
	return false;
}

uint16_t connections_keepalive(const struct connections *connections)
{
	uint32_t units = connections->proxy->config->proxy.tcp_idle_ms / 100;

	return units < UINT16_MAX ? (uint16_t)units : UINT16_MAX;
}
