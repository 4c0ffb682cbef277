/* SPDX-License-Identifier: BSD-3-Clause */
/* Random runs against a model that keeps one mark per byte and moves whole datagrams about. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "net/fragments.h"

#define BYTES_MAX   12000
#define STEPS	    100000
#define CHUNK_BYTES 2048u

static const struct fragments_limits limits = {
	.entry_count = 5, .buffer_bytes = 6 * CHUNK_BYTES, .piece_count = 6, .timeout_ns = 1500};

struct datagram {
	uint32_t id;
	int64_t first_ns;
	uint32_t piece_count; /* 0: discarded */
	uint32_t bytes;
	uint32_t end;
	uint8_t owner[BYTES_MAX]; /* number of the piece, from 1 on */
};

/* Oldest first. */
struct model {
	struct datagram datagrams[8];
	uint32_t count;
	struct piece_counts counts;
};

static struct model model;
static uint8_t pattern[BYTES_MAX + 64];

static uint32_t chunks_of(uint32_t bytes)
{
	return (bytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
}

static void model_remove(uint32_t at, uint32_t *count)
{
	*count += model.datagrams[at].piece_count;
	model.count--;
	memmove(&model.datagrams[at], &model.datagrams[at + 1],
		(model.count - at) * sizeof(struct datagram));
}

static void model_discard(struct datagram *datagram, enum piece_cause cause)
{
	model.counts.dropped[cause] += datagram->piece_count + 1;
	datagram->piece_count = datagram->bytes = 0;
}

static struct datagram *model_find(uint32_t id)
{
	for (uint32_t i = 0; i < model.count; i++)
		if (model.datagrams[i].id == id)
			return &model.datagrams[i];
	return NULL;
}

static bool model_evict_bytes(const struct packet *piece)
{
	uint32_t more = (uint32_t)piece->payload.length;
	struct datagram *own = model_find(piece->fragment_id);
	uint32_t need = chunks_of((own ? own->bytes : 0) + more), used;

	if (need > 6)
		return false;
	do {
		used = need;
		own = model_find(piece->fragment_id);
		for (uint32_t i = 0; i < model.count; i++)
			used += &model.datagrams[i] == own ? 0
							   : chunks_of(model.datagrams[i].bytes);
		if (used > 6)
			model_remove(own == model.datagrams, &model.counts.dropped[PIECE_BYTES]);
	} while (used > 6);
	return true;
}

static struct datagram *model_begin(uint32_t id, int64_t now_ns)
{
	struct datagram *datagram;

	while (model.count >= limits.entry_count)
		model_remove(0, &model.counts.dropped[PIECE_ENTRIES]);
	datagram = &model.datagrams[model.count++];
	*datagram = (struct datagram){.id = id, .first_ns = now_ns};
	return datagram;
}

static bool is_contradicted(const struct datagram *datagram, uint32_t end)
{
	for (uint32_t i = end; i < BYTES_MAX; i++)
		if (datagram->owner[i])
			return true;
	return datagram->end;
}

/* Returns the length of the datagram when that is complete. */
static uint32_t model_add(const struct packet *piece, int64_t now_ns)
{
	uint32_t start = piece->fragment_offset, length = (uint32_t)piece->payload.length;
	uint32_t end = start + length, owned = 0, others = 0, last;
	struct datagram *datagram = model_find(piece->fragment_id);
	uint8_t owner;

	model.counts.in++;
	if (datagram && now_ns - datagram->first_ns > limits.timeout_ns) {
		model_remove((uint32_t)(datagram - model.datagrams),
			     &model.counts.dropped[PIECE_AGE]);
		datagram = NULL;
	}
	if (!length || (piece->more_fragments && length % 8)) {
		model.counts.dropped[PIECE_INVALID]++;
		return 0;
	}
	if (datagram && !datagram->piece_count) {
		model.counts.dropped[PIECE_OVERLAP]++;
		return 0;
	}
	owner = datagram ? datagram->owner[start] : 0;
	for (uint32_t i = 0; datagram && i < BYTES_MAX; i++) {
		owned += i >= start && i < end && datagram->owner[i];
		others += (datagram->owner[i] == owner) != (i >= start && i < end);
	}
	if (owned && owner && !others) {
		model.counts.dropped[PIECE_DUPLICATE]++;
		return 0;
	}
	if (owned) {
		model_discard(datagram, PIECE_OVERLAP);
		return 0;
	}
	if (datagram && !piece->more_fragments && is_contradicted(datagram, end)) {
		model_discard(datagram, PIECE_INVALID);
		return 0;
	}
	if (datagram && datagram->end && end > datagram->end) {
		model.counts.dropped[PIECE_INVALID]++;
		return 0;
	}
	last = piece->more_fragments ? (datagram ? datagram->end : 0) : end;
	if (last && (datagram ? datagram->bytes : 0) + length == last) {
		model.counts.used++;
		if (datagram)
			model_remove((uint32_t)(datagram - model.datagrams), &model.counts.used);
		return last;
	}
	if (datagram && datagram->piece_count == limits.piece_count) {
		model_discard(datagram, PIECE_INVALID);
		return 0;
	}
	if (!model_evict_bytes(piece)) {
		model.counts.dropped[PIECE_BYTES]++;
		return 0;
	}
	datagram = model_find(piece->fragment_id);
	if (!datagram)
		datagram = model_begin(piece->fragment_id, now_ns);
	memset(datagram->owner + start, (int)++datagram->piece_count, length);
	datagram->bytes += length;
	datagram->end = last;
	return 0;
}

static void model_expire(int64_t now_ns)
{
	while (model.count && now_ns - model.datagrams[0].first_ns > limits.timeout_ns)
		model_remove(0, &model.counts.dropped[PIECE_AGE]);
}

/* A piece of one of the ways to cut datagrams; now and then, of none. */
static struct packet random_piece(void)
{
	static const uint32_t sizes[] = {8, 16, 80, 512, 1480, 2048};
	struct packet piece = {.source = {{1}, 4}, .destination = {{2}, 4}, .protocol = 17};
	uint32_t id = (uint32_t)(rand() % 8 & rand()), size = sizes[id % 6];
	uint32_t place = (uint32_t)rand() % 4;

	piece.fragment_id = id;
	piece.fragment_offset = place * size;
	piece.more_fragments = place != 3;
	piece.payload.length = place == 3 ? size / 2 + 1 : size;
	if (rand() % 100 == 0)
		piece.fragment_offset = 8 * ((uint32_t)rand() % 20);
	if (rand() % 100 == 0)
		piece.payload.length = (uint32_t)rand() % 30;
	if (rand() % 100 == 0)
		piece.more_fragments = !piece.more_fragments;
	piece.payload.data = pattern + id + piece.fragment_offset;
	return piece;
}

static void test_fragments_behave_like_the_model(void **state)
{
	static const struct hash_key key = {{3, 4}};
	size_t size = (fragments_memory_size(&limits) + 63) & ~(size_t)63;
	uint8_t *memory = aligned_alloc(64, size);
	struct fragments *fragments;
	struct piece_counts counts = {0};
	struct packet piece, whole;
	uint64_t completed = 0;
	int64_t now_ns = 0;

	(void)state;
	assert_non_null(memory);
	memset(memory, 0, size);
	fragments = fragments_open(memory, &limits, &key, 0);
	for (uint64_t step = 1; step < STEPS; step++) {
		uint32_t length;

		now_ns += rand() % 100;
		piece = random_piece();
		length = model_add(&piece, now_ns);
		assert_int_equal(fragments_add(fragments, &piece, step, now_ns, &whole, &counts),
				 length > 0);
		if (length) {
			assert_int_equal(whole.payload.length, length);
			assert_memory_equal(whole.payload.data, pattern + piece.fragment_id,
					    length);
			completed++;
		}
		if (rand() % 50 == 0) {
			model_expire(now_ns);
			while (fragments_expire(fragments, step, now_ns, &counts))
				;
		}
		assert_memory_equal(&counts, &model.counts, sizeof(counts));
	}
	assert_true(completed > STEPS / 50);
	for (int cause = 0; cause <= PIECE_INVALID; cause++)
		assert_true(counts.dropped[cause] > 100);
	fragments_close(fragments);
	free(memory);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragments_behave_like_the_model),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	srand(7);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 31 + i / 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
