/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A datagram is an entry whose body lists its pieces in order of arrival; their bytes lie in one
 * chain of chunks in the same order. Both grow behind what the state of the entry covers, so that a
 * step that is undone leaves nothing behind.
 */
#include "net/fragments.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "net/chunks.h"
#include "net/entries.h"

#define DATAGRAM_MAX   65535u
#define EXPIRE_AT_ONCE 8
/* Beyond the limit, so that there is room in a step for what comes in place of what goes. */
#define SPARE_CHUNKS (4 * (DATAGRAM_MAX / CHUNK_BYTES + 2))

const struct fragments_limits fragments_default_limits = {
	.entry_count = 1024,
	.buffer_bytes = 4 << 20,
	.piece_count = 64,
	.timeout_ns = INT64_C(30000000000),
};

/* All bytes of a key are hashed and compared: no hidden padding. */
struct key {
	struct address source;
	struct address destination;
	uint8_t protocol;
	uint8_t zero;
	uint32_t id;
};

struct state {
	uint16_t is_discarded; /* and remembered without its pieces */
	uint16_t piece_count;
	uint32_t head, tail, length; /* the chain */
	uint32_t reach;		     /* highest end of a piece */
	uint32_t end;		     /* of the datagram; 0: unknown */
};

struct piece {
	uint16_t offset;
	uint16_t length;
};

struct body {
	int64_t first_ns;
	struct piece pieces[];
};

struct fragments {
	struct fragments_limits limits;
	struct entries entries;
	struct chunks chunks;
	uint32_t chunk_limit;
	uint64_t held;
	uint64_t step; /* these two: of the call in hand */
	struct piece_counts *counts;
	uint8_t joined[]; /* DATAGRAM_MAX */
};

_Static_assert(sizeof(struct key) == 40 && sizeof(struct state) == 24, "no hidden padding");

static struct entries_shape shape_of(const struct fragments_limits *limits)
{
	size_t body = sizeof(struct body) + limits->piece_count * sizeof(struct piece);

	return (struct entries_shape){
		.limit = limits->entry_count,
		.key_bytes = sizeof(struct key),
		.state_bytes = sizeof(struct state),
		.body_bytes = ((uint32_t)body + 7) & ~7u,
	};
}

static uint32_t chunk_total(const struct fragments_limits *limits)
{
	return limits->buffer_bytes / CHUNK_BYTES + SPARE_CHUNKS;
}

size_t fragments_memory_size(const struct fragments_limits *limits)
{
	struct entries_shape shape = shape_of(limits);

	return entries_memory_size(&shape) + chunks_memory_size(chunk_total(limits));
}

uint64_t fragments_layout(const struct fragments_limits *limits)
{
	struct entries_shape shape = shape_of(limits);

	return entries_layout(&shape) ^ chunks_memory_size(chunk_total(limits));
}

static const struct state *look(const struct fragments *fragments, uint32_t index)
{
	return entries_state(&fragments->entries, index);
}

static struct state *change(struct fragments *fragments, uint32_t index)
{
	return entries_change(&fragments->entries, index, fragments->step);
}

static struct body *body_of(const struct fragments *fragments, uint32_t index)
{
	return entries_body(&fragments->entries, index);
}

static void begin_call(struct fragments *fragments, uint64_t step, struct piece_counts *counts)
{
	assert(step >= fragments->step);
	fragments->step = step;
	fragments->counts = counts;
}

static void drop(struct fragments *fragments, enum piece_cause cause)
{
	fragments->counts->dropped[cause]++;
}

/* Lets the pieces of a datagram go and returns their number; the caller counts what they were good
 * for. */
static uint32_t empty(struct fragments *fragments, uint32_t index)
{
	struct state *state = change(fragments, index);
	uint32_t count = state->piece_count;

	chunks_release(&fragments->chunks, state->head, state->length, fragments->step);
	fragments->held -= count;
	*state = (struct state){.is_discarded = true};
	return count;
}

static uint32_t forget(struct fragments *fragments, uint32_t index)
{
	uint32_t count = empty(fragments, index);

	entries_end(&fragments->entries, index, fragments->step);
	return count;
}

