/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/control_server.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/name.h"
#include "ipc/control.h"
#include "ipc/reply.h"
#include "ipc/request.h"
#include "supervisor/control_socket.h"
#include "supervisor/proxy_accounts.h"
#include "supervisor/proxy_status.h"
#include "supervisor/status.h"
#include "supervisor/supervisor.h"

#define PEERS_MAX	16
#define IDLE_NS		(10 * NANOSECONDS_PER_SECOND)
#define ACCEPT_PAUSE_NS (1 * NANOSECONDS_PER_SECOND)

enum right { RIGHT_NONE, RIGHT_LOOK, RIGHT_ALL };

struct peer {
	struct control_server *server;
	int fd; /* -1: nobody */
	enum right right;
	uid_t uid;
	uint64_t number; /* of the connection: the oldest has the lowest */
	bool is_waiting; /* it has asked, and gets its reply later; it may be gone by then */
	struct loop_event *event, *timer;
};

struct control_server {
	struct supervisor *supervisor;
	struct control_socket socket;
	struct loop_event *event, *pause_timer;
	uint64_t connections;
	struct peer peers[PEERS_MAX];
};

static void peer_forget_events(struct peer *peer)
{
	loop_event_free(peer->event);
	loop_event_free(peer->timer);
	peer->event = peer->timer = NULL;
}

static void peer_close(struct peer *peer)
{
	peer_forget_events(peer);
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
	peer->is_waiting = false;
}

/* One text at a time is made, and given away before the next. */
static struct json *begin_text(void)
{
	static char text[REPLY_BYTES_MAX];
	static struct json json;

	json_init(&json, text, sizeof(text));
	return &json;
}

/* A peer that cannot be told has gone, or we have no descriptor left: it sees the end. */
static void answer(struct peer *peer, enum reply_status status, struct json *json)
{
	if (json_finish(json))
		reply_send(peer->fd, status, json->text, json->length);
	peer_close(peer);
}

static void answer_error(struct peer *peer, enum reply_status status, const char *error)
{
	struct json *json = begin_text();

	json_open_object(json, NULL);
	json_add_string(json, "error", error);
	json_close_object(json);
	answer(peer, status, json);
}

static void answer_done(struct peer *peer)
{
	struct json *json = begin_text();

	json_open_object(json, NULL);
	json_close_object(json);
	answer(peer, REPLY_OK, json);
}

/* What the check of the configuration warned of comes along. */
static void answer_reloaded(struct peer *peer)
{
	const char *line = peer->server->supervisor->reload.check.warnings;
	struct json *json = begin_text();

	json_open_object(json, NULL);
	json_open_array(json, "warnings");
	for (size_t length; *line; line += length + 1) {
		char text[sizeof(((struct control_message *)0)->text)];

		length = strcspn(line, "\n");
		snprintf(text, sizeof(text), "%.*s", (int)length, line);
		json_add_string(json, NULL, text);
	}
	json_close_array(json);
	json_close_object(json);
	answer(peer, REPLY_OK, json);
}

static void on_reloaded(void *argument, const char *error)
{
	struct peer *peer = argument;

	if (error)
		answer_error(peer, REPLY_FAILED, error);
	else
		answer_reloaded(peer);
}

static void on_upgraded(void *argument, const char *error)
{
	struct peer *peer = argument;

	if (error)
		answer_error(peer, REPLY_FAILED, error);
	else
		answer_done(peer);
}

/* It keeps its place until then, also when it goes away. */
static void reload(struct peer *peer, const struct request *request, const char *text)
{
	(void)request;
	(void)text;
	peer_forget_events(peer);
	peer->is_waiting = true;
	reload_begin(peer->server->supervisor, on_reloaded, peer);
}

static void upgrade(struct peer *peer, const struct request *request, const char *text)
{
	(void)request;
	(void)text;
	peer_forget_events(peer);
	peer->is_waiting = true;
	upgrade_begin(peer->server->supervisor, on_upgraded, peer);
}

