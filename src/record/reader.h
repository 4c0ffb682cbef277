/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/cursor.h"
#include "record/set.h"

enum record_error {
	RECORD_OK,
	RECORD_BAD_HEADER, /* shorter than a header */
	RECORD_BAD_PACKET, /* version not 0..4, or sets_count 0 */
	RECORD_BAD_DATA,   /* a set or the counters end behind the datagram */
	RECORD_BAD_NAMES,  /* the names area does not hold names_count names */
};

/* A datagram being read. sequence in host byte order. Bytes behind the last set are ignored
 * (padding). */
struct record_reader {
	uint32_t sequence;
	uint8_t version;
	uint8_t sets_count;
	uint16_t flags;
	uint8_t sets_read;
	struct cursor cursor;
};

/* One set as it lies in the datagram: all slices are borrowed from it. */
struct record_set {
	struct address client;
	struct address resolver; /* 0.0.0.0 before version 4 */
	uint8_t names_count;
	uint8_t ip4s_count;
	uint8_t ip6s_count;
	bool are_names_text; /* version 0: NUL-terminated text; else uncompressed wire names */
	struct slice names;  /* all of them valid, checked by record_reader_next */
	struct slice ip4s;   /* 4 bytes each */
	struct slice ip6s;   /* 16 bytes each */
};

enum record_error record_reader_open(struct record_reader *reader, struct slice datagram);

static inline bool record_reader_is_stats(const struct record_reader *reader)
{
	return reader->flags & RECORD_FLAG_STATS;
}

enum record_error record_reader_stats(struct record_reader *reader, struct record_stats *stats);

/* The next set. *is_end is true, and set unchanged, behind the last of sets_count sets. */
enum record_error record_reader_next(struct record_reader *reader, struct record_set *set,
				     bool *is_end);
