/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop/http.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "loop/http_request.h"

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

struct place {
	struct http_server *server;
	struct bufferevent *stream; /* NULL: the place is free */
	enum phase phase;
	int64_t since_ns;
	uint32_t lines; /* of a head that is coming in, and the bytes of its last one */
	uint32_t line_bytes;
	bool is_connect;	     /* as far as its first line has come */
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
	struct place *places; /* connections_max of them */
};

static bool is_gone(const struct place *place)
{
	bufferevent_event_cb on_event;

	bufferevent_getcb(place->stream, NULL, NULL, &on_event, NULL);
	return !on_event;
}

static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *argument);

static void release(struct place *place)
{
	evbuffer_remove_cb(bufferevent_get_input(place->stream), on_input, place);
	bufferevent_decref(place->stream);
	if (place->held)
		evhttp_request_free(place->held);
	place->server->counts.open--;
	*place = (struct place){.server = place->server};
}

/* evhttp closes as if it had waited too long itself. */
static void cut(struct place *place)
{
	bufferevent_trigger_event(place->stream, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
	if (is_gone(place))
		release(place);
}

/* May it be cut for a new one? A reply that is held back is to nobody whom we miss. */
static bool is_waiting(const struct place *place)
{
	return place->phase != PHASE_REPLYING || place->held;
}

static bool is_accepting(const struct http_server *server)
{
	for (uint32_t i = 0; i < server->options.connections_max; i++)
		if (!server->places[i].stream || is_waiting(&server->places[i]))
			return true;
	return false;
}

/* A place for a new one is always there: nobody is accepted while all are replied to. */
static struct place *find_place(struct http_server *server)
{
	struct place *oldest = NULL;

	for (uint32_t i = 0; i < server->options.connections_max; i++) {
		struct place *place = &server->places[i];

		if (place->stream && is_gone(place))
			release(place);
		if (!place->stream)
			return place;
		if (is_waiting(place) && (!oldest || place->since_ns < oldest->since_ns))
			oldest = place;
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

static void set_phase(struct place *place, enum phase phase)
{
	place->phase = phase;
	place->since_ns = clock_monotonic_ns();
}

static bool is_late(const struct place *place, int64_t now_ns)
{
	const struct http_options *options = &place->server->options;
	const uint32_t limits_ms[] = {
		[PHASE_READING] = options->head_ms,
		[PHASE_REPLYING] = options->reply_ms,
		[PHASE_IDLE] = options->idle_ms,
	};

	return now_ns - place->since_ns > limits_ms[place->phase] * NANOSECONDS_PER_MILLISECOND;
}

static void send_held(struct place *place)
{
	struct evhttp_request *raw = place->held;

	place->held = NULL;
	evhttp_send_reply(raw, place->held_status, NULL, NULL);
}

static void on_tick(void *argument)
{
	struct http_server *server = argument;
	int64_t now_ns = clock_monotonic_ns();

	for (uint32_t i = 0; i < server->options.connections_max; i++) {
		struct place *place = &server->places[i];

		if (!place->stream)
			continue;
		if (is_gone(place)) {
			release(place);
		} else if (place->is_refused || is_late(place, now_ns)) {
			server->counts.late += !place->is_refused;
			cut(place);
		} else if (place->held && now_ns >= place->held_until_ns) {
			send_held(place);
		}
	}
	regulate(server);
	loop_timer_set(server->timer, server->counts.open ? TICK_NS : TICK_IDLE_NS);
}

/* evhttp leaves the connection of a CONNECT open, whatever is wrong with it. Called for each byte
 * of a line. */
static bool is_connect(struct place *place, uint8_t byte)
{
	static const char method[] = "CONNECT ";
	const uint32_t at = place->line_bytes, length = sizeof(method) - 1;

	place->is_connect = !place->lines && at < length && (!at || place->is_connect) &&
			    byte == (uint8_t)method[at];
	return place->is_connect && at == length - 1;
}

/* Is it text, and within what a head may be? evhttp allocates for each line, and ends at a NUL. */
static bool is_acceptable(struct place *place, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n') {
			place->lines = place->line_bytes ? place->lines + 1 : 0;
			place->line_bytes = 0;
		} else if (bytes[i] != '\r') {
			if (is_connect(place, bytes[i]))
				return false;
			place->line_bytes++;
		}
		if ((bytes[i] < 0x20 && !memchr("\t\r\n", bytes[i], 3)) ||
		    place->line_bytes > HTTP_LINE_MAX || place->lines > HTTP_FIELDS_MAX + 1)
			return false;
	}
	return true;
}

static void refuse(struct place *place)
{
	place->is_refused = true;
	place->server->counts.malformed++;
	loop_timer_set(place->server->timer, 0);
}

static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *argument)
{
	struct place *place = argument;
	struct evbuffer_iovec parts[INPUT_PARTS];
	struct evbuffer_ptr from;
	int count;

	if (!info->n_added)
		return;
	if (place->phase == PHASE_IDLE)
		set_phase(place, PHASE_READING);
	evbuffer_ptr_set(buffer, &from, evbuffer_get_length(buffer) - info->n_added,
			 EVBUFFER_PTR_SET);
	count = evbuffer_peek(buffer, -1, &from, parts, INPUT_PARTS);
	for (int i = 0; i < count && !place->is_refused; i++)
		if (count > INPUT_PARTS ||
		    !is_acceptable(place, parts[i].iov_base, parts[i].iov_len))
			refuse(place);
	if (place->is_refused)
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
	struct place *place = find_place(server);

	(void)base;
	place->stream = make_stream(server, &place->is_refused);
	if (!place->stream)
		abort(); /* out of memory */
	set_phase(place, PHASE_READING);
	bufferevent_incref(place->stream);
	bufferevent_setwatermark(place->stream, EV_READ, 0, INPUT_MAX);
	evbuffer_add_cb(bufferevent_get_input(place->stream), on_input, place);
	server->counts.connections++;
	if (!server->counts.open++)
		loop_timer_set(server->timer, TICK_NS);
	return place->stream;
}

