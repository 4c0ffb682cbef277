/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/cursor.h"
#include "net/streams.h"

/*
 * A table of streams with a caller that commits every step, and streams of numbered messages: what
 * message a stream has at which place is known from its number, so each that comes out is checked.
 */
#define FIN 1
#define SYN 2
#define RST 4

#define RIG_STREAMS 4096

struct rig {
	struct streams_limits limits;
	void *memory;
	struct streams *streams;
	uint64_t committed;
	int64_t now_ns;
	struct piece_counts counts;
	unsigned messages;	    /* that came out */
	unsigned next[RIG_STREAMS]; /* per stream, the number after that of the last message */
	unsigned missed;	    /* numbers passed over */
	struct slice last;	    /* message */
	struct packet from;
};

static const struct hash_key rig_key = {{7, 9}};

/* A message and its prefix; returns the bytes of both. length: of the message. */
static inline uint32_t message_write(uint8_t *out, unsigned number, uint32_t length)
{
	uint8_t *message = out + 2;

	be16_store(out, (uint16_t)length);
	for (uint32_t i = 12; i < length; i++)
		message[i] = (uint8_t)(number * 7 + i);
	be16_store(message, (uint16_t)number);
	memcpy(message + 2, (uint8_t[]){0x81, 0x80, 0, length > 16, 0, 0, 0, 0, 0, 0}, 10);
	return length + 2;
}

static inline bool message_is_sound(struct slice message)
{
	unsigned number;

	if (message.length < 12)
		return false;
	number = be16_load(message.data);
	for (uint32_t i = 12; i < message.length; i++)
		if (message.data[i] != (uint8_t)(number * 7 + i))
			return false;
	return true;
}

static inline void rig_attach(struct rig *rig)
{
	rig->streams = streams_open(rig->memory, &rig->limits, &rig_key, rig->committed);
}

static inline void rig_open(struct rig *rig, const struct streams_limits *limits)
{
	*rig = (struct rig){.limits = *limits, .now_ns = 1};
	rig->memory = calloc(1, streams_memory_size(limits));
	rig_attach(rig);
}

static inline void rig_close(struct rig *rig)
{
	streams_close(rig->streams);
	free(rig->memory);
}

/* The process dies and another takes over. */
static inline void rig_reopen(struct rig *rig)
{
	streams_close(rig->streams);
	rig_attach(rig);
}

static inline uint32_t rig_dropped(const struct rig *rig)
{
	uint32_t dropped = 0;

	for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
		dropped += rig->counts.dropped[cause];
	return dropped;
}

static inline uint64_t rig_held(const struct rig *rig)
{
	return streams_held(rig->streams);
}

static inline bool rig_is_balanced(const struct rig *rig)
{
	return rig->counts.in == rig->counts.used + rig_dropped(rig) + rig_held(rig);
}

/* Commits what was done since the last commit. */
static inline void rig_commit(struct rig *rig, const struct piece_counts *more)
{
	rig->committed++;
	rig->counts.in += more->in;
	rig->counts.used += more->used;
	for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
		rig->counts.dropped[cause] += more->dropped[cause];
}

/* The source port names the stream. */
static inline void rig_note(struct rig *rig, const struct packet *packet, struct slice message)
{
	unsigned number = be16_load(message.data);
	unsigned *next = &rig->next[packet->source_port % RIG_STREAMS];

	if (!message_is_sound(message) || (uint16_t)(number - *next) > 0x7fff)
		abort();
	rig->missed += (uint16_t)(number - *next);
	*next = (uint16_t)(number + 1);
	rig->messages++;
	rig->last = message;
	rig->from = *packet;
}

/* Takes and commits messages, at most so many; counts: of the step that was begun. Returns how many
 * came. */
static inline unsigned rig_take(struct rig *rig, struct piece_counts *counts, unsigned limit)
{
	struct packet packet;
	struct slice message;
	unsigned taken = 0;

	while (taken < limit) {
		if (!streams_next(rig->streams, rig->committed + 1, &packet, &message, counts)) {
			rig_commit(rig, counts);
			break;
		}
		rig_note(rig, &packet, message);
		rig_commit(rig, counts);
		memset(counts, 0, sizeof(*counts));
		taken++;
	}
	return taken;
}

static inline struct packet rig_segment(unsigned stream, uint32_t sequence, const void *bytes,
					size_t length, uint8_t flags)
{
	return (struct packet){
		.source = {.bytes = {192, 0, 2, 53}, .version = 4},
		.destination = {.bytes = {198, 51, 100, 1}, .version = 4},
		.source_port = (uint16_t)stream,
		.destination_port = 4242,
		.protocol = 6,
		.tcp_flags = flags | 16,
		.tcp_sequence = sequence,
		.payload = {bytes, length},
	};
}

/* Gives a segment and takes what comes; returns the number of messages. */
static inline unsigned rig_add(struct rig *rig, const struct packet *segment)
{
	struct piece_counts counts = {0};

	streams_add(rig->streams, segment, false, rig->committed + 1, rig->now_ns, &counts);
	return rig_take(rig, &counts, UINT32_MAX);
}

static inline unsigned rig_give(struct rig *rig, unsigned stream, uint32_t sequence,
				const void *bytes, size_t length, uint8_t flags)
{
	struct packet segment = rig_segment(stream, sequence, bytes, length, flags);

	return rig_add(rig, &segment);
}

static inline unsigned rig_expire(struct rig *rig)
{
	struct piece_counts counts = {0};
	unsigned taken = 0;

	while (streams_expire(rig->streams, rig->committed + 1, rig->now_ns, &counts)) {
		taken += rig_take(rig, &counts, UINT32_MAX);
		memset(&counts, 0, sizeof(counts));
	}
	return taken;
}

static inline unsigned rig_flush(struct rig *rig)
{
	struct piece_counts counts = {0};
	unsigned taken = 0;

	while (streams_flush(rig->streams, rig->committed + 1, &counts)) {
		taken += rig_take(rig, &counts, UINT32_MAX);
		memset(&counts, 0, sizeof(counts));
	}
	return taken;
}

/* A repeatable source of chance. */
static inline uint32_t chance(uint64_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 11) % below;
}
