/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>

/* What a text must contain for a pattern to match it: far cheaper to look for. */

#define LITERAL_LEAST 2	 /* octets */
#define LITERAL_MAX   16 /* of a longer one its start will do */
#define LITERALS_MAX  64

struct literal {
	uint8_t length;
	char text[LITERAL_MAX]; /* in lower case, without NUL */
};

struct literals {
	uint32_t count;
	struct literal literal[LITERALS_MAX];
};

/*
 * Every text that the pattern (rules/pattern.h, PATTERN_IN_NAME) matches has at least one of them
 * in it, in any case. None when that is not certain: most of what regular expressions have is not
 * looked into.
 */
void literals_find(const char *pattern, struct literals *literals);
