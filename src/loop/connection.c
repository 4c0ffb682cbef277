/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop/connection.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"

#define CONNECT_NS	(5 * NANOSECONDS_PER_SECOND)
#define PAUSE_LEAST_NS	(100 * NANOSECONDS_PER_MILLISECOND)
#define READ_MAX	(64u << 10)
#define ROOM_AT		(CONNECTION_UNSENT_MAX / 2) /* unsent: then there is much room again */
#define SILENCE_MS	120000 /* a server that is stopped for a minute is waited for */
#define KEEPALIVE_S	30
#define KEEPALIVE_GAP_S 10

struct connection {
	struct connection_plan plan;
	struct loop *loop;
	struct loop_event *timer;  /* the next attempt, or its end */
	struct loop_event *writer; /* while it connects */
	int fd;			   /* while it connects; then stream owns it */
	struct bufferevent *stream;
	struct ssl_st *session; /* owned by stream */
	bool is_up;
	int64_t up_since_ns;
	int64_t pause_ns;
	struct random random;
};

static void on_timer(void *argument);

static void drop(struct connection *connection)
{
	loop_event_free(connection->writer);
	connection->writer = NULL;
	if (connection->session)
		tls_session_end(connection->session);
	connection->session = NULL;
	if (connection->stream)
		bufferevent_free(connection->stream);
	connection->stream = NULL;
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	connection->is_up = false;
}

/* A server that takes connections and drops them at once is as good as none. */
static void lose(struct connection *connection, const char *reason)
{
	int64_t most_ns = connection->plan.pause_most_ns, pause_ns;

	if (connection->is_up && clock_monotonic_ns() - connection->up_since_ns > most_ns)
		connection->pause_ns = PAUSE_LEAST_NS;
	pause_ns = connection->pause_ns < most_ns ? connection->pause_ns : most_ns;
	connection->pause_ns = 2 * pause_ns;
	drop(connection);
	loop_timer_set(connection->timer,
		       pause_ns / 2 + (int64_t)random_below(&connection->random,
							    (uint64_t)pause_ns / 2 + 1));
	connection->plan.ops->on_down(connection->plan.argument, reason);
}

static void come_up(struct connection *connection)
{
	connection->is_up = true;
	connection->up_since_ns = clock_monotonic_ns();
	loop_timer_stop(connection->timer);
	connection->plan.ops->on_up(connection->plan.argument);
}

static void on_read(struct bufferevent *stream, void *argument)
{
	struct evbuffer *input = bufferevent_get_input(stream);

	(void)argument;
	evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_write(struct bufferevent *stream, void *argument)
{
	struct connection *connection = argument;

	(void)stream;
	if (connection->is_up)
		connection->plan.ops->on_room(connection->plan.argument);
}

static const char *problem(const struct connection *connection)
{
	int error = evutil_socket_geterror(bufferevent_getfd(connection->stream));

	if (!connection->session)
		return strerror(error);
	return tls_problem_of(connection->session,
			      bufferevent_get_openssl_error(connection->stream));
}

static void on_event(struct bufferevent *stream, short what, void *argument)
{
	struct connection *connection = argument;

	(void)stream;
	if (what & BEV_EVENT_CONNECTED)
		come_up(connection);
	else if (what & BEV_EVENT_EOF)
		lose(connection, "closed by the other side");
	else
		lose(connection, problem(connection));
}

/* The socket is connected: from here on the stream owns it. */
static void open_stream(struct connection *connection)
{
	struct event_base *base = loop_base(connection->loop);
	int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;

	if (connection->plan.tls) {
		connection->session =
			tls_session_new(connection->plan.tls, connection->plan.server_name);
		if (!connection->session) {
			lose(connection, "no TLS session for this name");
			return;
		}
		connection->stream =
			bufferevent_openssl_socket_new(base, connection->fd, connection->session,
						       BUFFEREVENT_SSL_CONNECTING, options);
	} else {
		connection->stream = bufferevent_socket_new(base, connection->fd, options);
	}
	if (!connection->stream)
		abort();
	connection->fd = -1;
	bufferevent_setcb(connection->stream, on_read, on_write, on_event, connection);
	bufferevent_setwatermark(connection->stream, EV_READ, 0, READ_MAX);
	bufferevent_setwatermark(connection->stream, EV_WRITE, ROOM_AT, 0);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	if (!connection->session)
		come_up(connection);
}

static void on_connected(void *argument)
{
	struct connection *connection = argument;
	int error = 0;
	socklen_t length = sizeof(error);

	loop_event_free(connection->writer);
	connection->writer = NULL;
	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error)
		lose(connection, strerror(error));
	else
		open_stream(connection);
}

