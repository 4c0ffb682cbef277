/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>

/*
 * The system calls that a worker may still make; any other kills it. No open, no exec; a capture
 * worker has no socket and no setsockopt either. has_proxy: it may make UDP and TCP sockets of its
 * own, and connect them; accept connections; and receive and send by its own sockets and by the UDP
 * sockets that it is lent. To change those that it is lent it has no call: its own are told by
 * their numbers, so child_fill_numbers() comes before. Sanitizer builds use sandbox_none.c. Returns
 * 0 or -errno.
 */
int sandbox_enter(bool has_proxy);