static void evict(struct fragments *fragments, uint32_t index, enum piece_cause cause)
{
	fragments->counts->dropped[cause] += forget(fragments, index);
}

/* Now never goes back: a birth in the future is damage, and old. */
static bool is_old(const struct fragments *fragments, uint32_t index, int64_t now_ns)
{
	uint64_t age = (uint64_t)now_ns - (uint64_t)body_of(fragments, index)->first_ns;

	return age > (uint64_t)fragments->limits.timeout_ns;
}

static bool is_invalid(const struct packet *piece)
{
	size_t length = piece->payload.length;

	if (piece->is_cut || !length || (piece->more_fragments && length % 8))
		return true;
	return piece->fragment_offset > DATAGRAM_MAX ||
	       length > DATAGRAM_MAX - piece->fragment_offset;
}

enum verdict {
	VERDICT_HOLD,
	VERDICT_COMPLETE,
	VERDICT_DROP,	 /* the piece alone */
	VERDICT_DISCARD, /* the whole datagram */
};

/* RFC 5722: no two pieces may share a byte; RFC 8200 4.5 lets exact duplicates pass. */
static enum verdict judge_overlap(const struct state *state, const struct piece *pieces,
				  uint32_t start, uint32_t end)
{
	if (start >= state->reach)
		return VERDICT_HOLD;
	for (uint32_t i = 0; i < state->piece_count; i++) {
		uint32_t held_start = pieces[i].offset, held_end = held_start + pieces[i].length;

		if (start < held_end && held_start < end)
			return start == held_start && end == held_end ? VERDICT_DROP
								      : VERDICT_DISCARD;
	}
	return VERDICT_HOLD;
}

/* What becomes of a valid piece; *cause when that is not to be kept. */
static enum verdict judge(const struct fragments *fragments, uint32_t index,
			  const struct packet *packet, enum piece_cause *cause)
{
	static const struct state nothing;
	bool is_new = index == ENTRY_NONE, is_last = !packet->more_fragments;
	const struct state *state = is_new ? &nothing : look(fragments, index);
	const struct piece *pieces = is_new ? NULL : body_of(fragments, index)->pieces;
	uint32_t length = (uint32_t)packet->payload.length;
	uint32_t start = packet->fragment_offset, end = start + length;
	enum verdict verdict = judge_overlap(state, pieces, start, end);

	*cause = verdict == VERDICT_DROP ? PIECE_DUPLICATE : PIECE_OVERLAP;
	if (state->is_discarded)
		return VERDICT_DROP;
	if (verdict != VERDICT_HOLD)
		return verdict;
	*cause = PIECE_INVALID;
	if (is_last && (state->end || end < state->reach))
		return VERDICT_DISCARD;
	if (!is_last && state->end && end > state->end)
		return VERDICT_DROP;
	if (state->length + length == (is_last ? end : state->end))
		return VERDICT_COMPLETE;
	return state->piece_count == fragments->limits.piece_count ? VERDICT_DISCARD : VERDICT_HOLD;
}

/* Room for a chain to grow from length by more bytes, at the expense of other datagrams than its
 * own. */
static bool make_chunk_room(struct fragments *fragments, uint32_t own, uint32_t length,
			    uint32_t more)
{
	struct chunks *chunks = &fragments->chunks;
	uint32_t total = chunks_spanned((uint64_t)length + more);
	uint32_t need = total - chunks_spanned(length);
	uint32_t oldest;

	if (total > fragments->chunk_limit)
		return false;
	while (chunks_used(chunks) + need > fragments->chunk_limit) {
		oldest = fragments->entries.oldest;
		if (oldest == own)
			oldest = entries_newer(&fragments->entries, own);
		evict(fragments, oldest, PIECE_BYTES);
	}
	return chunks_available(chunks, fragments->step) >= need;
}

/* An entry for a new datagram; ENTRY_NONE when too many came and went in this very step. */
static uint32_t begin(struct fragments *fragments, const struct key *key, uint32_t hash,
		      int64_t now_ns)
{
	struct entries *entries = &fragments->entries;
	uint32_t index;

	while (entries_used(entries) >= fragments->limits.entry_count)
		evict(fragments, entries->oldest, PIECE_ENTRIES);
	index = entries_begin(entries, key, hash, fragments->step);
	if (index != ENTRY_NONE)
		body_of(fragments, index)->first_ns = now_ns;
	return index;
}

