/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define UTF8_CHARACTER_MAX 4

/* Bytes of the character at the start of room (at least 1) bytes, and which it is (RFC 3629); 0
 * when they are no UTF-8. Stops at a NUL. */
size_t utf8_decode(const uint8_t *at, size_t room, uint32_t *character);

/*
 * Bytes of the character that begins at a place of a terminated text, if it stands for itself
 * between double quotes, in YAML as in JSON; else 0: what controls, breaks lines, orders bytes or
 * escapes, is no UTF-8, or is kept for bytes (U+EF00 to U+EFFF).
 */
size_t utf8_plain_length(const uint8_t *at);
