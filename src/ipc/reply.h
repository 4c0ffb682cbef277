/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>

/*
 * The answer to a request: a fixed struct, and beside it the descriptor of a sealed memfd that
 * holds a JSON object. So a peer that does not read can neither block the supervisor nor make it
 * keep anything. Without success the object has the member "error", one line.
 */
enum reply_status {
	REPLY_OK = 0,
	REPLY_FAILED = 1,  /* it was tried */
	REPLY_REFUSED = 2, /* the peer has no right to it */
};

struct reply {
	uint32_t status; /* enum reply_status */
	uint32_t length; /* of the text */
};

_Static_assert(sizeof(struct reply) == 8, "a reply has one size");

#define REPLY_BYTES_MAX (4 << 20) /* all rules that a configuration may have, and their counts */

/* Sends without waiting. 0 or -errno. */
int reply_send(int fd, enum reply_status status, const char *text, size_t length);

/*
 * Waits for a reply, at most as long as SO_RCVTIMEO says. *text is terminated and the caller's to
 * free. 0 or -errno: -EPIPE when the other side is gone, -EPROTO when this was no reply, -EAGAIN
 * when the time is over.
 */
int reply_receive(int fd, struct reply *reply, char **text);