static void set_log_level(struct peer *peer, const struct request *request, const char *text)
{
	(void)text;
	if (request->argument > LOG_LEVEL_ERROR) {
		answer_error(peer, REPLY_FAILED, "there is no such level");
		return;
	}
	log_set_level((enum log_level)request->argument);
	answer_done(peer);
}

static void log_flush(const char *name)
{
	char text[DNS_NAME_TEXT_MAX] = "";
	uint8_t wire[DNS_NAME_MAX], length;

	if (name && name_parse(name, wire, &length))
		name_format(wire, text);
	if (name)
		log_info("flush: %s. and all below it", text);
	else
		log_info("flush: all answers");
}

static void flush(struct peer *peer, const struct request *request, const char *text)
{
	const char *name = *text ? text : NULL;
	const char *error = proxy_accounts_flush(peer->server->supervisor, name);
	struct json *json;

	(void)request;
	if (error) {
		answer_error(peer, REPLY_FAILED, error);
		return;
	}
	log_flush(name);
	json = begin_text();
	json_open_object(json, NULL);
	if (name)
		json_add_string(json, "name", name);
	else
		json_add_null(json, "name");
	json_add_number(json, "within_seconds", PROXY_FLUSH_SECONDS);
	json_close_object(json);
	answer(peer, REPLY_OK, json);
}

/* What can be asked: either a text, or something to do. */
static const struct command {
	enum request_type type;
	bool needs_owner;
	const char *name;
	status_fn text;
	void (*run)(struct peer *peer, const struct request *request, const char *text);
} commands[] = {
	{REQUEST_STATUS, false, "status", status_format, NULL},
	{REQUEST_STATS, false, "stats", status_format_stats, NULL},
	{REQUEST_LEDGER, false, "ledger", status_format_ledger, NULL},
	{REQUEST_QUARANTINE, false, "quarantine", status_format_quarantine, NULL},
	{REQUEST_RULES, false, "rules", proxy_status_format_rules, NULL},
	{REQUEST_RELOAD, true, "reload", NULL, reload},
	{REQUEST_UPGRADE, true, "upgrade", NULL, upgrade},
	{REQUEST_LOG, true, "log", NULL, set_log_level},
	{REQUEST_FLUSH, true, "flush", NULL, flush},
};

static const struct command *find_command(uint32_t type)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].type == type)
			return &commands[i];
	return NULL;
}

static void answer_text(struct peer *peer, status_fn text)
{
	struct json *json = begin_text();

	text(peer->server->supervisor, json);
	answer(peer, REPLY_OK, json);
}

static void dispatch(struct peer *peer, const struct request *request, const char *text)
{
	const struct command *command = find_command(request->type);

	if (!command) {
		peer_close(peer);
	} else if (peer->right < (command->needs_owner ? RIGHT_ALL : RIGHT_LOOK)) {
		answer_error(peer, REPLY_REFUSED,
			     command->needs_owner ? "only root may ask for this"
						  : "only root and the socket's group may ask");
	} else if (command->text) {
		answer_text(peer, command->text);
	} else {
		log_info("%s: asked for by user %u", command->name, peer->uid);
		command->run(peer, request, text);
	}
}

static void on_request(void *argument)
{
	struct peer *peer = argument;
	char text[REQUEST_TEXT_MAX];
	struct request request;
	int got = request_receive(peer->fd, &request, text);

	if (got > 0)
		dispatch(peer, &request, text);
	else if (got == 0)
		peer_close(peer);
}

static void on_idle(void *argument)
{
	peer_close(argument);
}

static bool is_in_group(int fd, const struct ucred *peer, gid_t gid)
{
	static gid_t groups[NGROUPS_MAX];
	socklen_t length = sizeof(groups);

	if (peer->gid == gid)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0)
		return false;
	for (size_t i = 0; i < length / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static void find_right(struct peer *peer, gid_t gid)
{
	struct ucred who;
	socklen_t length = sizeof(who);

	peer->right = RIGHT_NONE;
	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &who, &length) < 0)
		return;
	peer->uid = who.uid;
	if (who.uid == 0 || who.uid == geteuid())
		peer->right = RIGHT_ALL;
	else if (is_in_group(peer->fd, &who, gid))
		peer->right = RIGHT_LOOK;
}

