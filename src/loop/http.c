/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop/http.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/memory.h"

/*
 * evhttp 2.1 has no limit on connections, fields and time, takes what no client sends (bytes of
 * zero, two lengths, bodies that it reads as the next request), and tells nobody when a connection
 * ends. So each connection has a place here, and its bufferevent a second reference: when evhttp
 * has let go of it, which shows in callbacks that are gone, the place is free. What arrives is
 * looked at before evhttp allocates for it; what evhttp made of it is looked at again. One timer
 * finds what is late.
 */
#define TICK_NS	     (100 * NANOSECONDS_PER_MILLISECOND)
#define TICK_IDLE_NS NANOSECONDS_PER_SECOND
#define INPUT_MAX    (HTTP_HEAD_MAX + HTTP_BODY_MAX) /* that wait while a reply is sent */
#define INPUT_PARTS  16

const struct http_options http_options_default = {
	.fd = -1,
	.connections_max = 64,
	.head_ms = 5000,
	.reply_ms = 10000,
	.idle_ms = 60000,
};

enum phase { PHASE_READING, PHASE_REPLYING, PHASE_IDLE };

struct connection {
	struct http_server *server;
	struct bufferevent *stream; /* NULL: the place is free */
	enum phase phase;
	int64_t since_ns;
	uint32_t lines; /* of a head that is coming in, and the bytes of its last one */
	uint32_t line_bytes;
	bool is_refused;	     /* what comes is thrown away, until it is cut */
	struct evhttp_request *held; /* its reply is held back until then */
	int held_status;
	int64_t held_until_ns;
};

struct http_server {
	struct http_options options;
	http_fn fn;
	void *argument;
	struct evhttp *http;
	struct evconnlistener *listener;
	struct loop_event *timer;
	struct http_counts counts;
	struct connection *connections; /* connections_max of them */
};

struct http_request {
	struct connection *connection;
	struct evhttp_request *raw;
	char path[HTTP_LINE_MAX];
	const char *query; /* or NULL; behind the path */
	struct address peer;
	bool is_answered;
};

static bool is_gone(const struct connection *connection)
{
	bufferevent_event_cb on_event;

	bufferevent_getcb(connection->stream, NULL, NULL, &on_event, NULL);
	return !on_event;
}

static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *argument);

static void release(struct connection *connection)
{
	evbuffer_remove_cb(bufferevent_get_input(connection->stream), on_input, connection);
	bufferevent_decref(connection->stream);
	if (connection->held)
		evhttp_request_free(connection->held);
	connection->server->counts.open--;
	*connection = (struct connection){.server = connection->server};
}

/* evhttp closes as if it had waited too long itself. */
static void cut(struct connection *connection)
{
	bufferevent_trigger_event(connection->stream, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
	if (is_gone(connection))
		release(connection);
}

/* May it be cut for a new one? A reply that is held back is to nobody whom we miss. */
static bool is_waiting(const struct connection *connection)
{
	return connection->phase != PHASE_REPLYING || connection->held;
}

static bool is_accepting(const struct http_server *server)
{
	for (uint32_t i = 0; i < server->options.connections_max; i++)
		if (!server->connections[i].stream || is_waiting(&server->connections[i]))
			return true;
	return false;
}

/* A place for a new one is always there: nobody is accepted while all are replied to. */
static struct connection *find_place(struct http_server *server)
{
	struct connection *oldest = NULL;

	for (uint32_t i = 0; i < server->options.connections_max; i++) {
		struct connection *connection = &server->connections[i];

		if (connection->stream && is_gone(connection))
			release(connection);
		if (!connection->stream)
			return connection;
		if (is_waiting(connection) && (!oldest || connection->since_ns < oldest->since_ns))
			oldest = connection;
	}
	assert(oldest);
	server->counts.displaced++;
	cut(oldest);
	assert(!oldest->stream);
	return oldest;
}

static void regulate(struct http_server *server)
{
	if (is_accepting(server))
		evconnlistener_enable(server->listener);
	else
		evconnlistener_disable(server->listener);
}

static void set_phase(struct connection *connection, enum phase phase)
{
	connection->phase = phase;
	connection->since_ns = clock_monotonic_ns();
}

static bool is_late(const struct connection *connection, int64_t now_ns)
{
	const struct http_options *options = &connection->server->options;
	const uint32_t limits_ms[] = {
		[PHASE_READING] = options->head_ms,
		[PHASE_REPLYING] = options->reply_ms,
		[PHASE_IDLE] = options->idle_ms,
	};

	return now_ns - connection->since_ns >
	       limits_ms[connection->phase] * NANOSECONDS_PER_MILLISECOND;
}

static void send_held(struct connection *connection)
{
	struct evhttp_request *raw = connection->held;

	connection->held = NULL;
	evhttp_send_reply(raw, connection->held_status, NULL, NULL);
}

static void on_tick(void *argument)
{
	struct http_server *server = argument;
	int64_t now_ns = clock_monotonic_ns();

	for (uint32_t i = 0; i < server->options.connections_max; i++) {
		struct connection *connection = &server->connections[i];

		if (!connection->stream)
			continue;
		if (is_gone(connection)) {
			release(connection);
		} else if (connection->is_refused || is_late(connection, now_ns)) {
			server->counts.late += !connection->is_refused;
			cut(connection);
		} else if (connection->held && now_ns >= connection->held_until_ns) {
			send_held(connection);
		}
	}
	regulate(server);
	loop_timer_set(server->timer, server->counts.open ? TICK_NS : TICK_IDLE_NS);
}

/* Is it text, and within what a head may be? evhttp allocates for each line, and ends at a NUL. */
static bool is_acceptable(struct connection *connection, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n') {
			connection->lines = connection->line_bytes ? connection->lines + 1 : 0;
			connection->line_bytes = 0;
		} else if (bytes[i] != '\r') {
			connection->line_bytes++;
		}
		if ((bytes[i] < 0x20 && !memchr("\t\r\n", bytes[i], 3)) ||
		    connection->line_bytes > HTTP_LINE_MAX ||
		    connection->lines > HTTP_FIELDS_MAX + 1)
			return false;
	}
	return true;
}

