/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "base/slice.h"

/*
 * Records of variable length from one process to one other, which need not trust each other. Each
 * side writes a memfd of its own that the supervisor keeps, and maps the other's for reading only.
 * What a producer writes there hurts only its own stream; what a consumer writes can only make the
 * ring look full, or let records be overwritten that it has not read. Nobody ever waits.
 *
 * Positions count bytes since the ring was made and only grow. A record is a 64-bit length in host
 * byte order, then the bytes, and begins at a multiple of 8. The data is mapped twice in a row, so
 * that a record is never in two parts.
 */
#define RING_BYTES (8u << 20) /* of data, unless there is a reason */
#define RING_RECORD_MAX                                                          \
	(68u << 10) /* the longest DNS message, and 4 KiB for what is said of it \
		     */
#define RING_CACHE_LINE 64
#define RING_ALIGNMENT	8
#define RING_PUBLISHED	UINT64_MAX /* no position: where the predecessor was seen last */

/* Behind the data in the producer's memory. */
struct ring_head {
	uint64_t head __attribute__((aligned(RING_CACHE_LINE))); /* records end here */
	uint64_t rung; /* the last sleep that the bell was rung for */
};

/* The consumer's memory. The producer looks at sleeps whenever it publishes: not in the line of
 * tail. */
struct ring_tail {
	uint64_t tail __attribute__((aligned(RING_CACHE_LINE)));   /* room before it is free */
	uint64_t sleeps __attribute__((aligned(RING_CACHE_LINE))); /* how often it went to sleep */
};

/*
 * What both sides are lent. The bell is a non-blocking eventfd, or a pipe where they do not trust
 * each other: O_NONBLOCK of an eventfd is one flag for both, and either could clear it.
 */
struct ring_fds {
	int head; /* data and struct ring_head; the consumer's descriptor is read-only */
	int tail; /* struct ring_tail; the producer's descriptor is read-only */
	int bell; /* the producer writes 8 bytes to it; the consumer polls and reads it */
};

/* For memory_create: the producer's part with data_bytes of data. The consumer's is struct
 * ring_tail. */
static inline size_t ring_memory_size(size_t data_bytes)
{
	return data_bytes + sizeof(struct ring_head);
}

static inline uint64_t ring_stride(uint64_t length)
{
	return RING_ALIGNMENT + ((length + RING_ALIGNMENT - 1) & ~(uint64_t)(RING_ALIGNMENT - 1));
}

/*
 * The producer. For each record: ring_reserve, write it, ring_finish. The new position goes into
 * the commit of the step; when a batch is committed, ring_publish. A kill anywhere in between
 * leaves a successor that opens the ring at the committed position, and nothing lost or doubled.
 */
struct ring_producer {
	uint8_t *data;
	struct ring_head *own;
	const struct ring_tail *peer;
	size_t data_bytes;
	uint64_t position; /* where the next record begins */
	uint64_t limit;	   /* how far it may reach, by the tail that was seen last */
	uint64_t rung;
	uint32_t reserved; /* bytes */
	int bell_fd;
};

/*
 * Maps the lent memory, and publishes position. data_bytes is a power of two and whole pages. The
 * descriptors are borrowed: head and tail for the call, the bell until ring_close_producer. Returns
 * 0, or -EINVAL for memory of another size or kind, or -ERANGE for a position that no predecessor
 * can have left.
 */
int ring_open_producer(struct ring_producer *ring, const struct ring_fds *fds, size_t data_bytes,
		       uint64_t position);
void ring_close_producer(struct ring_producer *ring);

/* Looks how far the consumer has come; false when there is still no room. */
bool ring_make_room(struct ring_producer *ring, uint64_t stride);

/* Publishes all finished records, and rings if the consumer sleeps. */
void ring_publish(struct ring_producer *ring);

/* Room for one record of at most length (1 to RING_RECORD_MAX) bytes, 8-byte aligned; NULL when the
 * ring is full. */
