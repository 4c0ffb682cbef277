/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "loop/loop.h"
#include "net/address_scope.h"
#include "worker/proxy/proxy.h"
#include "worker/proxy/resolve.h"

#define ANSWER_MAX	 4096 /* octets over UDP: more than we say that we take */
#define FAILURES_MOST	 3    /* one after the other: then it is left alone for a while */
#define BACKOFF_LEAST_NS (1 * NANOSECONDS_PER_SECOND)
#define BACKOFF_MOST_NS	 (10 * NANOSECONDS_PER_SECOND)
#define TRIAL_SLACK_NS	 (100 * NANOSECONDS_PER_MILLISECOND) /* timers are late */
#define SPREAD		 192 /* between them, as listener.h has it */
#define SEGMENTS_LEAST	 3   /* fewer cost as little one by one */

/* The answers of a turn: one turn goes on at a time. */
static struct {
	struct mmsghdr messages[SERVER_BATCH];
	struct iovec parts[SERVER_BATCH];
	uint8_t bytes[SERVER_BATCH][ANSWER_MAX + SPREAD];
} answers;

static void on_answers(void *argument)
{
	struct server_socket *socket = argument;
	struct server *server = socket->server;
	int count;

	for (uint32_t i = 0; i < SERVER_BATCH; i++) {
		answers.parts[i] = (struct iovec){answers.bytes[i], ANSWER_MAX};
		answers.messages[i].msg_hdr =
			(struct msghdr){.msg_iov = &answers.parts[i], .msg_iovlen = 1};
	}
	count = recvmmsg(socket->fd, answers.messages, SERVER_BATCH, MSG_DONTWAIT, NULL);
	if (count <= 0)
		return; /* ECONNREFUSED: forged as easily as anything; the time of the query decides
			 */
	proxy_begin_turn(server->proxy, 0);
	for (uint32_t i = 0; i < (uint32_t)count; i++)
		pendings_prefetch_id(server->proxy->pendings, be16_load(answers.bytes[i]));
	for (uint32_t i = 0; i < (uint32_t)count; i++) {
		bool is_cut = answers.messages[i].msg_hdr.msg_flags & MSG_TRUNC;

		resolve_on_message(server->proxy, server, socket, answers.bytes[i],
				   is_cut ? 0 : answers.messages[i].msg_len);
	}
	proxy_end_turn(server->proxy);
}

