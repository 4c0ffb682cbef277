/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/run.h"

struct head {
	uint32_t length;
	uint32_t pieces;
};

bool run_mark(struct chunks *chunks, struct run *run, uint64_t *bytes, uint64_t *pieces)
{
	struct chain_walk walk;
	struct head head = {.length = run->left, .pieces = run->left ? run->pieces : 0};
	bool is_sound;

	if (!chain_mark(chunks, &run->chain))
		return false;
	walk = chain_walk(&run->chain);
	is_sound = head.pieces <= RUN_PIECES_MAX && chain_read(chunks, &walk, NULL, head.length);
	*bytes = head.length;
	*pieces = head.pieces;
	while (is_sound && walk.left) {
		is_sound = chain_read(chunks, &walk, &head, sizeof(head)) && head.length &&
			   head.pieces <= RUN_PIECES_MAX &&
			   chain_read(chunks, &walk, NULL, head.length);
		*bytes += head.length;
		*pieces += head.pieces;
	}
	if (!is_sound)
		chain_unmark(chunks, &run->chain);
	return is_sound;
}

bool run_append(struct chunks *chunks, struct run *run, struct slice bytes, uint32_t pieces,
		uint64_t step)
{
	struct head head = {(uint32_t)bytes.length, pieces};
	struct chain *chain = &run->chain;
	uint32_t end = chain->end + (uint32_t)sizeof(head) + head.length;

	if (chunks_spanned(end) - chunks_spanned(chain->end) > chunks_available(chunks, step))
		return false;
	return chain_append(chunks, chain, &head, sizeof(head), step) &&
	       chain_append(chunks, chain, bytes.data, head.length, step);
}

static void open_record(struct chunks *chunks, struct run *run, uint64_t step)
{
	struct head head;

	if (run->left)
		return;
	chain_take(chunks, &run->chain, &head, sizeof(head), step);
	run->left = head.length;
	run->pieces = head.pieces;
}

uint32_t run_take(struct chunks *chunks, struct run *run, uint8_t *out, uint32_t length,
		  uint64_t step)
{
	uint32_t ended = 0;

	while (length) {
		uint32_t part;

		open_record(chunks, run, step);
		part = length < run->left ? length : run->left;
		chain_take(chunks, &run->chain, out, part, step);
		run->left -= part;
		if (!run->left)
			ended += run->pieces;
		out += part;
		length -= part;
	}
	return ended;
}

uint32_t run_skip(struct chunks *chunks, struct run *run, uint32_t *pieces, uint64_t step)
{
	uint32_t length;

	open_record(chunks, run, step);
	length = run->left;
	*pieces = run->pieces;
	chain_take(chunks, &run->chain, NULL, length, step);
	run->left = 0;
	return length;
}

void run_peek(const struct chunks *chunks, const struct run *run, uint8_t *out, uint32_t length)
{
	struct chain_walk walk = chain_walk(&run->chain);
	struct head head = {.length = run->left};

	while (length) {
		uint32_t part;

		if (!head.length)
			chain_read(chunks, &walk, &head, sizeof(head));
		part = length < head.length ? length : head.length;
		chain_read(chunks, &walk, out, part);
		head.length -= part;
		out += part;
		length -= part;
	}
}

void run_release(struct chunks *chunks, struct run *run, uint64_t step)
{
	chain_release(chunks, &run->chain, step);
	*run = (struct run){0};
}
