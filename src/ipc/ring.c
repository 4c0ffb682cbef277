/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/ring.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipc/commit.h"
#include "ipc/memory.h"

/*
 * Head and tail are published by release stores and read by acquire loads. Sleeping needs more: the
 * producer stores head and then loads sleeps, the consumer stores sleeps and then loads head, and
 * at least one must see the other's store. All four are sequentially consistent for that. The
 * number of a sleep is never used again, so the producer needs no write to claim it: it rings when
 * the number differs from that of the last ring, and notes it after the ring, as a kill in between
 * may cost a ring too many but none too few.
 */

#define ALIGNED (~(uint64_t)(RING_ALIGNMENT - 1)) /* a mask of positions */

/* Where to go on: where the predecessor was seen last, or at *position, which is ahead of that by a
 * ring at most. */
static bool resume(uint64_t published, size_t data_bytes, uint64_t *position)
{
	published &= ALIGNED;
	if (*position == RING_PUBLISHED)
		*position = published;
	return !(*position & ~ALIGNED) && *position - published <= data_bytes;
}

int ring_open_producer(struct ring_producer *ring, const struct ring_fds *fds, size_t data_bytes,
		       uint64_t position)
{
	int error = -EINVAL;

	*ring = (struct ring_producer){.data_bytes = data_bytes, .bell_fd = fds->bell};
	ring->data = memory_map_twice(fds->head, data_bytes, sizeof(struct ring_head), true);
	ring->peer = memory_map(fds->tail, sizeof(*ring->peer), false);
	if (!ring->data || !ring->peer)
		goto fail;
	ring->own = (struct ring_head *)(ring->data + 2 * data_bytes);
	error = -ERANGE;
	if (!resume(ring->own->head, data_bytes, &position))
		goto fail;
	ring->position = ring->limit = position;
	ring->rung = ring->own->rung;
	ring_publish(ring);
	return 0;
fail:
	ring_close_producer(ring);
	return error;
}

void ring_close_producer(struct ring_producer *ring)
{
	memory_unmap_twice(ring->data, ring->data_bytes, sizeof(struct ring_head));
	if (ring->peer)
		munmap((void *)ring->peer, sizeof(*ring->peer));
	*ring = (struct ring_producer){.bell_fd = -1};
}

bool ring_make_room(struct ring_producer *ring, uint64_t stride)
{
	uint64_t tail = __atomic_load_n(&ring->peer->tail, __ATOMIC_ACQUIRE);
	uint64_t used = ring->position - tail;

	if (used > ring->data_bytes) /* a tail that lies */
		used = ring->data_bytes;
	ring->limit = ring->position + (ring->data_bytes - used);
	return stride <= ring->limit - ring->position;
}

void ring_publish(struct ring_producer *ring)
{
	const uint64_t one = 1;
	uint64_t sleeps;

	__atomic_store_n(&ring->own->head, ring->position, __ATOMIC_SEQ_CST);
	sleeps = __atomic_load_n(&ring->peer->sleeps, __ATOMIC_SEQ_CST);
	if (sleeps == ring->rung)
		return;
	if (write(ring->bell_fd, &one, sizeof(one)) > 0 || errno == EAGAIN) { /* full: it rings */
		ring->rung = sleeps;
		__atomic_store_n(&ring->own->rung, sleeps, __ATOMIC_RELAXED);
	}
}

int ring_open_consumer(struct ring_consumer *ring, const struct ring_fds *fds, size_t data_bytes,
		       uint64_t position)
{
	int error = -EINVAL;

	*ring = (struct ring_consumer){.data_bytes = data_bytes};
	ring->data = memory_map_twice(fds->head, data_bytes, sizeof(struct ring_head), false);
	ring->own = memory_map(fds->tail, sizeof(*ring->own), true);
	if (!ring->data || !ring->own)
		goto fail;
	ring->peer = (const struct ring_head *)(ring->data + 2 * data_bytes);
	error = -ERANGE;
	if (!resume(ring->own->tail, data_bytes, &position))
		goto fail;
	ring->position = position;
	ring->sleeps = ring->own->sleeps;
	ring_release(ring);
	return 0;
fail:
	ring_close_consumer(ring);
	return error;
}

void ring_close_consumer(struct ring_consumer *ring)
{
	memory_unmap_twice(ring->data, ring->data_bytes, sizeof(struct ring_head));
	if (ring->own)
		munmap(ring->own, sizeof(*ring->own));
	*ring = (struct ring_consumer){0};
}

enum ring_result ring_fetch(struct ring_consumer *ring)
{
	uint64_t head = __atomic_load_n(&ring->peer->head, __ATOMIC_ACQUIRE) & ALIGNED;
	uint64_t available = head - ring->position;

	ring->at = ring->filled = 0;
	if (!available)
		return RING_EMPTY;
	if (available <= ring->data_bytes) {
		ring->filled = (uint32_t)(available < sizeof(ring->buffer) ? available
									   : sizeof(ring->buffer));
		memcpy(ring->buffer, ring->data + (ring->position & (ring->data_bytes - 1)),
		       ring->filled);
		COMMIT_BARRIER(); /* from here on nothing is read from the ring itself */
		if (ring_next_length(ring))
			return RING_RECORD;
		ring->filled = 0;
	}
	ring->position = head;
	return RING_DAMAGED;
}

void ring_release(struct ring_consumer *ring)
{
	__atomic_store_n(&ring->own->tail, ring->position, __ATOMIC_RELEASE);
}

bool ring_sleep(struct ring_consumer *ring)
{
	__atomic_store_n(&ring->own->sleeps, ++ring->sleeps, __ATOMIC_SEQ_CST);
	return (__atomic_load_n(&ring->peer->head, __ATOMIC_SEQ_CST) & ALIGNED) == ring->position;
}

bool ring_has_more(const struct ring_consumer *ring)
{
	return (__atomic_load_n(&ring->peer->head, __ATOMIC_ACQUIRE) & ALIGNED) != ring->position;
}

uint64_t ring_count(int head_fd, size_t data_bytes, uint64_t from)
{
	const uint8_t *data =
		memory_map_twice(head_fd, data_bytes, sizeof(struct ring_head), false);
	uint64_t head, length, count = 0;

	if (!data)
		return 0;
	head = __atomic_load_n(&((const struct ring_head *)(data + 2 * data_bytes))->head,
			       __ATOMIC_ACQUIRE) &
	       ALIGNED;
	for (uint64_t at = from; head - at && head - at <= data_bytes; count++) {
		memcpy(&length, data + (at & (data_bytes - 1)), sizeof(length));
		if (length > RING_RECORD_MAX)
			break;
		at += ring_stride(length);
	}
	memory_unmap_twice(data, data_bytes, sizeof(struct ring_head));
	return count;
}
