/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A script of segments of four streams in a table of three, of time that passes, and of a process
 * that dies once, its memory perhaps damaged. What a stream carries at a place follows from the
 * place: a message that is not from there is an error, unless the script sent bytes of its own.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/cursor.h"
#include "net/streams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is to be explored is the table alone. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
			     apply_to = function)
#endif

#define STREAMS	       4
#define MESSAGE	       1022 /* bytes; 1024 with the prefix */
#define WHOLE	       (MESSAGE + 2)
#define STREAM	       (32 * WHOLE)
#define LONG	       (STREAM - 8 * WHOLE) /* from here on it is one message, too long to be kept */
#define FIRST	       (0u - STREAM / 2 - WHOLE / 2) /* sequence number; they wrap amid a message */
#define SECOND	       INT64_C(1000000000)
#define DAMAGED	       UINT32_MAX
#define OPERATIONS_MAX 8

static const struct streams_limits limits = {
	.entry_count = 3,
	.buffer_bytes = 8 << 10,
	.stream_bytes = 6 << 10,
	.hole_bytes = 5 << 10,
	.hole_ns = 2 * SECOND,
	.timeout_ns = 10 * SECOND,
};
static const struct hash_key key = {{1, 2}};

static uint8_t pattern[STREAM];
static uint8_t *memory;

struct script {
	struct cursor input;
	struct streams *streams;
	struct piece_counts counts; /* of the step that is not committed */
	uint64_t committed;
	uint64_t held; /* as of the last commit */
	int64_t now_ns;
	uint32_t dirty; /* streams whose bytes are not to be checked, a mask */
	bool is_killed; /* once is enough: to open costs the most */
	bool is_fresh;	/* the memory was clear: damage does the same each time */
};

static uint32_t message_length(uint32_t at)
{
	return at == LONG ? STREAM - LONG - 2 : MESSAGE;
}

static void write_pattern(void)
{
	memset(pattern, 0xff, sizeof(pattern));
	for (uint32_t at = 0; at <= LONG; at += WHOLE) {
		be16_store(pattern + at, (uint16_t)message_length(at));
		be16_store(pattern + at + 2, (uint16_t)(0xf000 | at / WHOLE));
		memcpy(pattern + at + 4, "\x81\x80\0\1\0\1\0\0\0\0", 10);
	}
}

static void check_message(const struct script *s, const struct packet *packet, struct slice message)
{
	uint32_t at;

	assert(message.length >= 12);
	assert(packet->protocol == 6);
	if (s->dirty == DAMAGED)
		return;
	assert(packet->source_port < STREAMS && packet->destination_port == 53);
	if (s->dirty & 1u << packet->source_port)
		return;
	at = (be16_load(message.data) & 0xfff) * WHOLE;
	assert(at <= LONG && message.length == message_length(at));
	assert(!memcmp(message.data, pattern + at + 2, message.length));
}

static void commit(struct script *s)
{
	uint64_t held = streams_held(s->streams), gone = s->counts.used;

	for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
		gone += s->counts.dropped[cause];
	assert(s->held + s->counts.in == gone + held);
	s->counts = (struct piece_counts){0};
	s->held = held;
	s->committed++;
}

/* Takes and commits messages; false when the process shall die, after limit of them. */
static bool take(struct script *s, unsigned limit)
{
	struct packet packet;
	struct slice message;

	for (; limit || s->is_killed; limit--) {
		bool is_message =
			streams_next(s->streams, s->committed + 1, &packet, &message, &s->counts);

		if (is_message)
			check_message(s, &packet, message);
		commit(s);
		if (!is_message)
			return true;
	}
	return false;
}

static void reopen(struct script *s)
{
	s->is_killed = true;
	streams_close(s->streams);
	s->counts = (struct piece_counts){0};
	s->streams = streams_open(memory, &limits, &key, s->committed);
	assert(s->dirty == DAMAGED || streams_held(s->streams) == s->held);
	s->held = streams_held(s->streams);
}

/* Gives a segment; the process dies after limit messages of it. */
static void give(struct script *s, const struct packet *segment, unsigned limit)
{
	streams_add(s->streams, segment, false, s->committed + 1, s->now_ns, &s->counts);
	if (take(s, limit))
		return;
	reopen(s);
	streams_add(s->streams, segment, limit, s->committed + 1, s->now_ns, &s->counts);
	take(s, UINT32_MAX);
}

/* Gives a segment, and the process dies before it commits what comes of it. */
static void waste(struct script *s, const struct packet *segment)
{
	struct packet packet;
	struct slice message;

	if (s->is_killed)
		return;
	streams_add(s->streams, segment, false, s->committed + 1, s->now_ns, &s->counts);
	while (streams_next(s->streams, s->committed + 1, &packet, &message, &s->counts))
		;
	reopen(s);
}

static struct slice take_raw(struct script *s, uint32_t length)
{
	if (length > cursor_left(&s->input))
		length = (uint32_t)cursor_left(&s->input);
	return (struct slice){cursor_take(&s->input, length), length};
}

