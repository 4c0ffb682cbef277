/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "net/address.h"
#include "worker/proxy/client.h"
#include "worker/proxy/wheel.h"

/*
 * A client over TCP (RFC 7766): several of its queries wait at one time, answers go out as they
 * come. A connection is a slot of a table (client_streams.h); its generation tells a client that
 * waits for an answer whether the slot is still its own. An idle one costs its struct, an event and
 * its socket; buffers exist while a query is incomplete or an answer is not taken. Who writes or
 * reads too slowly is closed.
 */

#define CLIENT_STREAM_QUERY_MS 2000 /* a query that has begun is to be complete */
#define CLIENT_STREAM_READ_MS  4000 /* an answer is to be taken, at least some of it */
#define CLIENT_STREAM_OUT_BYTES \
	(256 << 10)		     /* of answers that are not taken: then nothing is read */
#define CLIENT_STREAM_QUERY_MAX 4096 /* octets; who sends a longer query is closed */

struct client_streams;
struct client_streams_peer;
struct loop_event;

enum client_stream_wait { WAIT_IDLE, WAIT_QUERY, WAIT_ANSWERS, WAIT_READER };

struct client_stream {
	struct wheel_timer timer;
	struct client_streams *owner;
	struct client_streams_peer *peer; /* its client */
	int64_t opened_ns;
	struct loop_event *reader, *writer;
	union client_address from;
	struct address address;
	struct endpoint asked; /* its other end */
	int fd;		       /* -1: free */
	uint32_t generation;
	uint16_t waiting; /* queries, for answers */
	bool is_closing;  /* the client has said all: it is closed when all is answered */
	bool is_held_up;  /* whole queries lie in "in" until there is room for them */
	uint8_t wait;	  /* enum client_stream_wait: what the timer measures */
	uint8_t *in;	  /* the beginning of a query, or queries that are more than may wait */
	uint32_t in_length;
	uint8_t *out; /* answers, from out_at on those that the client has not taken */
	uint32_t out_at, out_length, out_size;
	struct client_stream *next, *previous; /* free ones; those in use, the longest idle first */
	struct client_stream *next_resumed;
	bool is_resumed; /* stands in that list */
};

/* Takes a slot that is free: reads from fd, which it owns. */
void client_stream_open(struct client_stream *stream, struct client_streams *owner, int fd,
			const union client_address *from);
void client_stream_close(struct client_stream *stream);

/* Sends an answer. False when the connection is gone. */
bool client_stream_send(const struct client *client, const uint8_t *message, size_t length);

/* A query of it waits for an answer, or does not any more. Harmless when the connection is gone. */
void client_stream_hold(const struct client *client);
void client_stream_release(const struct client *client);

/* Takes queries that were held up, if there is room for them now. */
void client_stream_resume(struct client_stream *stream);
