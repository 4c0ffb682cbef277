/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/hash.h"
#include "config/config.h"
#include "dns/message.h"
#include "worker/proxy/client_stream.h"

/*
 * All clients over TCP. What is read goes through one buffer; answers that are made while the
 * queries of a connection are being read gather in another, and go out by one call. Who is idle
 * longest makes way when there are too many.
 */

#define CLIENT_STREAMS_ACCEPT	    32	 /* of one turn */
#define CLIENT_STREAMS_RESUME	    8	 /* of one turn, as much as they hold */
#define CLIENT_STREAMS_READ_BYTES   4096 /* of one connection in a turn, so that none is long */
#define CLIENT_STREAMS_KEPT_BYTES   (2 + CLIENT_STREAM_QUERY_MAX)
#define CLIENT_STREAMS_FRAME_BYTES  (DNS_FRAME_SIZE + 65535)
#define CLIENT_STREAMS_GATHER_BYTES (128 << 10)
#define CLIENT_STREAMS_HELD_BYTES   (64u << 20) /* in buffers of all connections together */
#define CLIENT_STREAMS_PEER_BYTES   (8u << 20)	/* of these, for one client */
#define CLIENT_STREAMS_TICK_NS	    (100 * NANOSECONDS_PER_MILLISECOND)
#define CLIENT_STREAMS_PEERS	    32768

struct proxy;

struct acceptor {
	struct client_streams *streams;
	struct loop_event *event;
	int fd;
};

/* A client, as far as its limits go: those that share a place share the limits. */
struct client_streams_peer {
	uint32_t count;
	uint32_t held_bytes;
};

struct client_streams {
	struct proxy *proxy;
	struct client_stream *slots;
	uint32_t room, used, count;
	struct client_stream *free;
	struct client_stream *idle_first, *idle_last;
	struct acceptor acceptors[CONFIG_LISTEN_MAX];
	uint32_t acceptor_count;
	struct loop_event *tick_timer, *accept_timer, *resume_timer;
	struct wheel wheel;
	bool is_ticking;
	struct hash_key key;
	struct client_streams_peer peers[CLIENT_STREAMS_PEERS]; /* by a hash of their address */
	size_t held_bytes;					/* of all ins and outs */
	struct client_stream *resumed, **resumed_last; /* there may be room for what they hold */
	struct client_stream *reading;		       /* its answers gather */
	size_t gathered;
	uint8_t read_bytes[CLIENT_STREAMS_KEPT_BYTES + CLIENT_STREAMS_READ_BYTES];
	uint8_t frame_bytes[CLIENT_STREAMS_FRAME_BYTES];
	uint8_t gather_bytes[CLIENT_STREAMS_GATHER_BYTES];
};

/* tcp_connections of the configuration; NULL when out of memory. */
struct client_streams *client_streams_new(struct proxy *proxy);
void client_streams_free(struct client_streams *streams);

/* Takes clients from a socket that listens; from none any more. */
void client_streams_listen(struct client_streams *streams, int fd);
void client_streams_stop(struct client_streams *streams);

/* At the end of a turn: takes queries that were held up, as there is room for them now; those of
 * very many connections in turns to come. */
void client_streams_resume(struct client_streams *streams);

/* What clients are told of how long they may be idle (RFC 7828), in units of 100 ms. */
uint16_t client_streams_keepalive(const struct client_streams *streams);

/* Whether a client has not taken all of its answers. */
bool client_streams_have_unsent(const struct client_streams *streams);

/* The rest is for client_stream.c. */

struct client_streams_peer *client_streams_peer(struct client_streams *streams,
						const struct address *address);

/* A timer in the wheel: it is turned from now on. */
void client_streams_watch(struct client_streams *streams, struct client_stream *stream,
			  int64_t due_ns);

/* The slot of one that has ended. */
void client_streams_give_back(struct client_stream *stream);

/* Those that are idle may have to make way: the others leave that list, unless they are not in it.
 */
void client_streams_join_idle(struct client_stream *stream);
void client_streams_leave_idle(struct client_stream *stream);

/* Its queries that are held up wait for the end of the turn: who calls is in the middle of answers.
 */
void client_streams_resume_later(struct client_stream *stream);