/* A place that is free, or becomes so: only one peer at a time waits, the others may have to go. */
static struct peer *find_place(struct control_server *server)
{
	struct peer *oldest = NULL;

	for (struct peer *peer = server->peers; peer < server->peers + PEERS_MAX; peer++) {
		if (peer->fd < 0)
			return peer;
		if (!peer->is_waiting && (!oldest || peer->number < oldest->number))
			oldest = peer;
	}
	assert(oldest);
	peer_close(oldest);
	return oldest;
}

static void welcome(struct control_server *server, int fd)
{
	struct supervisor *supervisor = server->supervisor;
	struct peer *peer = find_place(server);

	peer->fd = fd;
	peer->number = ++server->connections;
	find_right(peer, supervisor->effective->config.gid);
	peer->event = loop_add_reader(supervisor->loop, fd, on_request, peer);
	peer->timer = loop_add_timer(supervisor->loop, on_idle, peer);
	loop_timer_set(peer->timer, IDLE_NS);
}

static void on_connection(void *argument)
{
	struct control_server *server = argument;
	int fd = accept4(server->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		welcome(server, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		/* It would be told again at once, and again. */
		log_warn("control: a connection has to wait: %s", strerror(errno));
		loop_event_free(server->event);
		server->event = NULL;
		loop_timer_set(server->pause_timer, ACCEPT_PAUSE_NS);
	}
}

static void listen_on(void *argument)
{
	struct control_server *server = argument;

	server->event =
		loop_add_reader(server->supervisor->loop, server->socket.fd, on_connection, server);
}

void control_server_give(const struct control_server *server, struct handover *handover)
{
	if (!server)
		return;
	control_socket_give(&server->socket, handover);
	for (int i = 0; i < PEERS_MAX; i++)
		if (server->peers[i].is_waiting)
			handover_add_fd(handover, "peer", HANDOVER_ONE, server->peers[i].fd);
}

static void take_peer(struct control_server *server, struct handover *handover)
{
	struct upgrade *upgrade = &server->supervisor->upgrade;
	struct peer *peer = &server->peers[0];

	peer->fd = handover_take_fd(handover, "peer", HANDOVER_ONE);
	if (peer->fd < 0)
		return;
	peer->is_waiting = true;
	upgrade->on_done = on_reloaded;
	upgrade->argument = peer;
}

static bool open_socket(struct control_server *server, const struct config *config,
			struct handover *handover, char *error)
{
	if (!handover || !control_socket_take(&server->socket, config->control, handover))
		return control_socket_open(&server->socket, config->control, config->gid, error);
	take_peer(server, handover);
	return true;
}

struct control_server *control_server_open(struct supervisor *supervisor,
					   const struct config *config, struct handover *handover)
{
	struct control_server *server;
	char error[CONFIG_ERROR_MAX];

	if (!strcmp(config->control, CONFIG_CONTROL_NONE))
		return NULL;
	server = xcalloc(1, sizeof(*server));
	server->supervisor = supervisor;
	for (int i = 0; i < PEERS_MAX; i++)
		server->peers[i] = (struct peer){.server = server, .fd = -1};
	if (!open_socket(server, config, handover, error)) {
		log_warn("%s; dnsflowctl will not reach this run", error);
		free(server);
		return NULL;
	}
	server->pause_timer = loop_add_timer(supervisor->loop, listen_on, server);
	listen_on(server);
	return server;
}

void control_server_close(struct control_server *server)
{
	if (!server)
		return;
	for (int i = 0; i < PEERS_MAX; i++)
		peer_close(&server->peers[i]);
	loop_event_free(server->event);
	loop_event_free(server->pause_timer);
	control_socket_close(&server->socket);
	free(server);
}
