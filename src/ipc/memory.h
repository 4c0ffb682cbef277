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

/* Is it there (fd < 0: not), and of this size? */
bool memory_has_size(int fd, size_t size);

/* Is it of this size, and sealed as memory_create does? */
bool memory_is_sealed(int fd, size_t size);

/* Maps a lent descriptor whole; NULL when it has not exactly this size or is not sealed. */
void *memory_map(int fd, size_t size, bool is_writable);

/* Maps a descriptor of that size, sealed or not, for memory that is used all over: in huge pages,
 * as far as the kernel has them, so that an access seldom costs a walk of page tables. What is not
 * writable is a view of what nobody writes any more. NULL when it cannot be mapped. */
void *memory_map_huge(int fd, size_t size, bool is_writable);

/* Maps a descriptor read-only, of whatever size it has: *size. NULL, and a size of 0, when it is
 * not there (fd < 0) or empty; NULL alone when it cannot be mapped. munmap() ends it. is_huge: as
 * above. */
void *memory_map_whole(int fd, size_t *size, bool is_huge);

/* A second descriptor of a memfd, read-only: what is lent so cannot be mapped for writing. It or
 * -errno. */
int memory_reopen(int fd);

/*
 * Maps a lent descriptor of data_bytes (a power of two and whole pages) and tail_bytes behind them:
 * the data, the same data, and the tail, in one piece of address space, so that what wraps around
 * is in one part. NULL as above. memory_unmap_twice accepts NULL.
 */
void *memory_map_twice(int fd, size_t data_bytes, size_t tail_bytes, bool is_writable);
void memory_unmap_twice(const void *data, size_t data_bytes, size_t tail_bytes);
