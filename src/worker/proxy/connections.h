/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/hash.h"
#include "config/config.h"
#include "dns/message.h"
#include "worker/proxy/connection.h"

/*
 * All clients over TCP. What is read goes through one buffer; answers that are made while the
 * queries of a connection are being read gather in another, and go out by one call. Who is idle
 * longest makes way when there are too many.
 */

#define CONNECTIONS_ACCEPT	 32   /* of one turn */
#define CONNECTIONS_RESUME	 8    /* of one turn, as much as they hold */
#define CONNECTIONS_READ_BYTES	 4096 /* of one connection in a turn, so that none is long */
#define CONNECTIONS_KEPT_BYTES	 (2 + CONNECTION_QUERY_MAX)
#define CONNECTIONS_FRAME_BYTES	 (DNS_FRAME_SIZE + 65535)
#define CONNECTIONS_GATHER_BYTES (128 << 10)
#define CONNECTIONS_HELD_BYTES	 (64u << 20) /* in buffers of all connections together */
#define CONNECTIONS_PEER_BYTES	 (8u << 20)  /* of these, for one client */
#define CONNECTIONS_TICK_NS	 (100 * NANOSECONDS_PER_MILLISECOND)
#define CONNECTIONS_PEERS	 32768

struct proxy;

struct acceptor {
	struct connections *connections;
	struct loop_event *event;
	int fd;
};

/* A client, as far as its limits go: those that share a place share the limits. */
struct connections_peer {
	uint32_t count;
	uint32_t held_bytes;
};

struct connections {
	struct proxy *proxy;
	struct connection *slots;
	uint32_t room, used, count;
	struct connection *free;
	struct connection *idle_first, *idle_last;
	struct acceptor acceptors[CONFIG_LISTEN_MAX];
	uint32_t acceptor_count;
	struct loop_event *tick_timer, *accept_timer, *resume_timer;
	struct wheel wheel;
	bool is_ticking;
	struct hash_key key;
	struct connections_peer peers[CONNECTIONS_PEERS]; /* by a hash of their address */
	size_t held_bytes;				  /* of all ins and outs */
	struct connection *resumed, **resumed_last;	  /* there may be room for what they hold */
	struct connection *reading;			  /* its answers gather */
	size_t gathered;
	uint8_t read_bytes[CONNECTIONS_KEPT_BYTES + CONNECTIONS_READ_BYTES];
	uint8_t frame_bytes[CONNECTIONS_FRAME_BYTES];
	uint8_t gather_bytes[CONNECTIONS_GATHER_BYTES];
};

/* tcp_connections of the configuration; NULL when out of memory. */
struct connections *connections_new(struct proxy *proxy);
void connections_free(struct connections *connections);

/* Takes clients from a socket that listens; from none any more. */
void connections_listen(struct connections *connections, int fd);
void connections_stop(struct connections *connections);

/* At the end of a turn: takes queries that were held up, as there is room for them now; those of
 * very many connections in turns to come. */
void connections_resume(struct connections *connections);

/* What clients are told of how long they may be idle (RFC 7828), in units of 100 ms. */
uint16_t connections_keepalive(const struct connections *connections);

/* Whether a client has not taken all of its answers. */
bool connections_have_unsent(const struct connections *connections);

/* The rest is for connection.c. */

struct connections_peer *connections_peer(struct connections *connections,
					  const struct address *address);

/* A timer in the wheel: it is turned from now on. */
void connections_watch(struct connections *connections, struct connection *connection,
		       int64_t due_ns);