static int udp_open(int family)
{
	return socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void close_socket(struct server_socket *socket)
{
	loop_event_free(socket->event);
	socket->event = NULL;
	if (socket->fd >= 0)
		close(socket->fd);
	socket->fd = -1;
}

/* Its port is the kernel's choice. */
static bool open_socket(struct server_socket *socket, int64_t now_ns)
{
	struct server *server = socket->server;
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_sockaddr(&server->upstream.endpoint, &address);

	close_socket(socket);
	socket->fd = udp_open(address.ss_family);
	if (socket->fd < 0)
		return false;
	if (connect(socket->fd, (struct sockaddr *)&address, length) < 0) {
		close_socket(socket);
		return false;
	}
	socket->event = loop_add_reader(server->proxy->loop, socket->fd, on_answers, socket);
	socket->queries = socket->outstanding = 0;
	socket->opened_ns = now_ns;
	return true;
}

static bool is_worn(const struct server_socket *socket, int64_t now_ns)
{
	return socket->fd < 0 || socket->queries >= SERVER_SOCKET_QUERIES ||
	       now_ns - socket->opened_ns >= SERVER_SOCKET_NS;
}

/* One of those that are fresh, or can be renewed now that nobody waits at it. With all of them worn
 * and in use one of these will do. NULL when none can be opened. */
static struct server_socket *draw_socket(struct server *server)
{
	uint32_t first = random_stock_take(&server->proxy->random) % SERVER_SOCKETS;
	int64_t now_ns = server->proxy->now_ns;

	for (uint32_t i = 0; i < SERVER_SOCKETS; i++) {
		struct server_socket *socket = &server->sockets[(first + i) % SERVER_SOCKETS];

		if (!is_worn(socket, now_ns) ||
		    (!socket->outstanding && open_socket(socket, now_ns)))
			return socket;
	}
	return server->sockets[first].fd >= 0 ? &server->sockets[first] : NULL;
}

static struct query_parts parts_of(const struct server *server, const struct pending *pending,
				   uint16_t id)
{
	return (struct query_parts){
		.id = id,
		/* AD: tell us whether it is authentic (RFC 6840 5.7); who may know is decided
		 * later.
		 */
		.flags =
			(uint16_t)(DNS_FLAG_AD | (pending->is_recursion_desired ? DNS_FLAG_RD : 0) |
				   (pending->is_checking_disabled ? DNS_FLAG_CD : 0)),
		.type = pending->type,
		.class = pending->class,
		.payload = (uint16_t)server->proxy->config->proxy.udp_size,
		.is_dnssec_ok = pending->is_dnssec_ok,
		.name = {pending->asked, pending->name_length},
	};
}

static void flush_datagrams(struct server *server);

static bool ask_over_udp(struct server *server, struct pending *pending, struct attempt *attempt)
{
	struct query_parts parts = parts_of(server, pending, attempt->id);

	if (server->batch_count == SERVER_BATCH)
		flush_datagrams(server);
	if (!server->batch_count)
		server->socket = draw_socket(server);
	if (!server->socket)
		return false;
	if (!server->batch_count)
		proxy_flush_later(server->proxy, server);
	server->lengths[server->batch_count] =
		(uint16_t)query_build(&parts, server->batch[server->batch_count]);
	server->batch_count++;
	server->socket->queries++;
	server->socket->outstanding++;
	attempt->state = ATTEMPT_UDP;
	attempt->socket = (uint8_t)(server->socket - server->sockets);
	return true;
}

/* What the stream has no room for was sent in vain, as what is lost on its way. */
static bool ask_over_tcp(struct server *server, struct pending *pending, struct attempt *attempt)
{
	struct query_parts parts = parts_of(server, pending, attempt->id);
	uint8_t message[QUERY_MESSAGE_MAX];
	struct slice query = {message, query_build(&parts, message)};
	bool is_new = !server_stream_is_open(&server->stream);

	attempt->state = ATTEMPT_TCP;
	if (server_stream_send(&server->stream, query) == SERVER_STREAM_UNREACHABLE)
		return false;
	server->stats->tcp_connections += is_new;
	if (!server->unheard_ns)
		server->unheard_ns = server->proxy->now_ns;
	proxy_flush_later(server->proxy, server);
	return true;
}

static bool is_of_tcp(const struct server *server)
{
	return server->upstream.transport == UPSTREAM_TCP;
}

bool server_ask(struct server *server, struct pending *pending, struct attempt *attempt,
		bool is_tcp)
{
	struct proxy *proxy = server->proxy;

	attempt->server = server->number;
	attempt->sent_ns = proxy->now_ns;
	is_tcp |= is_of_tcp(server);
	if (!(is_tcp ? ask_over_tcp(server, pending, attempt)
		     : ask_over_udp(server, pending, attempt))) {
		pendings_end_attempt(proxy->pendings, attempt);
		server->stats->failures++;
		if (is_tcp == is_of_tcp(server))
			server_has_failed(server, proxy->now_ns);
		return false;
	}
	server->outstanding++;
	server->stats->queries++;
	server->stats->outstanding = server->outstanding;
	return true;
}

void server_release(struct server *server, const struct attempt *attempt)
{
	server->outstanding--;
	server->stats->outstanding = server->outstanding;
	if (attempt->state == ATTEMPT_UDP)
		server->sockets[attempt->socket].outstanding--;
}

/* Room for what the kernel is told of segments. */
union segment_control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(uint16_t))];
};

/* What one flush hands to the kernel. */
struct sending {
	struct mmsghdr messages[SERVER_BATCH];
	struct iovec parts[SERVER_BATCH];
	union segment_control controls[SERVER_BATCH];
	uint32_t count;
};

/* Queries by their lengths, the longest first, so that those of one length stand together. */
static void sort_by_length(const struct server *server, uint8_t order[SERVER_BATCH])
{
	for (uint32_t i = 0; i < server->batch_count; i++) {
		uint32_t at = i;

		for (; at && server->lengths[order[at - 1]] < server->lengths[i]; at--)
			order[at] = order[at - 1];
		order[at] = (uint8_t)i;
	}
}

