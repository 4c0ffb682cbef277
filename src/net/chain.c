/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/chain.h"

#include <assert.h>

bool chain_mark(struct chunks *chunks, struct chain *chain)
{
	if (chain->offset > chain->end || chain->offset >= CHUNK_BYTES ||
	    (chain->offset == chain->end && chain->end) ||
	    !chunks_mark(chunks, chain->head, chain->end))
		return false;
	chain->tail = chunks_tail(chunks, chain->head, chain->end);
	return true;
}

void chain_unmark(struct chunks *chunks, const struct chain *chain)
{
	uint32_t chunk = chain->head;

	for (uint32_t count = chunks_spanned(chain->end); count; count--) {
		chunks->marks[chunk] = 0;
		chunk = chunks->next[chunk];
	}
}

bool chain_append(struct chunks *chunks, struct chain *chain, const void *bytes, uint32_t length,
		  uint64_t step)
{
	if (!chunks_append(chunks, &chain->head, &chain->tail, chain->end, bytes, length, step))
		return false;
	chain->end += length;
	return true;
}

void chain_take(struct chunks *chunks, struct chain *chain, void *out, uint32_t length,
		uint64_t step)
{
	uint32_t offset = chain->offset + length;

	assert(length <= chain_length(chain));
	if (out)
		chunks_copy(chunks, chain->head, chain->offset, out, length);
	if (offset == chain->end) {
		chain_release(chunks, chain, step);
		return;
	}
	chain->offset = offset;
	chain->head = chunks_drop_front(chunks, chain->head, chain->end, &chain->offset, step);
	chain->end -= offset - chain->offset;
}

void chain_release(struct chunks *chunks, struct chain *chain, uint64_t step)
{
	chunks_release(chunks, chain->head, chain->end, step);
	*chain = (struct chain){0};
}

struct chain_walk chain_walk(const struct chain *chain)
{
	return (struct chain_walk){chain->head, chain->offset, chain_length(chain)};
}

bool chain_read(const struct chunks *chunks, struct chain_walk *walk, void *out, uint32_t length)
{
	if (length > walk->left)
		return false;
	if (!length)
		return true;
	for (; walk->offset >= CHUNK_BYTES; walk->offset -= CHUNK_BYTES)
		walk->chunk = chunks->next[walk->chunk];
	if (out)
		chunks_copy(chunks, walk->chunk, walk->offset, out, length);
	walk->offset += length;
	walk->left -= length;
	return true;
}
