/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A script of what clients over UDP and TCP and upstream servers say to a proxy, and of time that
 * passes. After each turn every query is counted once; each reply answers a query that has none
 * yet, has its question, can be parsed, and is no longer than the client may get. At the end, when
 * all have had their time, nothing is left behind.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "dns/message.h"
#include "dns/response.h"
#include "tests/lib/proxy_rig.h"
#include "worker/proxy/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is to be explored is the proxy alone. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif

#define TURNS_MAX    24
#define QUERIES_MAX  64
#define CLIENTS	     2 /* over TCP */
#define MESSAGE_MAX  512
#define NAMES	     (sizeof(names) / sizeof(names[0]))
#define TIMEOUT_NS   (2 * (int64_t)NANOSECONDS_PER_SECOND)
#define ROUNDS_MAX   100
#define SERVER_COUNT 3

static const char rules[] = "log ^lo\n"
			    "block ^bl\n"
			    "block ^dr with drop\n"
			    "block ^nx with nxdomain\n"
			    "block ^ad with 192.0.2.1, 2001:db8::1\n"
			    "redirect ^re to target.test\n"
			    "rewrite ^(.*)\\.old\\. to $1.new\n"
			    "rewrite ^(ba.*) to $1.$1\n"
			    "resolve ^pa using 127.0.0.1:%u, 127.0.0.1:%u\n"
			    "resolve ^st using tcp://127.0.0.1:%u\n"
			    "resolve ^ using ordered 127.0.0.1:%u, 127.0.0.1:%u";

/* It can be rewritten, but not to a name of twice its length. */
#define LONG_NAME "\2ba\77 123456789 123456789 123456789 123456789 123456789 123456789 12"

static const char *const names[] = {
	"\2lo",	   "\2bl", "\2dr",    "\2nx", "\2ad", "\2re\1x",  "\1a\3old", "\2pa\3old",
	LONG_NAME, "\2pa", "\2pa\1A", "\2st", "\1a",  "\1a\3new", "\1A",      ""};

/* What was asked, by its id: ids are given out in order. */
struct question {
	bool is_waiting;
	uint16_t payload; /* that the reply may have */
	uint16_t length;
	uint8_t octets[DNS_NAME_MAX + 4];
};

static struct proxy_rig rig;
static struct proxy *proxy;
static struct cursor input;
static struct question questions[QUERIES_MAX];
static uint16_t question_count;
static uint64_t resolved_count; /* when the cache was empty */
/* Over TCP: the other end, or -1, and what was not sent of the last query. */
static struct client_end {
	int fd;
	size_t rest_length;
	uint8_t rest[16];
} clients[CLIENTS];
static int nobody; /* UDP: where replies come to */
static union client_address nobody_address;

static void on_line(enum log_level level, const char *text)
{
	(void)level;
	(void)text;
}

static void open_once(void)
{
	socklen_t length = sizeof(nobody_address);
	int failed;

	if (proxy)
		return;
	log_set_sink(on_line);
	proxy_rig_init(&rig);
	rig.config.proxy.cache_mib = 1;
	rig.config.proxy.stale_s = 3600;
	rig.config.proxy.prefetches = true;
	rig.config.proxy.query_count = 24; /* so that it gets full */
	rig.config.proxy.tcp_queries = 3;
	rig.config.proxy.cache_ttl_least_s = 10;
	proxy_rig_open(&rig, rules);
	proxy = rig.proxy;
	/* Time passes as the script says. */
	proxy->is_ticking = proxy->streams->is_ticking = true;
	nobody = dup(rig.client);
	failed = getsockname(nobody, &nobody_address.any, &length);
	assert(!failed);
}

/* --- replies --- */

/* Names may cost what the length of a message allows: a reply may be shorter than what it is of. */
static void check_records(struct slice reply, const struct question *question)
{
	static uint8_t bytes[2 * UINT16_MAX];
	static struct response response;
	const struct slice padded = {bytes, reply.length + MESSAGE_MAX};

	memcpy(bytes, reply.data, reply.length);
	memset(bytes + reply.length, 0xff, MESSAGE_MAX);
	assert(response_parse(padded, (struct slice){question->octets, question->length}, true,
			      &response) == RESPONSE_OK);
}