static void add_message(struct sending *sending, struct iovec *parts, uint32_t count)
{
	struct msghdr *header = &sending->messages[sending->count].msg_hdr;
	union segment_control *control = &sending->controls[sending->count];
	uint16_t length = (uint16_t)parts->iov_len;

	*header = (struct msghdr){.msg_iov = parts, .msg_iovlen = count};
	sending->count++;
	if (count == 1)
		return;
	control->header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(length)),
					   .cmsg_level = IPPROTO_UDP,
					   .cmsg_type = UDP_SEGMENT};
	memcpy(CMSG_DATA(&control->header), &length, sizeof(length));
	header->msg_control = control;
	header->msg_controllen = sizeof(*control);
}

/* How many, from the first on, can be segments of one message: those of its length, and one that is
 * shorter. */
static uint32_t count_segments(const struct iovec *parts, uint32_t count)
{
	uint32_t same = 1;

	while (same < count && parts[same].iov_len == parts->iov_len)
		same++;
	return same < count ? same + 1 : same;
}

/* What can be segments of one message is one: the kernel's way is gone once. */
static void prepare(struct server *server, struct sending *sending)
{
	uint8_t order[SERVER_BATCH];
	uint32_t count;

	sending->count = 0;
	sort_by_length(server, order);
	for (uint32_t i = 0; i < server->batch_count; i++)
		sending->parts[i] =
			(struct iovec){server->batch[order[i]], server->lengths[order[i]]};
	for (uint32_t i = 0; i < server->batch_count; i += count) {
		count = count_segments(&sending->parts[i], server->batch_count - i);
		if (count < SEGMENTS_LEAST || server->proxy->is_unsegmented)
			count = 1;
		add_message(sending, &sending->parts[i], count);
	}
}

static void flush_datagrams(struct server *server)
{
	struct sending sending;
	uint32_t done = 0, errors = 0;

	prepare(server, &sending);
	while (done < sending.count) {
		int sent = sendmmsg(server->socket->fd, sending.messages + done,
				    sending.count - done, MSG_DONTWAIT);

		if (sent > 0) {
			done += (uint32_t)sent;
			errors = 0;
			continue;
		}
		if (sending.messages[done].msg_hdr.msg_iovlen > 1 &&
		    (errno == EIO || errno == EINVAL)) {
			server->proxy->is_unsegmented = true; /* no such offload here */
			prepare(server, &sending);
			done = 0; /* at worst a question is asked twice */
		} else if (errno == EINTR || (errno == ECONNREFUSED && !errors)) {
			errors++; /* of a datagram before: this one was not sent */
		} else {
			/* Without room here nothing is said of the server; a later try asks it. */
			if (errno != EAGAIN && errno != ENOBUFS) {
				server->stats->failures++;
				server_has_failed(server, server->proxy->now_ns);
			}
			done++;
			errors = 0;
		}
	}
	server->batch_count = 0;
}

void server_flush(struct server *server)
{
	if (server->batch_count)
		flush_datagrams(server);
	server_stream_flush(&server->stream);
}

static void on_begin(void *argument)
{
	const struct server *server = argument;

	proxy_begin_turn(server->proxy, 0);
}

static void on_message(void *argument, uint8_t *message, size_t length)
{
	struct server *server = argument;

	server->unheard_ns = 0;
	resolve_on_message(server->proxy, server, NULL, message, length);
}

static void on_done(void *argument)
{
	const struct server *server = argument;

	proxy_end_turn(server->proxy);
}

static void on_end(void *argument, bool has_worked)
{
	struct server *server = argument;

	server->unheard_ns = 0;
	proxy_begin_turn(server->proxy, 0);
	if (!has_worked) {
		server->stats->failures++;
		if (is_of_tcp(server))
			server_has_failed(server, server->proxy->now_ns);
	}
	resolve_on_stream_end(server->proxy, server, has_worked);
	proxy_end_turn(server->proxy);
}

static const struct server_stream_ops stream_ops = {on_begin, on_message, on_done, on_end};

