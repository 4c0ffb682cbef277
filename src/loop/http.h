/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "loop/loop.h"
#include "net/address.h"
#include "tls/context.h"

/*
 * A server of HTTP/1.1 for small replies that are there at once: evhttp, bounded. A request has no
 * body that counts; its line, its fields and the time that each part takes have limits; what is no
 * plain request is refused, and its connection closed. When there are as many connections as may
 * be, a new one takes the place of the one that has kept the server waiting longest.
 */
struct http_server;
struct http_request;

#define HTTP_LINE_MAX	 4096 /* bytes of the request line, and of any field */
#define HTTP_HEAD_MAX	 12288
#define HTTP_FIELDS_MAX	 64
#define HTTP_BODY_MAX	 1024	    /* is read, and never looked at */
#define HTTP_OPTIONS_MAX 4	    /* fields that a reply adds */
#define HTTP_OUTPUT_MAX	 (32 << 20) /* bytes that wait for all who read; more becomes 503 */

struct http_options {
	int fd;			 /* listens; borrowed */
	struct tls_context *tls; /* borrowed; NULL: plain HTTP */
	uint32_t connections_max;
	uint32_t head_ms;  /* for a request, and for the handshake before the first */
	uint32_t reply_ms; /* for a reply, until the other side has taken it */
	uint32_t idle_ms;  /* between a reply and the next request */
};

extern const struct http_options http_options_default;

/* Called for each request, which it must answer before it returns. */
typedef void (*http_fn)(void *argument, struct http_request *request);

/* Exits when out of memory (start-up). */
struct http_server *http_server_new(struct loop *loop, const struct http_options *options,
				    http_fn fn, void *argument);

/* Cuts all connections. Accepts NULL. */
void http_server_free(struct http_server *server);

struct http_counts {
	uint64_t connections; /* accepted */
	uint64_t requests;    /* handed to fn */
	uint64_t malformed;   /* requests refused before that */
	uint64_t late;	      /* connections cut because something took too long */
	uint64_t displaced;   /* connections cut for newer ones */
	uint32_t open;
};
struct http_counts http_server_counts(const struct http_server *server);

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_DELETE, HTTP_OTHER };

enum http_method http_method(const struct http_request *request);

/* As it was sent, without the query: begins with '/', printable ASCII, nothing is decoded. */
const char *http_path(const struct http_request *request);

/* The first parameter of the query with this name, decoded, into value[size]: returns its length,
 * or -ENOENT, or -EINVAL when it is malformed, holds a NUL or is too long. */
int http_query(const struct http_request *request, const char *name, char *value, size_t size);

/* The field with this name, the first for index 0, or NULL. There is exactly one Host. */
const char *http_field(const struct http_request *request, const char *name, uint32_t index);

/* Who asks. */
const struct address *http_peer(const struct http_request *request);

struct http_option {
	const char *name, *value;
};

struct http_reply {
	int status;
	const char *type; /* of the body; NULL: there is none */
	const void *body; /* copied; not sent in answer to HEAD */
	size_t length;
	struct http_option options[HTTP_OPTIONS_MAX];
	uint32_t delay_ms; /* at least so long it is held back; without a body only */
};

/* Once for each request. */
void http_reply(struct http_request *request, const struct http_reply *reply);
