/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "net/address.h"

/*
 * DNS messages over one TCP connection to a server (RFC 7766): opened when something is to be sent,
 * closed by the other side, or when that takes nothing for a while.
 */

#define SERVER_STREAM_OUT_BYTES (1 << 20) /* at most */
#define SERVER_STREAM_IN_BYTES	(2 + 65535)

struct loop;
struct loop_event;
struct server_stream;

struct server_stream_ops {
	/* Messages that came together: before the first, each, behind the last. */
	void (*on_begin)(void *argument);
	void (*on_message)(void *argument, uint8_t *message, size_t length);
	void (*on_done)(void *argument);
	/* The connection is gone, and with it what was not answered. has_worked: at least one
	 * message had come. */
	void (*on_end)(void *argument, bool has_worked);
};

struct server_stream {
	struct loop *loop;
	struct endpoint endpoint;
	const struct server_stream_ops *ops;
	void *argument;
	int fd; /* -1: not open */
	bool is_connected;
	bool has_worked;
	struct loop_event *reader, *writer;
	uint8_t *in, *out; /* while it is open */
	size_t in_length;
	size_t out_at, out_length, out_size; /* from out_at on it has not left */
};

void server_stream_init(struct server_stream *stream, struct loop *loop,
			const struct endpoint *endpoint, const struct server_stream_ops *ops,
			void *argument);

enum server_stream_taken {
	SERVER_STREAM_TAKEN,
	SERVER_STREAM_FULL, /* too much waits already */
	SERVER_STREAM_UNREACHABLE,
};

/* Takes a message, and opens the connection if there is none. */
enum server_stream_taken server_stream_send(struct server_stream *stream, struct slice message);

/* Sends what was taken; nobody is called back from here. */
void server_stream_flush(struct server_stream *stream);

static inline bool server_stream_is_open(const struct server_stream *stream)
{
	return stream->fd >= 0;
}

/* Without a word to anybody. */
void server_stream_close(struct server_stream *stream);
