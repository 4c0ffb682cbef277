/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Records that the queue of an output has no room for, in a file of bounded size that is used as a
 * ring. Each has its length and a checksum in front of it (host byte order), so that what a disk
 * lost is found out. First in, first out: while something is spooled, new records go behind it.
 * Positions only grow; those that count are in the output's account, so that a successor goes on.
 * Only pread and pwrite: it may wait for the disk, never for anything else.
 */
struct spool {
	int fd;
	uint64_t bytes;
	uint64_t *head, *tail; /* in the account */
};

/* Takes over a lent file, which may be used for so many bytes. head and tail are borrowed, fd stays
 * the caller's. 0, or -ERANGE for positions that cannot be. */
int spool_open(struct spool *spool, int fd, uint64_t bytes, uint64_t *head, uint64_t *tail);

/* False when there is no room, or the disk has none or fails: nothing has changed then. */
bool spool_push(struct spool *spool, const void *record, size_t length);

enum spool_result {
	SPOOL_EMPTY,
	SPOOL_RECORD,
	SPOOL_DAMAGED, /* one record was skipped */
	SPOOL_LOST,    /* and all behind it: where they begin is not known any more */
	SPOOL_FAILED,  /* the disk fails: try again later */
	SPOOL_NO_ROOM, /* the record is longer than size; it stays */
};

/* Takes the oldest record into buffer[size] and sets *length. */
enum spool_result spool_pull(struct spool *spool, void *buffer, size_t size, size_t *length);

static inline bool spool_is_empty(const struct spool *spool)
{
	return *spool->head == *spool->tail;
}