static void append(struct fragments *fragments, uint32_t index, const struct packet *packet)
{
	uint32_t length = (uint32_t)packet->payload.length;
	uint32_t end = packet->fragment_offset + length;
	struct state *state = change(fragments, index);

	chunks_append(&fragments->chunks, &state->head, &state->tail, state->length,
		      packet->payload.data, length, fragments->step);
	body_of(fragments, index)->pieces[state->piece_count++] =
		(struct piece){(uint16_t)packet->fragment_offset, (uint16_t)length};
	state->length += length;
	if (end > state->reach)
		state->reach = end;
	if (!packet->more_fragments)
		state->end = end;
	fragments->held++;
}

static void hold(struct fragments *fragments, uint32_t index, const struct key *key, uint32_t hash,
		 const struct packet *packet, int64_t now_ns)
{
	uint32_t length = index == ENTRY_NONE ? 0 : look(fragments, index)->length;

	if (!make_chunk_room(fragments, index, length, (uint32_t)packet->payload.length)) {
		drop(fragments, PIECE_BYTES);
		return;
	}
	if (index == ENTRY_NONE)
		index = begin(fragments, key, hash, now_ns);
	if (index == ENTRY_NONE)
		drop(fragments, PIECE_ENTRIES);
	else
		append(fragments, index, packet);
}

static void join_held(struct fragments *fragments, uint32_t index)
{
	const struct piece *piece = body_of(fragments, index)->pieces;
	const struct state *state = look(fragments, index);
	const struct piece *end = piece + state->piece_count;
	uint32_t chunk = state->head, offset = 0;

	for (; piece < end; piece++) {
		for (; offset >= CHUNK_BYTES; offset -= CHUNK_BYTES)
			chunk = fragments->chunks.next[chunk];
		chunks_copy(&fragments->chunks, chunk, offset, fragments->joined + piece->offset,
			    piece->length);
		offset += piece->length;
	}
}

static void join(struct fragments *fragments, uint32_t index, const struct packet *packet,
		 struct packet *whole)
{
	uint32_t length = (uint32_t)packet->payload.length;
	uint32_t end = packet->fragment_offset + length;

	/* First the piece at hand: it may come out of a datagram that was joined here before. */
	memmove(fragments->joined + packet->fragment_offset, packet->payload.data, length);
	fragments->counts->used++;
	if (index != ENTRY_NONE) {
		if (packet->more_fragments)
			end = look(fragments, index)->end;
		join_held(fragments, index);
		fragments->counts->used += forget(fragments, index);
	}
	*whole = *packet;
	whole->payload = (struct slice){fragments->joined, end};
	whole->more_fragments = false;
	whole->fragment_offset = 0;
	whole->fragment_id = 0;
}

bool fragments_add(struct fragments *fragments, const struct packet *piece, uint64_t step,
		   int64_t now_ns, struct packet *whole, struct piece_counts *counts)
{
	struct key key = {.source = piece->source,
			  .destination = piece->destination,
			  .protocol = piece->protocol,
			  .id = piece->fragment_id};
	uint32_t hash = entries_hash(&fragments->entries, &key);
	uint32_t index = entries_find(&fragments->entries, &key, hash);
	enum piece_cause cause = PIECE_INVALID;
	enum verdict verdict = VERDICT_DROP;

	begin_call(fragments, step, counts);
	counts->in++;
	if (index != ENTRY_NONE && is_old(fragments, index, now_ns)) {
		evict(fragments, index, PIECE_AGE);
		index = ENTRY_NONE;
	}
	if (!is_invalid(piece))
		verdict = judge(fragments, index, piece, &cause);
	switch (verdict) {
	case VERDICT_HOLD:
		hold(fragments, index, &key, hash, piece, now_ns);
		return false;
	case VERDICT_COMPLETE:
		join(fragments, index, piece, whole);
		return true;
	case VERDICT_DISCARD:
		counts->dropped[cause] += empty(fragments, index);
		break;
	case VERDICT_DROP:
		break;
	}
	drop(fragments, cause);
	return false;
}

