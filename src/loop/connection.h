/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "loop/loop.h"
#include "net/address.h"
#include "tls/context.h"

/*
 * A stream to a server that is kept up: connects without waiting (at most 5 s, TLS included), and
 * after a loss or a refusal again, after 100 ms doubling to pause_most_ns, half of it by chance.
 * What the server sends is read and thrown away. Only bytes that its kernel has acknowledged are
 * safe: all others the caller must be able to send again. SIGPIPE must be ignored.
 */
struct connection;

#define CONNECTION_UNSENT_MAX (256u << 10)

struct connection_ops {
	void (*on_up)(void *argument);
	/* There is much room again. */
	void (*on_room)(void *argument);
	/* It was lost, or an attempt failed; all that is not acknowledged counts as not sent. */
	void (*on_down)(void *argument, const char *reason);
};

/* What it is for; all borrowed until connection_free. */
struct connection_plan {
	struct endpoint endpoint;
	const char *path;	 /* of a unix stream socket, instead of endpoint; or NULL */
	struct tls_context *tls; /* or NULL */
	const char *server_name; /* with tls: name or address that the certificate must have */
	int64_t pause_most_ns;
	const struct connection_ops *ops;
	void *argument;
};

/* Begins to connect in the next turn of the loop. Exits when out of memory. */
struct connection *connection_new(struct loop *loop, const struct connection_plan *plan);

/* Closes it: what was written is still sent as far as the kernel has it. Accepts NULL. Not from
 * within its own callbacks. */
void connection_free(struct connection *connection);

/* How many bytes connection_write takes now; 0 when it is not up. */
size_t connection_room(const struct connection *connection);

/* Copies all parts, or nothing: false when they are more than connection_room. */
bool connection_write(struct connection *connection, const struct iovec *parts, int count);

/* Of the bytes written since it came up, how many the server's kernel (a unix socket: its process)
 * may not have yet. SIZE_MAX when that is not known, since the other side is going. */
size_t connection_unacknowledged(const struct connection *connection);