static void check_reply(struct slice reply)
{
	struct question *question;

	assert(reply.length >= DNS_HEADER_SIZE && be16_load(reply.data) < question_count);
	question = &questions[be16_load(reply.data)];
	assert(question->is_waiting && reply.length <= question->payload);
	question->is_waiting = false;
	if (!question->length) {
		assert(be16_load(reply.data + 4) == 0);
		return;
	}
	assert(reply.length >= (size_t)DNS_HEADER_SIZE + question->length);
	assert(!memcmp(reply.data + DNS_HEADER_SIZE, question->octets, question->length));
	/* An answer to another opcode is none that we would take. */
	if (!(be16_load(reply.data + 2) & DNS_OPCODE_MASK))
		check_records(reply, question);
}

static void take_datagrams(void)
{
	static uint8_t bytes[LISTENER_REPLY_MAX];
	ssize_t got;

	while ((got = recv(nobody, bytes, sizeof(bytes), MSG_DONTWAIT)) >= 0)
		check_reply((struct slice){bytes, (size_t)got});
}

static void close_client(struct client_end *client)
{
	if (client->fd >= 0)
		close(client->fd);
	*client = (struct client_end){.fd = -1};
}

static void take_frames(struct client_end *client)
{
	static uint8_t frame[2 + UINT16_MAX];
	ssize_t got = -1;

	while (client->fd >= 0 && (got = recv(client->fd, frame, 2, MSG_DONTWAIT)) == 2) {
		got = recv(client->fd, frame + 2, be16_load(frame), MSG_DONTWAIT);
		assert(got == be16_load(frame));
		check_reply((struct slice){frame + 2, (size_t)got});
	}
	if (!got)
		close_client(client);
}

/* --- clients --- */

/* As many octets of the script as there are. */
static struct slice take_bytes(size_t length)
{
	size_t left = cursor_left(&input);

	if (length > left)
		length = left;
	return (struct slice){cursor_take(&input, length), length};
}

/* Puts an id into a query, and notes what is to come back. */
static void note_query(uint8_t *bytes, size_t length, bool is_tcp)
{
	struct question *question = &questions[question_count];
	struct dns_query query;

	if (length < DNS_HEADER_SIZE)
		return;
	be16_store(bytes, question_count);
	*question = (struct question){.is_waiting = true, .payload = UINT16_MAX};
	question_count++;
	if (query_parse((struct slice){bytes, length}, &query) == QUERY_DROP)
		return;
	if (!is_tcp)
		question->payload = query.payload < rig.config.proxy.udp_size
					    ? query.payload
					    : (uint16_t)rig.config.proxy.udp_size;
	question->length = query.question_length;
	memcpy(question->octets, bytes + DNS_HEADER_SIZE, query.question_length);
}

/* A query of the table, or octets of the script. */
static size_t make_query(uint8_t *bytes)
{
	uint8_t choice = cursor_u8(&input), *at = bytes + DNS_HEADER_SIZE;
	const char *name = names[choice % NAMES];
	size_t length = strlen(name) + 1;
	struct slice raw;

	if (choice & 0x80) {
		raw = take_bytes(choice & 0x7f);
		if (raw.length)
			memcpy(bytes, raw.data, raw.length);
		return raw.length;
	}
	memcpy(bytes, "\0\0\0\0\0\1\0\0\0\0\0\0", DNS_HEADER_SIZE);
	be16_store(bytes + 2, cursor_u16(&input) & 0x7fff);
	memcpy(at, name, length);
	memcpy(at + length, "\0\1\0\1", 4);
	at[length + 1] = choice & 0x40 ? 28 : 1;
	at += length + 4;
	if (!(choice & 0x20))
		return (size_t)(at - bytes);
	bytes[11] = 1;
	memcpy(at, "\0\0\51\0\0\0\0\0\0\0\0", 11);
	be16_store(at + 3, cursor_u16(&input));
	return (size_t)(at + 11 - bytes);
}

/* In memory of that size, so that what is read behind it is found. */
static uint8_t *copy_of(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);

	assert(copy);
	if (length)
		memcpy(copy, bytes, length);
	return copy;
}

static void ask_over_udp(void)
{
	uint8_t bytes[MESSAGE_MAX], *message;
	size_t length = make_query(bytes);
	struct proxy_taken taken;
	struct client client = {.from = nobody_address, .listener = &proxy->listeners[0]};

	client.address = client_address_of(&client.from);
	note_query(bytes, length, false);
	proxy_count(proxy, COUNTER_PROXY_QUERIES, 1);
	message = copy_of(bytes, length);
	proxy_parse(proxy, (struct slice){message, length}, &taken);
	proxy_prefetch(proxy, &taken);
	proxy_handle(proxy, &client, &taken);
	free(message);
}