bool fragments_expire(struct fragments *fragments, uint64_t step, int64_t now_ns,
		      struct piece_counts *counts)
{
	begin_call(fragments, step, counts);
	for (int i = 0; i < EXPIRE_AT_ONCE; i++) {
		uint32_t oldest = fragments->entries.oldest;

		if (oldest == ENTRY_NONE || !is_old(fragments, oldest, now_ns))
			return false;
		evict(fragments, oldest, PIECE_AGE);
	}
	return true;
}

bool fragments_reshard(struct fragments *fragments, pieces_owner_fn is_ours, const void *argument,
		       uint32_t *at, uint64_t step, struct piece_counts *counts)
{
	begin_call(fragments, step, counts);
	for (int i = 0; i < EXPIRE_AT_ONCE; (*at)++) {
		const struct key *key;

		if (*at == fragments->entries.count)
			return false;
		key = entries_key(&fragments->entries, *at);
		if (!entries_is_used(&fragments->entries, *at) ||
		    is_ours(argument, &key->source, &key->destination))
			continue;
		evict(fragments, *at, PIECE_RESHARDED);
		i++;
	}
	return true;
}

uint64_t fragments_held(const struct fragments *fragments)
{
	return fragments->held;
}

/* Whether the pieces could have been taken one after the other. */
static bool are_pieces_sound(const struct state *state, const struct piece *pieces)
{
	struct state seen = {0};

	for (; seen.piece_count < state->piece_count; seen.piece_count++) {
		uint32_t start = pieces[seen.piece_count].offset;
		uint32_t length = pieces[seen.piece_count].length;
		uint32_t end = start + length;

		if (!length || end > DATAGRAM_MAX ||
		    judge_overlap(&seen, pieces, start, end) != VERDICT_HOLD)
			return false;
		seen.length += length;
		seen.reach = end > seen.reach ? end : seen.reach;
	}
	return seen.length == state->length && seen.reach == state->reach &&
	       (!state->end || (state->end == state->reach && state->length < state->end));
}

/* Whether a datagram that a dead process left makes sense; marks its chunks. */
static bool attach(struct fragments *fragments, uint32_t index)
{
	struct state *state = (void *)entries_version(&fragments->entries, index)->state;
	bool is_empty = !state->piece_count;

	if (state->piece_count > fragments->limits.piece_count || state->is_discarded != is_empty ||
	    !are_pieces_sound(state, body_of(fragments, index)->pieces) ||
	    !chunks_mark(&fragments->chunks, state->head, state->length))
		return false;
	state->tail = chunks_tail(&fragments->chunks, state->head, state->length);
	fragments->held += state->piece_count;
	return true;
}

struct fragments *fragments_open(void *memory, const struct fragments_limits *limits,
				 const struct hash_key *key, uint64_t committed_step)
{
	struct fragments *fragments = xmalloc(sizeof(*fragments) + DATAGRAM_MAX);
	struct entries_shape shape = shape_of(limits);
	struct entries *entries = &fragments->entries;

	assert(limits->piece_count && limits->piece_count <= UINT16_MAX);
	*fragments = (struct fragments){
		.limits = *limits,
		.chunk_limit = limits->buffer_bytes / CHUNK_BYTES,
		.step = committed_step + 1,
	};
	entries_open(entries, memory, &shape, key, committed_step);
	chunks_open(&fragments->chunks, (uint8_t *)memory + entries_memory_size(&shape),
		    chunk_total(limits));
	for (uint32_t index = 0; index < entries->count; index++)
		if (entries_is_used(entries, index) && !attach(fragments, index))
			entries_reject(entries, index);
	entries_sweep(entries);
	chunks_sweep(&fragments->chunks);
	return fragments;
}

void fragments_close(struct fragments *fragments)
{
	if (!fragments)
		return;
	entries_close(&fragments->entries);
	chunks_close(&fragments->chunks);
	free(fragments);
}
