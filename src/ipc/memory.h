/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/*
 * Shared memory that outlives processes: a memfd, allocated at once (so that no access can fail
 * later) and sealed against shrinking and growing. The supervisor makes it and lends the
 * descriptor.
 */

/* Returns the descriptor, close-on-exec, or -errno. */
int memory_create(const char *name, size_t size);

/* Maps a lent descriptor whole; NULL when it has not exactly this size or is not sealed. */
void *memory_map(int fd, size_t size, bool is_writable);
