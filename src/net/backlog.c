/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/backlog.h"

#define REACH_MAX (1u << 30) /* no piece begins further from the edge */

struct head {
	uint32_t start;
	uint32_t length;
};

struct record {
	struct head head;
	struct chain_walk bytes;
};

static bool read_record(const struct chunks *chunks, struct chain_walk *walk, struct record *record)
{
	if (!chain_read(chunks, walk, &record->head, sizeof(record->head)))
		return false;
	record->bytes = *walk;
	return chain_read(chunks, walk, NULL, record->head.length);
}

/* Sequence numbers wrap: one is beyond another when it is less than half the circle ahead. */
static bool is_beyond(uint32_t sequence, uint32_t edge)
{
	return (int32_t)(sequence - edge) > 0;
}

static bool is_wanted(const struct head *head, uint32_t edge)
{
	return is_beyond(head->start + head->length, edge);
}

static bool has_byte(const struct head *head, uint32_t sequence)
{
	return sequence - head->start < head->length;
}

bool backlog_mark(struct chunks *chunks, struct backlog *backlog, uint32_t edge)
{
	uint32_t records = 0, pieces = 0;
	struct chain_walk walk;
	struct record record;

	if (backlog->records > BACKLOG_RECORDS_MAX || backlog->pieces >= BACKLOG_PIECES_MAX ||
	    !chain_mark(chunks, &backlog->chain))
		return false;
	walk = chain_walk(&backlog->chain);
	while (records < backlog->records && read_record(chunks, &walk, &record) &&
	       record.head.length && record.head.start - edge + REACH_MAX <= 2 * REACH_MAX) {
		records++;
		pieces += is_wanted(&record.head, edge);
	}
	if (walk.left || records != backlog->records || pieces != backlog->pieces ||
	    !pieces != !records) {
		chain_unmark(chunks, &backlog->chain);
		return false;
	}
	return true;
}

static bool copy_record(struct chunks *chunks, struct backlog *to, const struct record *record,
			uint64_t step)
{
	struct chain_walk walk = record->bytes;
	uint8_t bytes[CHUNK_BYTES];

	if (!chain_append(chunks, &to->chain, &record->head, sizeof(record->head), step))
		return false;
	for (uint32_t left = record->head.length; left;) {
		uint32_t part = left < sizeof(bytes) ? left : (uint32_t)sizeof(bytes);

		chain_read(chunks, &walk, bytes, part);
		if (!chain_append(chunks, &to->chain, bytes, part, step))
			return false;
		left -= part;
	}
	to->records++;
	return true;
}

/* Leaves the pieces out that are not wanted any more. */
static bool compact(struct chunks *chunks, struct backlog *backlog, uint32_t edge, uint64_t step)
{
	struct chain_walk walk = chain_walk(&backlog->chain);
	struct backlog fresh = {.pieces = backlog->pieces};
	struct record record;

	while (read_record(chunks, &walk, &record)) {
		if (is_wanted(&record.head, edge) && !copy_record(chunks, &fresh, &record, step)) {
			chain_release(chunks, &fresh.chain, step);
			return false;
		}
	}
	chain_release(chunks, &backlog->chain, step);
	*backlog = fresh;
	return true;
}

/* More is kept than the wanted pieces can account for: it is worth the copying. */
static bool is_stale(const struct chunks *chunks, const struct backlog *backlog, uint32_t edge)
{
	uint32_t kept = chain_length(&backlog->chain);

	return backlog->records == BACKLOG_RECORDS_MAX ||
	       (backlog->records > backlog->pieces && kept > 2 * CHUNK_BYTES &&
		kept / 2 > backlog_bytes(chunks, backlog, edge));
}

bool backlog_add(struct chunks *chunks, struct backlog *backlog, uint32_t edge, uint32_t start,
		 struct slice piece, uint64_t step)
{
	struct head head = {start, (uint32_t)piece.length};
	uint32_t end;

	if (is_stale(chunks, backlog, edge) && !compact(chunks, backlog, edge, step))
		return false;
	end = backlog->chain.end;
	if (chunks_spanned((uint64_t)end + sizeof(head) + head.length) - chunks_spanned(end) >
	    chunks_available(chunks, step))
		return false;
	chain_append(chunks, &backlog->chain, &head, sizeof(head), step);
	chain_append(chunks, &backlog->chain, piece.data, head.length, step);
	backlog->records++;
	backlog->pieces++;
	return true;
}

bool backlog_covers(const struct chunks *chunks, const struct backlog *backlog, uint32_t edge,
		    uint32_t start, uint32_t end)
{
	struct chain_walk walk = chain_walk(&backlog->chain);
	struct head heads[BACKLOG_RECORDS_MAX];
	struct record record;
	uint32_t count = 0, reached = is_beyond(edge, start) ? edge : start, before;

	while (read_record(chunks, &walk, &record))
		heads[count++] = record.head;
	do {
		before = reached;
		for (uint32_t i = 0; i < count; i++)
			if (has_byte(&heads[i], reached))
				reached = heads[i].start + heads[i].length;
	} while (reached != before && is_beyond(end, reached));
	return !is_beyond(end, reached);
}

/*
 * The piece that came first among those that have the byte at the edge gives it, and what follows
 * up to where an earlier one begins.
 */
bool backlog_find(const struct chunks *chunks, const struct backlog *backlog, uint32_t edge,
		  uint32_t limit, struct backlog_part *part)
{
	struct chain_walk walk = chain_walk(&backlog->chain);
	struct record record;

	part->length = 0;
	while (!part->length && read_record(chunks, &walk, &record)) {
		uint32_t into = edge - record.head.start;

		if (into < record.head.length) {
			part->length = record.head.length - into;
			part->walk = record.bytes;
			chain_read(chunks, &part->walk, NULL, into);
		} else if (is_wanted(&record.head, edge) && record.head.start - edge < limit) {
			limit = record.head.start - edge;
		}
	}
	if (!part->length)
		return false;
	if (part->length > limit)
		part->length = limit;
	part->pieces = 0;
	for (walk = chain_walk(&backlog->chain); read_record(chunks, &walk, &record);)
		part->pieces += is_wanted(&record.head, edge) &&
				!is_wanted(&record.head, edge + part->length);
	return true;
}

void backlog_passed(struct chunks *chunks, struct backlog *backlog, uint32_t pieces, uint64_t step)
{
	backlog->pieces -= (uint16_t)pieces;
	if (!backlog->pieces)
		backlog_release(chunks, backlog, step);
}

uint32_t backlog_lowest(const struct chunks *chunks, const struct backlog *backlog, uint32_t edge)
{
	struct chain_walk walk = chain_walk(&backlog->chain);
	uint32_t lowest = UINT32_MAX;
	struct record record;

	while (read_record(chunks, &walk, &record)) {
		uint32_t ahead = record.head.start - edge;

		if (!is_wanted(&record.head, edge))
			continue;
		if (!is_beyond(record.head.start, edge))
			ahead = 0;
		if (ahead < lowest)
			lowest = ahead;
	}
	return edge + lowest;
}

uint64_t backlog_bytes(const struct chunks *chunks, const struct backlog *backlog, uint32_t edge)
{
	struct chain_walk walk = chain_walk(&backlog->chain);
	struct record record;
	uint64_t bytes = 0;

	while (read_record(chunks, &walk, &record))
		if (is_wanted(&record.head, edge))
			bytes += record.head.length;
	return bytes;
}

void backlog_release(struct chunks *chunks, struct backlog *backlog, uint64_t step)
{
	chain_release(chunks, &backlog->chain, step);
	*backlog = (struct backlog){0};
}