static void set_options(int fd)
{
	const struct {
		int level, name, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_GAP_S},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE_MS},
		{IPPROTO_TCP, TCP_NODELAY, 1}, /* what is written comes in batches already */
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			   sizeof(options[i].value));
}

static socklen_t target(const struct connection_plan *plan, struct sockaddr_storage *address)
{
	struct sockaddr_un *local = (struct sockaddr_un *)address;

	if (!plan->path)
		return plan->endpoint.address.version
			       ? endpoint_to_sockaddr(&plan->endpoint, address)
			       : 0;
	*local = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(plan->path) >= sizeof(local->sun_path))
		return 0;
	memcpy(local->sun_path, plan->path, strlen(plan->path));
	return sizeof(*local);
}

static void attempt(struct connection *connection)
{
	struct sockaddr_storage address;
	socklen_t length = target(&connection->plan, &address);

	if (!length) {
		lose(connection, "no address");
		return;
	}
	connection->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0) {
		lose(connection, strerror(errno));
		return;
	}
	if (!connection->plan.path)
		set_options(connection->fd);
	if (connect(connection->fd, (struct sockaddr *)&address, length) < 0 &&
	    errno != EINPROGRESS) {
		lose(connection, strerror(errno));
		return;
	}
	connection->writer =
		loop_add_writer(connection->loop, connection->fd, on_connected, connection);
	loop_timer_set(connection->timer, CONNECT_NS);
}

static void on_timer(void *argument)
{
	struct connection *connection = argument;

	if (connection->fd >= 0 || connection->stream)
		lose(connection, "no answer");
	else
		attempt(connection);
}

struct connection *connection_new(struct loop *loop, const struct connection_plan *plan)
{
	struct connection *connection = xcalloc(1, sizeof(*connection));

	assert(plan->pause_most_ns > 0);
	connection->plan = *plan;
	connection->loop = loop;
	connection->fd = -1;
	connection->pause_ns = PAUSE_LEAST_NS;
	if (random_init(&connection->random) < 0)
		abort();
	connection->timer = loop_add_timer(loop, on_timer, connection);
	loop_timer_set(connection->timer, 0);
	return connection;
}

void connection_free(struct connection *connection)
{
	if (!connection)
		return;
	drop(connection);
	loop_event_free(connection->timer);
	free(connection);
}

static size_t unsent(const struct connection *connection)
{
	return evbuffer_get_length(bufferevent_get_output(connection->stream));
}

size_t connection_room(const struct connection *connection)
{
	return connection->is_up && unsent(connection) < CONNECTION_UNSENT_MAX
		       ? CONNECTION_UNSENT_MAX - unsent(connection)
		       : 0;
}

bool connection_write(struct connection *connection, const struct iovec *parts, int count)
{
	size_t length = 0;

	for (int i = 0; i < count; i++)
		length += parts[i].iov_len;
	if (length > connection_room(connection))
		return false;
	if (evbuffer_add_iovec(bufferevent_get_output(connection->stream),
			       (struct evbuffer_iovec *)parts, count) != length)
		abort();
	return true;
}

/*
 * What the kernel holds of TLS is longer than the text in it, and of a unix socket longer than the
 * bytes: never less than is outstanding. It forgets what it holds when the other side goes, so that
 * is looked at afterwards.
 */
size_t connection_unacknowledged(const struct connection *connection)
{
	struct pollfd socket = {.events = POLLRDHUP};
	int held = 0;

	if (!connection->is_up)
		return 0;
	socket.fd = bufferevent_getfd(connection->stream);
	if (ioctl(socket.fd, SIOCOUTQ, &held) < 0 || poll(&socket, 1, 0) != 0)
		return SIZE_MAX;
	return unsent(connection) + (size_t)held;
}