static void refuse(struct connection *connection)
{
	connection->is_refused = true;
	connection->server->counts.malformed++;
	loop_timer_set(connection->server->timer, 0);
}

static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *argument)
{
	struct connection *connection = argument;
	struct evbuffer_iovec parts[INPUT_PARTS];
	struct evbuffer_ptr from;
	int count;

	if (!info->n_added)
		return;
	if (connection->phase == PHASE_IDLE)
		set_phase(connection, PHASE_READING);
	evbuffer_ptr_set(buffer, &from, evbuffer_get_length(buffer) - info->n_added,
			 EVBUFFER_PTR_SET);
	count = evbuffer_peek(buffer, -1, &from, parts, INPUT_PARTS);
	for (int i = 0; i < count && !connection->is_refused; i++)
		if (count > INPUT_PARTS ||
		    !is_acceptable(connection, parts[i].iov_base, parts[i].iov_len))
			refuse(connection);
	if (connection->is_refused)
		evbuffer_drain(buffer, evbuffer_get_length(buffer));
}

/* A plain bufferevent for which no TLS session could be made says nothing, and is cut. */
static struct bufferevent *make_stream(struct http_server *server, bool *is_refused)
{
	struct event_base *base = evconnlistener_get_base(server->listener);
	struct ssl_st *session = NULL;
	struct bufferevent *stream = NULL;