/* False when there is no room for another one. */
static bool connect_client(struct client_end *client)
{
	struct client_streams *streams = proxy->streams;
	struct client_stream *stream = streams->free;
	int ends[2], failed;

	if (streams->count == streams->room)
		return false;
	failed = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
	assert(!failed);
	if (stream)
		streams->free = stream->next;
	else
		stream = &streams->slots[streams->used++];
	streams->count++;
	client_stream_open(stream, streams, ends[0], &nobody_address);
	client->fd = ends[1];
	return true;
}

/* Several queries at once, the last perhaps cut; or it goes. */
static void ask_over_tcp(struct client_end *client)
{
	uint8_t bytes[16 + 4 * (2 + MESSAGE_MAX)], how = cursor_u8(&input);
	size_t length = client->rest_length, size;

	if (client->fd < 0 && !connect_client(client))
		return;
	memcpy(bytes, client->rest, length);
	client->rest_length = 0;
	for (int left = how & 3; left >= 0; left--) {
		size = make_query(bytes + length + 2);
		note_query(bytes + length + 2, size, true);
		be16_store(bytes + length, (uint16_t)size);
		length += 2 + size;
	}
	if (how & 4 && length > how >> 4) {
		client->rest_length = how >> 4;
		length -= client->rest_length;
		memcpy(client->rest, bytes + length, client->rest_length);
	}
	if (send(client->fd, bytes, length, MSG_NOSIGNAL) < 0 || how & 8)
		close_client(client);
}

/* --- upstream servers --- */

/* One of the attempts that wait for an answer. */
static struct attempt *choose_attempt(uint8_t choice, struct pending **chosen)
{
	struct attempt *found = NULL;

	for (struct pending *at = pendings_first(proxy->pendings); at; at = at->next)
		for (uint32_t i = 0; i < at->attempt_count; i++) {
			if (at->attempts[i].state == ATTEMPT_DONE)
				continue;
			found = &at->attempts[i];
			*chosen = at;
			if (!choice--)
				return found;
		}
	return found;
}

static size_t put_records(uint8_t *bytes, size_t length)
{
	static const uint8_t address[] = "\300\14\0\1\0\1\0\0\1\54\0\4\300\0\2\1";
	static const uint8_t soa[] = "\300\14\0\6\0\1\0\0\1\54\0\26\0\0\0\0\0\1\0\0\0\1\0\0\0\1"
				     "\0\0\0\1\0\0\0\1";
	struct slice raw;
	uint8_t kind;

	while ((kind = cursor_u8(&input)) && length < MESSAGE_MAX / 2) {
		raw = (struct slice){address, sizeof(address) - 1};
		if (kind & 1)
			raw = (struct slice){soa, sizeof(soa) - 1};
		if (kind & 2)
			raw = take_bytes(kind >> 2);
		if (raw.length)
			memcpy(bytes + length, raw.data, raw.length);
		length += raw.length;
		bytes[kind & 1 ? 9 : 7]++;
	}
	return length;
}

static void respond(struct server *server, struct server_socket *socket, const uint8_t *bytes,
		    size_t length)
{
	uint8_t *message = copy_of(bytes, length);

	resolve_on_message(proxy, server, socket, message, length);
	free(message);
}

/* An answer to something that is waited for; how: in which ways it is wrong. */
static void answer(uint8_t how)
{
	uint8_t bytes[MESSAGE_MAX] = {0};
	struct attempt *attempt;
	struct pending *pending;
	struct server *server;
	struct server_socket *socket;
	size_t length;

	attempt = choose_attempt(cursor_u8(&input), &pending);
	if (!attempt)
		return;
	server = &proxy->servers[attempt->server];
	socket = attempt->state == ATTEMPT_UDP ? &server->sockets[attempt->socket] : NULL;
	be16_store(bytes, attempt->id ^ (how & 1));
	be16_store(bytes + 2, 0x8000 | (cursor_u16(&input) & (how & 2 ? 0xffff : 0x058f)));
	bytes[5] = 1;
	memcpy(bytes + DNS_HEADER_SIZE, pending->asked, pending->name_length);
	length = DNS_HEADER_SIZE + pending->name_length;
	be16_store(bytes + length, pending->type);
	be16_store(bytes + length + 2, pending->class);
	if (how & 4)
		bytes[DNS_HEADER_SIZE + 1] ^= 0x21;
	if (how & 8)
		socket = socket ? NULL : &server->sockets[0];
	length = put_records(bytes, length + 4);
	respond(server, socket, bytes, length);
}