/* The part of a stream that a segment carries; SYNs stand where messages begin. */
static void take_pattern(struct packet *segment, uint16_t place, uint32_t length, bool is_aligned)
{
	if (is_aligned) {
		segment->tcp_sequence -= place % WHOLE;
		place -= place % WHOLE;
	}
	place %= STREAM;
	if (length > (uint32_t)(STREAM - place))
		length = STREAM - place;
	segment->payload = (struct slice){pattern + place, length};
	segment->tcp_sequence -= segment->tcp_flags >> 1 & 1;
}

/* operation: its upper half are options */
static struct packet read_segment(struct script *s, uint8_t operation)
{
	uint8_t flags = cursor_u8(&s->input);
	uint16_t place = cursor_u16(&s->input);
	uint32_t length = cursor_u8(&s->input), stream = operation >> 4 & 3;
	struct packet segment = {
		.source.version = 4,
		.destination.version = 4,
		.source_port = (uint16_t)stream,
		.destination_port = 53,
		.is_cut = flags & 64,
		.tcp_flags = flags & 7,
		.tcp_sequence = FIRST + place % STREAM,
	};

	if (operation & 128)
		length *= 16;
	if (operation & 64)
		segment.tcp_sequence += UINT32_C(1) << 21 << stream;
	if (operation % 16 == 3) {
		s->dirty |= 1u << stream;
		segment.payload = take_raw(s, length);
	} else {
		take_pattern(&segment, place, length, flags & (32 | 2));
	}
	return segment;
}

static void expire(struct script *s, unsigned limit)
{
	while (streams_expire(s->streams, s->committed + 1, s->now_ns, &s->counts))
		if (!take(s, limit))
			reopen(s);
	commit(s);
}

/* All but the streams of one source go to others. */
static bool is_from(const void *argument, const struct address *source,
		    const struct address *destination)
{
	(void)destination;
	return source->bytes[0] == *(const uint8_t *)argument;
}

static void reshard(struct script *s, uint8_t source)
{
	uint32_t at = 0;

	while (streams_reshard(s->streams, is_from, &source, &at, s->committed + 1, &s->counts))
		;
	commit(s);
}

static void pass(struct script *s)
{
	uint8_t more = cursor_u8(&s->input);

	s->now_ns += (more >> 2) * (SECOND / 8);
	expire(s, more & 3 ? UINT32_MAX : 1);
	if (more >> 2 == 1)
		reshard(s, more & 3);
}

static void flush(struct script *s)
{
	while (streams_flush(s->streams, s->committed + 1, &s->counts))
		take(s, UINT32_MAX);
	commit(s);
	assert(!s->held);
}

/* The entries lie at the beginning, then come the chunks, and at the end their links. */
static void die(struct script *s)
{
	size_t place = cursor_u16(&s->input);
	uint8_t change = cursor_u8(&s->input);

	if (s->is_killed)
		return;
	if (s->is_fresh) {
		place = place & 0x8000 ? streams_memory_size(&limits) - 1 - place % 64
				       : place % 8192;
		memory[place] ^= change;
		s->dirty = DAMAGED;
	}
	reopen(s);
}

static void operate(struct script *s)
{
	uint8_t byte = cursor_u8(&s->input), operation = byte % 16;
	struct packet segment;

	if (operation == 0) {
		die(s);
	} else if (operation == 1) {
		flush(s);
	} else if (operation == 2) {
		pass(s);
	} else {
		segment = read_segment(s, byte);
		if (operation == 4)
			waste(s, &segment);
		else
			give(s, &segment, operation < 8 ? operation - 4u : UINT32_MAX);
	}
}

static void start(struct script *s)
{
	size_t size = streams_memory_size(&limits);

	if (!memory) {
		write_pattern();
		memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
		assert(memory);
	}
	memset(memory, 0, size);
	streams_close(s->streams);
	*s = (struct script){.streams = streams_open(memory, &limits, &key, 0)};
}

/*
 * To open a table takes longer than to run a script: one that was left empty serves again, and the
 * sum of the input lets few of them kill, and fewer damage.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct script s;
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += data[i];
	sum %= 32;
	if (!s.streams || !sum || s.dirty == DAMAGED)
		start(&s);
	s.input = cursor_of((struct slice){data, size});
	s.dirty = 0;
	s.is_fresh = !sum;
	s.is_killed = sum > 2;
	for (unsigned i = 0; cursor_left(&s.input) && i < OPERATIONS_MAX; i++)
		operate(&s);
	s.now_ns += limits.timeout_ns;
	s.is_killed = true;
	expire(&s, UINT32_MAX);
	if (s.dirty == DAMAGED) /* by now a time that was ahead may not be over */
		flush(&s);
	assert(!s.held);
	return 0;
}

#ifdef __clang__
#pragma clang attribute pop
#endif