static inline uint8_t *ring_reserve(struct ring_producer *ring, uint32_t length)
{
	uint64_t stride = ring_stride(length);

	assert(length && length <= RING_RECORD_MAX);
	if (stride > ring->limit - ring->position && !ring_make_room(ring, stride))
		return NULL;
	ring->reserved = length;
	return ring->data + (ring->position & (ring->data_bytes - 1)) + RING_ALIGNMENT;
}

/* Ends the reserved record, which has length bytes or fewer were reserved. Returns the position
 * behind it. */
static inline uint64_t ring_finish(struct ring_producer *ring, uint32_t length)
{
	uint64_t word = length;

	assert(length && length <= ring->reserved);
	memcpy(ring->data + (ring->position & (ring->data_bytes - 1)), &word, sizeof(word));
	ring->reserved = 0;
	ring->position += ring_stride(length);
	return ring->position;
}

enum ring_result {
	RING_EMPTY,
	RING_RECORD,
	RING_DAMAGED, /* the producer broke the rules: what it had published is skipped */
};

/*
 * The consumer. Takes published bytes into a buffer of its own, as many as fit, and believes only
 * what it finds there. To wait: pop until RING_EMPTY, release, and block on the bell only if
 * ring_sleep says so; read the bell after that, before popping again.
 */
struct ring_consumer {
	const uint8_t *data;
	const struct ring_head *peer;
	struct ring_tail *own;
	size_t data_bytes;
	uint64_t position; /* behind the record that was popped last */
	uint64_t sleeps;
	uint32_t at; /* in the buffer */
	uint32_t filled;
	uint8_t buffer[RING_ALIGNMENT + RING_RECORD_MAX] __attribute__((aligned(RING_CACHE_LINE)));
};

/* As ring_open_producer; position is where a predecessor was done, and is released. The bell is not
 * used. */
int ring_open_consumer(struct ring_consumer *ring, const struct ring_fds *fds, size_t data_bytes,
		       uint64_t position);
void ring_close_consumer(struct ring_consumer *ring);

/* Fills the buffer from position on: RING_RECORD when it then begins with a whole record. */
enum ring_result ring_fetch(struct ring_consumer *ring);

/* Gives the room of all popped records back to the producer: a successor goes on behind them. */
void ring_release(struct ring_consumer *ring);

/* Tells the producer that we sleep. false when there is something to pop by now. */
bool ring_sleep(struct ring_consumer *ring);

/* Anybody: how many records are published behind a position, of the data of a ring that a consumer
 * is lent; 0 when it cannot be looked at, or the position is none of it. */
uint64_t ring_count(int head_fd, size_t data_bytes, uint64_t from);

/* Whether something is published that was not popped. */
bool ring_has_more(const struct ring_consumer *ring);

/* The length of the record that comes next in the buffer; 0 when none is whole and valid there. */
static inline uint64_t ring_next_length(const struct ring_consumer *ring)
{
	uint64_t length;

	if (ring->at == ring->filled)
		return 0;
	memcpy(&length, ring->buffer + ring->at, sizeof(length));
	if (length > RING_RECORD_MAX || ring_stride(length) > ring->filled - ring->at)
		return 0;
	return length;
}

/* Takes the next record: 8-byte aligned, borrowed until the next call. After RING_DAMAGED it goes
 * on with what is published next. */
static inline enum ring_result ring_pop(struct ring_consumer *ring, struct slice *record)
{
	uint64_t length = ring_next_length(ring);

	if (!length) {
		enum ring_result result = ring_fetch(ring);

		if (result != RING_RECORD)
			return result;
		length = ring_next_length(ring);
	}
	*record = (struct slice){ring->buffer + ring->at + RING_ALIGNMENT, length};
	ring->at += (uint32_t)ring_stride(length);
	ring->position += ring_stride(length);
	return RING_RECORD;
}
