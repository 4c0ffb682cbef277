/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/chunks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static uint8_t *chunk_bytes(const struct chunks *chunks, uint32_t chunk)
{
	return chunks->bytes + (size_t)chunk * CHUNK_BYTES;
}

size_t chunks_memory_size(uint32_t count)
{
	return (size_t)count * (CHUNK_BYTES + sizeof(uint32_t));
}

void chunks_open(struct chunks *chunks, void *memory, uint32_t count)
{
	*chunks = (struct chunks){
		.count = count,
		.bytes = memory,
		.next = (uint32_t *)((uint8_t *)memory + (size_t)count * CHUNK_BYTES),
		.free = xcalloc(count, sizeof(uint32_t)),
		.limbo = xcalloc(count, sizeof(uint32_t)),
		.marks = xcalloc(count, 1),
	};
}

void chunks_close(struct chunks *chunks)
{
	free(chunks->free);
	free(chunks->limbo);
	free(chunks->marks);
	*chunks = (struct chunks){0};
}

static void unmark(struct chunks *chunks, uint32_t chunk, uint32_t count)
{
	for (; count; count--, chunk = chunks->next[chunk])
		chunks->marks[chunk] = 0;
}

bool chunks_mark(struct chunks *chunks, uint32_t head, uint32_t length)
{
	uint32_t count = chunks_spanned(length);
	uint32_t chunk = head;

	for (uint32_t i = 0; i < count; i++) {
		if (chunk >= chunks->count || chunks->marks[chunk]) {
			unmark(chunks, head, i);
			return false;
		}
		chunks->marks[chunk] = 1;
		chunk = chunks->next[chunk];
	}
	return true;
}

uint32_t chunks_tail(const struct chunks *chunks, uint32_t head, uint32_t length)
{
	for (uint32_t count = chunks_spanned(length); count > 1; count--)
		head = chunks->next[head];
	return length ? head : CHUNK_NONE;
}

void chunks_sweep(struct chunks *chunks)
{
	for (uint32_t chunk = chunks->count; chunk--;)
		if (!chunks->marks[chunk])
			chunks->free[chunks->free_count++] = chunk;
}

static void settle(struct chunks *chunks, uint64_t step)
{
	if (!chunks->limbo_count || step <= chunks->limbo_step)
		return;
	memcpy(chunks->free + chunks->free_count, chunks->limbo,
	       chunks->limbo_count * sizeof(*chunks->limbo));
	chunks->free_count += chunks->limbo_count;
	chunks->limbo_count = 0;
}

uint32_t chunks_available(struct chunks *chunks, uint64_t step)
{
	settle(chunks, step);
	return chunks->free_count;
}

static uint32_t take(struct chunks *chunks)
{
	uint32_t chunk = chunks->free[--chunks->free_count];

	chunks->marks[chunk] = 1;
	return chunk;
}

static void let_go(struct chunks *chunks, uint32_t chunk, uint64_t step)
{
	assert(chunk < chunks->count && chunks->marks[chunk]);
	chunks->marks[chunk] = 0;
	chunks->limbo[chunks->limbo_count++] = chunk;
	chunks->limbo_step = step;
}

bool chunks_append(struct chunks *chunks, uint32_t *head, uint32_t *tail, uint32_t length,
		   const uint8_t *bytes, uint32_t more, uint64_t step)
{
	uint32_t need = chunks_spanned((uint64_t)length + more) - chunks_spanned(length);

	if (need > chunks_available(chunks, step))
		return false;
	while (more) {
		uint32_t fill = length % CHUNK_BYTES;
		uint32_t part = more < CHUNK_BYTES - fill ? more : CHUNK_BYTES - fill;

		if (!fill) {
			uint32_t chunk = take(chunks);

			*(length ? &chunks->next[*tail] : head) = chunk;
			*tail = chunk;
		}
		memcpy(chunk_bytes(chunks, *tail) + fill, bytes, part);
		bytes += part;
		length += part;
		more -= part;
	}
	return true;
}

void chunks_copy(const struct chunks *chunks, uint32_t head, uint32_t offset, uint8_t *out,
		 uint32_t length)
{
	for (; length && offset >= CHUNK_BYTES; offset -= CHUNK_BYTES)
		head = chunks->next[head];
	while (length) {
		uint32_t part = length < CHUNK_BYTES - offset ? length : CHUNK_BYTES - offset;

		memcpy(out, chunk_bytes(chunks, head) + offset, part);
		out += part;
		length -= part;
		offset = 0;
		if (length)
			head = chunks->next[head];
	}
}

uint32_t chunks_drop_front(struct chunks *chunks, uint32_t head, uint32_t length, uint32_t *offset,
			   uint64_t step)
{
	assert(*offset <= length);
	settle(chunks, step);
	if (*offset == length) {
		chunks_release(chunks, head, length, step);
		*offset = 0;
		return CHUNK_NONE;
	}
	for (; *offset >= CHUNK_BYTES; *offset -= CHUNK_BYTES) {
		let_go(chunks, head, step);
		head = chunks->next[head];
	}
	return head;
}

void chunks_release(struct chunks *chunks, uint32_t head, uint32_t length, uint64_t step)
{
	settle(chunks, step);
	for (uint32_t count = chunks_spanned(length); count; count--) {
		let_go(chunks, head, step);
		if (count > 1)
			head = chunks->next[head];
	}
}
