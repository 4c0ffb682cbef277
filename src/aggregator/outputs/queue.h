/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Formatted records that wait for an output, in memory that outlives the process: bytes in a ring,
 * mapped twice in a row so that no record is in two parts. A record is a 64-bit length, then the
 * bytes, and begins at a multiple of 8. Positions only grow; those that count are in the output's
 * account. Never blocks: a full queue refuses.
 */
struct queue {
	uint8_t *data;
	size_t bytes;	       /* a power of two and whole pages */
	uint64_t *head, *tail; /* in the account */
	size_t reserved;
};

/* Maps a lent memfd of exactly so many bytes. head and tail are borrowed: positions that a
 * predecessor committed. 0 or -errno: -EINVAL for another size, -ERANGE for positions that cannot
 * be. */
int queue_open(struct queue *queue, int fd, size_t bytes, uint64_t *head, uint64_t *tail);
void queue_close(struct queue *queue);

/* Room for one record of at most length bytes, or NULL when the queue is full. queue_push ends it
 * with what it has. */
uint8_t *queue_reserve(struct queue *queue, size_t length);
void queue_push(struct queue *queue, size_t length);

/* Points at the first records behind from (tail, or what an earlier call returned), without their
 * lengths: at most count of them and not much more than bytes together. *next is the position
 * behind them. Returns how many; -EBADMSG when the queue is damaged there. */
int queue_peek(const struct queue *queue, uint64_t from, struct iovec *records, int count,
	       size_t bytes, uint64_t *next);

/* Frees all up to next. */
void queue_pop(struct queue *queue, uint64_t next);

static inline bool queue_is_empty(const struct queue *queue)
{
	return *queue->head == *queue->tail;
}
