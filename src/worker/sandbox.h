/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The system calls that a capture worker may still make; any other kills it. No open, no socket, no
 * setsockopt, no exec. Sanitizer builds use sandbox_none.c. Returns 0 or
 * -errno.
 */
int sandbox_enter(void);