void server_open(struct server *server, struct proxy *proxy, const struct upstream *upstream,
		 uint16_t number)
{
	*server = (struct server){.proxy = proxy, .upstream = *upstream, .number = number};
	server->timeout_ms = proxy->config->proxy.timeout_ms;
	server->is_trusted =
		proxy->config->proxy.trusts_ad || address_is_loopback(&upstream->endpoint.address);
	server->is_public = !address_is_private(&upstream->endpoint.address);
	server->stats = proxy_stats_upstream(proxy->stats, upstream);
	server->stats->outstanding = 0;
	for (uint32_t i = 0; i < SERVER_SOCKETS; i++)
		server->sockets[i] = (struct server_socket){.server = server, .fd = -1};
	server_stream_init(&server->stream, proxy->loop, &upstream->endpoint, &stream_ops, server);
}

void server_close(struct server *server)
{
	for (uint32_t i = 0; i < SERVER_SOCKETS; i++)
		close_socket(&server->sockets[i]);
	server_stream_close(&server->stream);
}

bool server_is_left_alone(const struct server *server, int64_t now_ns)
{
	return server->backoff_ns && now_ns < server->retry_ns;
}

/* While it is not known how that ends it is left alone. */
void server_begin_trial(struct server *server, int64_t now_ns)
{
	int64_t timeout_ns =
		(int64_t)server->timeout_ms * NANOSECONDS_PER_MILLISECOND + TRIAL_SLACK_NS;

	if (!server->backoff_ns || now_ns < server->retry_ns)
		return;
	server->is_on_trial = true;
	server->trial_ns = now_ns;
	server->retry_ns = now_ns + (timeout_ns > BACKOFF_LEAST_NS ? timeout_ns : BACKOFF_LEAST_NS);
}

/* Once for each change: that takes a second at least. */
static void log_health(const struct server *server, const char *what)
{
	char text[UPSTREAM_TEXT_MAX];

	upstream_format(&server->upstream, text);
	log_warn("upstream server %s %s", text, what);
}

void server_has_answered(struct server *server, int64_t now_ns, int64_t latency_ns)
{
	if (server->backoff_ns)
		log_health(server, "answers again");
	server->answered_ns = now_ns;
	server->failures = 0;
	server->backoff_ns = 0;
	server->is_on_trial = false;
	server->stats->is_backed_off = 0;
	server->stats->answers++;
	server->stats->latency_ns_sum += (uint64_t)latency_ns;
}

/* What comes late, of queries before it was left alone, says nothing new. */
void server_has_failed(struct server *server, int64_t now_ns)
{
	server->failures++;
	if (server->backoff_ns ? !server->is_on_trial : server->failures < FAILURES_MOST)
		return;
	if (!server->backoff_ns)
		log_health(server, "does not answer: it is left alone for a while");
	server->backoff_ns = server->backoff_ns ? 2 * server->backoff_ns : BACKOFF_LEAST_NS;
	if (server->backoff_ns > BACKOFF_MOST_NS)
		server->backoff_ns = BACKOFF_MOST_NS;
	server->retry_ns = now_ns + server->backoff_ns;
	server->is_on_trial = false;
	server->stats->is_backed_off = 1;
}

/* A connection that takes and gives no answer for as long as two tries is given up: the next try
 * opens another. What was asked through it times out by itself. */
static void give_up_silent_stream(struct server *server, int64_t now_ns)
{
	int64_t most_ns = 2 * (int64_t)server->timeout_ms * NANOSECONDS_PER_MILLISECOND;

	if (!server->unheard_ns || now_ns - server->unheard_ns < most_ns)
		return;
	server->stats->failures++;
	server->unheard_ns = 0;
	server_stream_close(&server->stream);
}

/* Many queries time out together; and one that was lost says nothing of a server that has answered
 * since, nor of its trial one that was asked before. */
void server_has_timed_out(struct server *server, const struct attempt *attempt, int64_t now_ns)
{
	bool is_own = (attempt->state == ATTEMPT_TCP) == is_of_tcp(server);

	server->stats->timeouts++;
	if (attempt->state == ATTEMPT_TCP)
		give_up_silent_stream(server, now_ns);
	if (is_own && server->answered_ns < attempt->sent_ns &&
	    (!server->backoff_ns || server->trial_ns <= attempt->sent_ns))
		server_has_failed(server, now_ns);
}
