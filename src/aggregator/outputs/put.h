/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "net/address.h"

/*
 * Writers of small texts, for millions of records a second. Each writes at out, without NUL, and
 * returns the end; they may spill up to PUT_SLACK bytes behind it.
 */
#define PUT_SLACK 32

static inline char *put_bytes(char *out, const void *bytes, size_t length)
{
	memcpy(out, bytes, length);
	return out + length;
}

/* A short text that is copied whole. */
struct put_word {
	char text[PUT_SLACK - 1];
	uint8_t length;
};

void put_word_init(struct put_word *word, const char *text);

static inline char *put_word(char *out, const struct put_word *word)
{
	memcpy(out, word->text, sizeof(word->text));
	return out + word->length;
}

char *put_decimal(char *out, uint64_t value);
char *put_signed(char *out, int64_t value);

/* A decimal fraction: value / 10^digits, with a point, and behind it one digit or more but no
 * needless zeros: "0.048", "3.0". */
char *put_fraction(char *out, int64_t value, uint32_t digits);

/* All of a number's digits, zeros in front. */
char *put_padded(char *out, uint64_t value, uint32_t digits);

/* As inet_ntop has it (RFC 5952); nothing for an address that is not known. */
char *put_address(char *out, const struct address *address);

/* "2020-09-16T18:51:53", of seconds since 1970 UTC: 19 bytes for the years 0 to 9999. */
char *put_date(char *out, int64_t seconds);