	if (!server->options.tls)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	session = tls_session_new(server->options.tls, NULL);
	if (session)
		stream = bufferevent_openssl_socket_new(
			base, -1, session, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	*is_refused = !stream;
	return stream ? stream : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

/* A connection was accepted. */
static struct bufferevent *on_accept(struct event_base *base, void *argument)
{
	struct http_server *server = argument;
	struct connection *connection = find_place(server);

	(void)base;
	connection->stream = make_stream(server, &connection->is_refused);
	if (!connection->stream)
		abort(); /* out of memory */
	set_phase(connection, PHASE_READING);
	bufferevent_incref(connection->stream);
	bufferevent_setwatermark(connection->stream, EV_READ, 0, INPUT_MAX);
	evbuffer_add_cb(bufferevent_get_input(connection->stream), on_input, connection);
	server->counts.connections++;
	if (!server->counts.open++)
		loop_timer_set(server->timer, TICK_NS);
	return connection->stream;
}

/* Out of descriptors: nobody is accepted until the next tick. */
static void on_accept_error(struct evconnlistener *listener, void *argument)
{
	(void)argument;
	evconnlistener_disable(listener);
}

static bool is_token(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
			return false;
	return true; /* RFC 9110 5.6.2 */
}

static bool is_value(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

static bool is_target(const char *text)
{
	if (!text || *text != '/' || strlen(text) >= HTTP_LINE_MAX)
		return false;
	for (; *text; text++)
		if (*text <= 0x20 || *text >= 0x7f || *text == '#')
			return false;
	return true;
}

const char *http_field(const struct http_request *request, const char *name, uint32_t index)
{
	const struct evkeyval *field = evhttp_request_get_input_headers(request->raw)->tqh_first;

	for (; field; field = field->next.tqe_next)
		if (!strcasecmp(field->key, name) && !index--)
			return field->value;
	return NULL;
}

static bool are_fields_valid(const struct http_request *request)
{
	const struct evkeyval *field = evhttp_request_get_input_headers(request->raw)->tqh_first;

	for (; field; field = field->next.tqe_next)
		if (!is_token(field->key) || !is_value(field->value))
			return false;
	return http_field(request, "Host", 0) && !http_field(request, "Host", 1) &&
	       !http_field(request, "Content-Length", 1);
}

enum http_method http_method(const struct http_request *request)
{
	switch (evhttp_request_get_command(request->raw)) {
	case EVHTTP_REQ_GET:
		return HTTP_GET;
	case EVHTTP_REQ_HEAD:
		return HTTP_HEAD;
	case EVHTTP_REQ_DELETE:
		return HTTP_DELETE;
	default:
		return HTTP_OTHER;
	}
}

/* 0, or the status of a refusal. evhttp has not read the body of a method that has none, and would
 * take it for the next request. */
static int check_request(const struct http_request *request)
{
	const char *length;

	if (!is_target(evhttp_request_get_uri(request->raw)) || !are_fields_valid(request))
		return 400;
	if (http_field(request, "Transfer-Encoding", 0))
		return 501;
	length = http_field(request, "Content-Length", 0);
	if (!length)
		return 0;
	if (!*length || length[strspn(length, "0123456789")])
		return 400;
	if (http_method(request) != HTTP_OTHER && length[strspn(length, "0")])
		return 413;
	return 0;
}

static void split_target(struct http_request *request)
{
	char *mark;

	strcpy(request->path, evhttp_request_get_uri(request->raw));
	mark = strchr(request->path, '?');
	if (!mark)
		return;
	*mark = '\0';
	request->query = mark + 1;
}

static void find_peer(struct http_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request->raw);
	char *text;
	uint16_t port;

	evhttp_connection_get_peer(connection, &text, &port);
	address_parse(text, &request->peer);
}

static struct connection *find_connection(struct http_server *server, struct evhttp_request *raw)
{
	struct evhttp_connection *http = evhttp_request_get_connection(raw);
	struct bufferevent *stream = evhttp_connection_get_bufferevent(http);

	for (uint32_t i = 0; i < server->options.connections_max; i++)
		if (server->connections[i].stream == stream)
			return &server->connections[i];
	abort(); /* each has a place */
}

static void on_complete(struct evhttp_request *raw, void *argument)
{
	struct connection *connection = argument;
	struct evbuffer *input = bufferevent_get_input(connection->stream);

	(void)raw;
	set_phase(connection, evbuffer_get_length(input) ? PHASE_READING : PHASE_IDLE);
	regulate(connection->server);
}

static void on_request(struct evhttp_request *raw, void *argument)
{
	struct http_server *server = argument;
	struct http_request request = {.raw = raw, .connection = find_connection(server, raw)};
	struct http_reply refusal = {.status = check_request(&request),
				     .options = {{"Connection", "close"}}};

	set_phase(request.connection, PHASE_REPLYING);
	evhttp_request_set_on_complete_cb(raw, on_complete, request.connection);
	find_peer(&request);
	if (refusal.status) {
		server->counts.malformed++;
		http_reply(&request, &refusal);
	} else {
		server->counts.requests++;
		split_target(&request);
		server->fn(server->argument, &request);
	}
	assert(request.is_answered);
	regulate(server);
}

const char *http_path(const struct http_request *request)
{
	return request->path;
}

const struct address *http_peer(const struct http_request *request)
{
	return &request->peer;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Of a value, up to '&' or the end. */
static int decode_value(const char *from, char *value, size_t size)
{
	size_t length = 0;

	for (; *from && *from != '&'; from++) {
		int byte = *from == '+' ? ' ' : *from;

		if (byte == '%') {
			int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);

			if (low < 0 || !(high | low))
				return -EINVAL;
			byte = high << 4 | low;
			from += 2;
		}
		if (length + 1 >= size)
			return -EINVAL;
		value[length++] = (char)byte;
	}
	value[length] = '\0';
	return (int)length;
}

int http_query(const struct http_request *request, const char *name, char *value, size_t size)
{
	size_t length = strlen(name);

	for (const char *at = request->query; at; at = strchr(at, '&')) {
		at += *at == '&';
		if (strncmp(at, name, length))
			continue;
		if (at[length] == '=')
			return decode_value(at + length + 1, value, size);
		if (!at[length] || at[length] == '&')
			return decode_value(at + length, value, size);
	}
	return -ENOENT;
}

static void add_fields(struct evhttp_request *raw, const struct http_reply *reply)
{
	struct evkeyvalq *fields = evhttp_request_get_output_headers(raw);
	char length[24];

	if (reply->type)
		evhttp_add_header(fields, "Content-Type", reply->type);
	if (reply->status != 204) { /* RFC 9110 8.6 */
		snprintf(length, sizeof(length), "%zu", reply->length);
		evhttp_add_header(fields, "Content-Length", length);
	}
	evhttp_add_header(fields, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(fields, "Cache-Control", "no-store");
	for (int i = 0; i < HTTP_OPTIONS_MAX && reply->options[i].name; i++)
		evhttp_add_header(fields, reply->options[i].name, reply->options[i].value);
}

static void send_body(struct evhttp_request *raw, const struct http_reply *reply)
{
	struct evbuffer *body = evbuffer_new();

	if (!body || evbuffer_add(body, reply->body, reply->length) < 0)
		abort(); /* out of memory */
	evhttp_send_reply(raw, reply->status, NULL, body);
	evbuffer_free(body);
}

static bool has_room(const struct http_server *server, size_t length)
{
	for (uint32_t i = 0; i < server->options.connections_max; i++)
		if (server->connections[i].stream)
			length += evbuffer_get_length(
				bufferevent_get_output(server->connections[i].stream));
	return length <= HTTP_OUTPUT_MAX;
}

void http_reply(struct http_request *request, const struct http_reply *reply)
{
	static const struct http_reply no_room = {.status = 503};
	struct connection *connection = request->connection;

	if (!has_room(connection->server, reply->length))
		reply = &no_room;
	assert(!request->is_answered && !(reply->delay_ms && reply->length));
	request->is_answered = true;
	add_fields(request->raw, reply);
	if (reply->delay_ms) {
		connection->held = request->raw;
		connection->held_status = reply->status;
		connection->held_until_ns =
			connection->since_ns + reply->delay_ms * NANOSECONDS_PER_MILLISECOND;
	} else if (reply->length && http_method(request) != HTTP_HEAD) {
		send_body(request->raw, reply);
	} else {
		evhttp_send_reply(request->raw, reply->status, NULL, NULL);
	}
}

/* libevent's complaints about requests quote them: they are for nobody. */
static void drop_message(int severity, const char *message)
{
	(void)severity;
	(void)message;
}

static void start(struct http_server *server, struct event_base *base)
{
	event_set_log_callback(drop_message);
	evutil_make_socket_nonblocking(server->options.fd);
	server->http = evhttp_new(base);
	server->listener =
		evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, server->options.fd);
	if (!server->http || !server->listener ||
	    !evhttp_bind_listener(server->http, server->listener))
		abort();
	evconnlistener_set_error_cb(server->listener, on_accept_error);
	evhttp_set_max_headers_size(server->http, HTTP_HEAD_MAX);
	evhttp_set_max_body_size(server->http, HTTP_BODY_MAX);
	evhttp_set_allowed_methods(server->http, UINT16_MAX);
	evhttp_set_default_content_type(server->http, NULL);
	evhttp_set_bevcb(server->http, on_accept, server);
	evhttp_set_gencb(server->http, on_request, server);
}

struct http_server *http_server_new(struct loop *loop, const struct http_options *options,
				    http_fn fn, void *argument)
{
	struct http_server *server = xcalloc(1, sizeof(*server));

	server->options = *options;
	server->fn = fn;
	server->argument = argument;
	server->connections = xcalloc(options->connections_max, sizeof(*server->connections));
	for (uint32_t i = 0; i < options->connections_max; i++)
		server->connections[i].server = server;
	server->timer = loop_add_timer(loop, on_tick, server);
	loop_timer_set(server->timer, TICK_IDLE_NS);
	start(server, loop_base(loop));
	return server;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	for (uint32_t i = 0; i < server->options.connections_max; i++)
		if (server->connections[i].stream)
			cut(&server->connections[i]);
	evhttp_free(server->http);
	for (uint32_t i = 0; i < server->options.connections_max; i++)
		if (server->connections[i].stream)
			release(&server->connections[i]);
	loop_event_free(server->timer);
	free(server->connections);
	free(server);
}

struct http_counts http_server_counts(const struct http_server *server)
{
	return server->counts;
}
