/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Buffers of reassembly: a store of chunks of one size, linked into chains by index. The bytes and
 * the links lie in lent memory that outlives the process; what is free is known to the process
 * alone and found again on open, by marking the chains that committed entries hold.
 *
 * A chunk that is let go in a step may still belong to the committed state until that step is: it
 * waits in limbo and is given out again only in a later step.
 */
#define CHUNK_BYTES 2048
#define CHUNK_NONE  UINT32_MAX

struct chunks {
	uint32_t count;
	uint8_t *bytes; /* lent: count * CHUNK_BYTES */
	uint32_t *next; /* lent: count links */
	uint32_t *free; /* private: a stack */
	uint32_t free_count;
	uint32_t *limbo; /* private: let go in limbo_step */
	uint32_t limbo_count;
	uint64_t limbo_step;
	uint8_t *marks; /* private: taken, for open and for validation */
};

/* Chunks that a chain of length bytes takes. */
static inline uint32_t chunks_spanned(uint64_t length)
{
	return (uint32_t)((length + CHUNK_BYTES - 1) / CHUNK_BYTES);
}

/* Bytes of lent memory for count chunks. */
size_t chunks_memory_size(uint32_t count);

/* Attaches; all chunks are unmarked. Exits when out of memory (start-up). */
void chunks_open(struct chunks *chunks, void *memory, uint32_t count);
void chunks_close(struct chunks *chunks);

/*
 * For open: marks the chain of `length` bytes that begins at head as taken. false, with nothing
 * marked, when the chain leaves the store, loops, or crosses one that is taken. length 0: no chunk
 * (head is CHUNK_NONE or ignored).
 */
bool chunks_mark(struct chunks *chunks, uint32_t head, uint32_t length);
/* The last chunk of a chain that was marked (CHUNK_NONE when it is empty): what a committed tail is
 * held against. */
uint32_t chunks_tail(const struct chunks *chunks, uint32_t head, uint32_t length);
/* Ends marking: what is unmarked becomes free. */
void chunks_sweep(struct chunks *chunks);

/* Chunks that are neither free nor in limbo. */
static inline uint32_t chunks_used(const struct chunks *chunks)
{
	return chunks->count - chunks->free_count - chunks->limbo_count;
}

/* Chunks that can be taken in this step. */
uint32_t chunks_available(struct chunks *chunks, uint64_t step);

/*
 * Appends bytes to a chain that holds length bytes (head and tail are CHUNK_NONE when it is empty);
 * the caller keeps head, tail and length, and commits them. Never writes into what the first length
 * bytes cover. false, and nothing changed, when there are too few chunks.
 */
bool chunks_append(struct chunks *chunks, uint32_t *head, uint32_t *tail, uint32_t length,
		   const uint8_t *bytes, uint32_t more, uint64_t step);

/* Copies length bytes from offset of a chain. */
void chunks_copy(const struct chunks *chunks, uint32_t head, uint32_t offset, uint8_t *out,
		 uint32_t length);

/* Lets the whole chunks go that lie before offset; returns the chunk that holds offset (the new
 * head; CHUNK_NONE at the end), *offset is then relative to it. */
uint32_t chunks_drop_front(struct chunks *chunks, uint32_t head, uint32_t length, uint32_t *offset,
			   uint64_t step);

/* Lets a whole chain of length bytes go. */
void chunks_release(struct chunks *chunks, uint32_t head, uint32_t length, uint64_t step);