/* Out of descriptors: nobody is accepted until the next tick. */
static void on_accept_error(struct evconnlistener *listener, void *argument)
{
	(void)argument;
	evconnlistener_disable(listener);
}

static struct place *find_of_request(struct http_server *server, struct evhttp_request *raw)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(raw);
	struct bufferevent *stream = evhttp_connection_get_bufferevent(connection);

	for (uint32_t i = 0; i < server->options.connections_max; i++)
		if (server->places[i].stream == stream)
			return &server->places[i];
	abort(); /* each has a place */
}

static void on_complete(struct evhttp_request *raw, void *argument)
{
	struct place *place = argument;
	struct evbuffer *input = bufferevent_get_input(place->stream);

	(void)raw;
	set_phase(place, evbuffer_get_length(input) ? PHASE_READING : PHASE_IDLE);
	regulate(place->server);
}

static void on_request(struct evhttp_request *raw, void *argument)
{
	struct http_server *server = argument;
	struct http_request request = {.place = find_of_request(server, raw)};
	struct http_reply refusal = {.status = http_request_take(&request, raw),
				     .options = {{"Connection", "close"}}};

	set_phase(request.place, PHASE_REPLYING);
	evhttp_request_set_on_complete_cb(raw, on_complete, request.place);
	if (refusal.status) {
		server->counts.malformed++;
		http_reply(&request, &refusal);
	} else {
		server->counts.requests++;
		server->fn(server->argument, &request);
	}
	assert(request.is_answered);
	regulate(server);
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
		if (server->places[i].stream)
			length += evbuffer_get_length(
				bufferevent_get_output(server->places[i].stream));
	return length <= HTTP_OUTPUT_MAX;
}

void http_reply(struct http_request *request, const struct http_reply *reply)
{
	static const struct http_reply no_room = {.status = 503};
	struct place *place = request->place;

	if (!has_room(place->server, reply->length))
		reply = &no_room;
	assert(!request->is_answered && !(reply->delay_ms && reply->length));
	request->is_answered = true;
	add_fields(request->raw, reply);
	if (reply->delay_ms) {
		place->held = request->raw;
		place->held_status = reply->status;
		place->held_until_ns =
			place->since_ns + reply->delay_ms * NANOSECONDS_PER_MILLISECOND;
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
	tzset(); /* reads a file, which replies with their date would in a sandbox */
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
	server->places = xcalloc(options->connections_max, sizeof(*server->places));
	for (uint32_t i = 0; i < options->connections_max; i++)
		server->places[i].server = server;
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
		if (server->places[i].stream)
			cut(&server->places[i]);
	evhttp_free(server->http);
	for (uint32_t i = 0; i < server->options.connections_max; i++)
		if (server->places[i].stream)
			release(&server->places[i]);
	loop_event_free(server->timer);
	free(server->places);
	free(server);
}

struct http_counts http_server_counts(const struct http_server *server)
{
	return server->counts;
}