static void say_anything(uint8_t where)
{
	struct server *server = &proxy->servers[where % SERVER_COUNT];
	struct slice raw = take_bytes(cursor_u8(&input));

	respond(server, where & 4 ? &server->sockets[0] : NULL, raw.data, raw.length);
}

/* --- time --- */

static void on_due(void *argument, struct wheel_timer *timer)
{
	resolve_on_due(argument, timer);
}

static void let_time_pass(void)
{
	wheel_turn(&proxy->wheel, proxy->wheel.tick * proxy->wheel.tick_ns + TIMEOUT_NS, on_due,
		   proxy);
}

/* What is kept was kept an hour ago, or a few seconds. */
static void make_older(uint8_t name, uint32_t seconds)
{
	const struct cache_key key = proxy_rig_key(&rig, names[name % NAMES],
						   name % ruleset_group_count(proxy->ruleset));

	proxy_rig_make_older(&rig, &key, seconds);
}

/* --- turns --- */

static void end_turn(void)
{
	proxy_end_turn(proxy);
	loop_poll(rig.loop); /* what clients over TCP have said */
	take_datagrams();
	for (int i = 0; i < CLIENTS; i++)
		take_frames(&clients[i]);
	assert(proxy_rig_adds_up(&rig));
}

static void act(uint8_t action)
{
	switch (action & 7) {
	case 0:
		ask_over_udp();
		break;
	case 1:
		ask_over_tcp(&clients[action >> 3 & 1]);
		break;
	case 2:
	case 3:
		answer(0);
		break;
	case 4:
		answer(action >> 3 & 15);
		break;
	case 5:
		say_anything(action >> 3);
		break;
	case 6:
		let_time_pass();
		break;
	default:
		if (action & 8)
			resolve_on_stream_end(proxy, &proxy->servers[(action >> 4) % SERVER_COUNT],
					      action & 0x80);
		else
			make_older(cursor_u8(&input), action & 0x10 ? 290 : 3000);
		break;
	}
}

/* Until nothing is waited for; has_gone: nor anybody connected. */
static void give_time(bool has_gone)
{
	for (int round = 0; pendings_count(proxy->pendings) || proxy->streams->resumed ||
			    (has_gone && proxy->streams->count);
	     round++) {
		assert(round < ROUNDS_MAX);
		proxy_begin_turn(proxy, 0);
		let_time_pass();
		end_turn();
	}
}

/* Everybody has had his time; then there is nothing left. */
static void end_script(void)
{
	give_time(false);
	for (int i = 0; i < CLIENTS; i++)
		close_client(&clients[i]);
	give_time(true);
	assert(!pendings_askers(proxy->pendings) && !proxy->wheel.count);
	assert(!proxy->streams->count && !proxy->streams->held_bytes);
	assert(!state_get(rig.head, STATE_PROXY_WAITING));
	for (uint32_t i = 0; i < proxy->server_count; i++) {
		struct server *server = &proxy->servers[i];

		assert(!server->outstanding && !server->batch_count);
		server->backoff_ns = server->failures = 0;
		if (server_stream_is_open(&server->stream)) {
			server_stream_close(&server->stream);
			close(accept(rig.tcp[i], NULL, NULL));
		}
	}
	if (proxy_rig_count(&rig, COUNTER_PROXY_RESOLVED) != resolved_count)
		cache_clear(proxy->cache);
	resolved_count = proxy_rig_count(&rig, COUNTER_PROXY_RESOLVED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t action;

	open_once();
	input = cursor_of((struct slice){data, size});
	question_count = 0;
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = (struct client_end){.fd = -1};
	for (int turn = 0; turn < TURNS_MAX && !input.failed; turn++) {
		proxy_begin_turn(proxy, 0);
		do {
			action = cursor_u8(&input);
			act(action);
		} while (action & 0x80 && !input.failed && question_count < QUERIES_MAX - 8);
		end_turn();
		if (question_count >= QUERIES_MAX - 8)
			break;
	}
	end_script();
	return 0;
}

#ifdef __clang__
#pragma clang attribute pop
#endif
