/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <string.h>
#include "base/slice.h"

/*
 * A reader of bytes with a sticky error: a read past the end yields zero (or NULL) and sets failed,
 * so that a parser checks once per record and never reads outside. All integers are big-endian.
 */
struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct cursor cursor_of(struct slice bytes)
{
	return (struct cursor){.at = bytes.data, .end = bytes.data + bytes.length};
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* The next length bytes, or NULL (and failed) when fewer are left. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t length)
{
	const uint8_t *bytes = c->at;

	if (__builtin_expect(length > cursor_left(c), 0)) {
		c->failed = true;
		c->at = c->end;
		return NULL;
	}
	c->at += length;
	return bytes;
}

static inline uint16_t be16_load(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t be32_load(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return __builtin_bswap32(value);
}

static inline void be16_store(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static inline void be32_store(uint8_t *bytes, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(bytes, &value, sizeof(value));
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *bytes = cursor_take(c, 1);

	return bytes ? bytes[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *bytes = cursor_take(c, 2);

	return bytes ? be16_load(bytes) : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *bytes = cursor_take(c, 4);

	return bytes ? be32_load(bytes) : 0;
}
