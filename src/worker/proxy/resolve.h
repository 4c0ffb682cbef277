/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "worker/proxy/proxy.h"

/*
 * Questions that a rule gives to upstream servers: from the cache, or with those who wait for the
 * same answer, or asked anew, of the servers and in the order that the rule names.
 */

/* Answers it, now or later. asker: borrowed. name: to resolve, wire form in lower case; type and
 * class as in proxy->query. */
void resolve_ask(struct proxy *proxy, const struct asker *asker, struct slice name, uint32_t group);

/* One message of a server: through one of its sockets, or NULL over TCP. message may be changed. */
void resolve_on_message(struct proxy *proxy, struct server *server, struct server_socket *socket,
			uint8_t *message, size_t length);

/* The connection to a server is gone: what waits for it is asked anew, or elsewhere. has_worked:
 * something had been answered through it. */
void resolve_on_stream_end(struct proxy *proxy, struct server *server, bool has_worked);

/* A timer of the wheel is due: that of a struct pending. */
void resolve_on_due(struct proxy *proxy, struct wheel_timer *timer);
