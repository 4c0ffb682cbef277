/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>

/*
 * The system calls that a worker may still make; any other kills it. No open, no exec; a capture
 * worker has no socket and no setsockopt either. has_proxy: it may make UDP and TCP sockets of its
 * own, connect them, accept connections, and send by all descriptors from CHILD_FD_LISTEN on.
 * Sanitizer builds use sandbox_none.c. Returns 0 or -errno.
 */
int sandbox_enter(bool has_proxy);
