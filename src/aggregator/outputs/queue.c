/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/queue.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "aggregator/outputs/format.h"
#include "ipc/memory.h"

#define LENGTH_BYTES sizeof(uint64_t)

static uint64_t stride_of(uint64_t length)
{
	return LENGTH_BYTES + ((length + LENGTH_BYTES - 1) & ~(LENGTH_BYTES - 1));
}

static uint8_t *at_position(const struct queue *queue, uint64_t position)
{
	return queue->data + (position & (queue->bytes - 1));
}

int queue_open(struct queue *queue, int fd, size_t bytes, uint64_t *head, uint64_t *tail)
{
	*queue = (struct queue){.bytes = bytes, .head = head, .tail = tail};
	if ((*head | *tail) % LENGTH_BYTES || *head - *tail > bytes)
		return -ERANGE;
	queue->data = memory_map_twice(fd, bytes, 0, true);
	return queue->data ? 0 : -EINVAL;
}

void queue_close(struct queue *queue)
{
	memory_unmap_twice(queue->data, queue->bytes, 0);
	queue->data = NULL;
}

uint8_t *queue_reserve(struct queue *queue, size_t length)
{
	if (stride_of(length) > queue->bytes - (*queue->head - *queue->tail))
		return NULL;
	queue->reserved = length;
	return at_position(queue, *queue->head) + LENGTH_BYTES;
}

void queue_push(struct queue *queue, size_t length)
{
	const uint64_t word = length;

	assert(length && length <= queue->reserved);
	memcpy(at_position(queue, *queue->head), &word, sizeof(word));
	queue->reserved = 0;
	*queue->head += stride_of(length);
}

int queue_peek(const struct queue *queue, uint64_t from, struct iovec *records, int count,
	       size_t bytes, uint64_t *next)
{
	size_t taken = 0;
	int found = 0;

	for (; found < count && taken < bytes && from != *queue->head; found++) {
		uint8_t *at = at_position(queue, from);
		uint64_t left = *queue->head - from, length;

		memcpy(&length, at, sizeof(length));
		if (!length || length > FORMAT_RECORD_MAX || stride_of(length) > left)
			return -EBADMSG;
		records[found] = (struct iovec){at + LENGTH_BYTES, length};
		taken += length;
		from += stride_of(length);
	}
	*next = from;
	return found;
}

void queue_pop(struct queue *queue, uint64_t next)
{
	assert(next - *queue->tail <= *queue->head - *queue->tail);
	*queue->tail = next;
}
