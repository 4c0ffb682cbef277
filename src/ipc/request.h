/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>

/*
 * What dnsflowctl asks of the supervisor: a SOCK_SEQPACKET unix socket, on which a connection
 * carries one request and one reply (ipc/reply.h) and then ends. In host byte order; the numbers
 * stay.
 */
enum request_type {
	REQUEST_STATUS = 1,
	REQUEST_STATS = 2,
	REQUEST_LEDGER = 3,
	REQUEST_RELOAD = 4, /* the reply comes when it is done */
	REQUEST_UPGRADE = 5,
	REQUEST_LOG = 6, /* argument: enum log_level */
	REQUEST_QUARANTINE = 7,
	REQUEST_FLUSH = 8, /* text: a name as it is written; without: all */
	REQUEST_RULES = 9,
};

struct request {
	uint32_t type; /* enum request_type */
	uint32_t argument;
};

_Static_assert(sizeof(struct request) == 8, "a request without a text has one size");

#define REQUEST_TEXT_MAX 1024 /* with its NUL, which is not sent */

/* text: behind the request, for a type that takes one; NULL or "": none. 0 or -errno: -EMSGSIZE
 * when it is too long. */
int request_send(int fd, const struct request *request, const char *text);

/*
 * Takes one without waiting, and its text into text[REQUEST_TEXT_MAX], "" when there is none.
 * Returns 1, or 0 at the end (the peer is gone, or sent something that is no request: the same to
 * us), or -EAGAIN when there is none. Descriptors sent along are dropped.
 */
int request_receive(int fd, struct request *request, char *text);
