/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "dns/query.h"
#include "ipc/proxy_stats.h"
#include "rules/upstream.h"
#include "worker/proxy/pendings.h"
#include "worker/proxy/server_stream.h"

/*
 * One upstream server. Over UDP it is asked through a pool of connected sockets on ports that the
 * kernel draws, each replaced after a while; all queries of a turn go out through one of them,
 * drawn anew each turn, by one call. Over TCP there is one connection, kept while it is used.
 */

#define SERVER_SOCKETS	      64
#define SERVER_BATCH	      64   /* as many segments as the kernel takes at once, too */
#define SERVER_SOCKET_QUERIES 1000 /* then a socket is replaced ... */
#define SERVER_SOCKET_NS      (10 * NANOSECONDS_PER_SECOND) /* or after this */

struct proxy;
struct server;

struct server_socket {
	struct server *server;
	struct loop_event *event;
	int fd; /* -1: not open */
	uint32_t outstanding;
	uint32_t queries;
	int64_t opened_ns;
};

struct server {
	struct proxy *proxy;
	struct upstream upstream;
	uint16_t number;
	uint32_t timeout_ms; /* of a query */
	bool is_trusted;     /* that answers are authentic */
	bool is_public;	     /* in the Internet */
	struct proxy_upstream_stats *stats;
	struct server_socket sockets[SERVER_SOCKETS];
	/* what goes out at the end of the turn, through this socket */
	struct server_socket *socket;
	uint32_t batch_count;
	struct server *next_to_flush;
	bool is_to_flush; /* stands in that list */
	uint16_t lengths[SERVER_BATCH];
	uint8_t batch[SERVER_BATCH][QUERY_MESSAGE_MAX];
	struct server_stream stream;
	int64_t unheard_ns; /* since when something was asked through it, and nothing came; 0 */
	/* health */
	uint32_t outstanding;
	uint32_t failures;   /* one after the other */
	int64_t answered_ns; /* when the last answer came */
	int64_t backoff_ns;  /* 0: healthy */
	int64_t retry_ns;    /* then it may be asked again, once, to see */
	int64_t trial_ns;    /* when it was */
	bool is_on_trial;    /* and has not answered */
};

void server_open(struct server *server, struct proxy *proxy, const struct upstream *upstream,
		 uint16_t number);
void server_close(struct server *server);

/* Sends it at the end of the turn, over TCP if is_tcp. False when that cannot be begun: the attempt
 * is ended then, and the server has failed. */
bool server_ask(struct server *server, struct pending *pending, struct attempt *attempt,
		bool is_tcp);
void server_flush(struct server *server);

/* The attempt has ended, however: the socket knows of one less. */
void server_release(struct server *server, const struct attempt *attempt);

/* Whether it is not to be asked now, since it has failed. */
bool server_is_left_alone(const struct server *server, int64_t now_ns);

/* It is asked now: if it has failed and is not left alone that is a trial. */
void server_begin_trial(struct server *server, int64_t now_ns);

/* It answered; it did not answer in time; it cannot be reached. Health is that of its own
 * transport: TCP for what is not fit for UDP, which forgers can bring about (threats G-5), says
 * nothing. */
void server_has_answered(struct server *server, int64_t now_ns, int64_t latency_ns);
void server_has_timed_out(struct server *server, const struct attempt *attempt, int64_t now_ns);
void server_has_failed(struct server *server, int64_t now_ns);
