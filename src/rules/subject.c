/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/subject.h"

/* How an octet is written. */
enum shape { SHAPE_PLAIN, SHAPE_SPECIAL, SHAPE_NUMBER };

static const uint8_t shapes[256] = {
	[0x00 ... ' '] = SHAPE_NUMBER,	['"'] = SHAPE_SPECIAL, ['$'] = SHAPE_SPECIAL,
	['('] = SHAPE_SPECIAL,		[')'] = SHAPE_SPECIAL, ['.'] = SHAPE_SPECIAL,
	[';'] = SHAPE_SPECIAL,		['@'] = SHAPE_SPECIAL, ['\\'] = SHAPE_SPECIAL,
	[0x7f ... 0xff] = SHAPE_NUMBER,
};

/* Writes an octet that is not plain; returns the end. */
static char *octet_escape(uint8_t octet, char *end)
{
	*end++ = '\\';
	if (shapes[octet] == SHAPE_SPECIAL) {
		*end++ = (char)octet;
		return end;
	}
	*end++ = (char)('0' + octet / 100);
	*end++ = (char)('0' + octet / 10 % 10);
	*end++ = (char)('0' + octet % 10);
	return end;
}

struct slice subject_format(const uint8_t *wire, char *text)
{
	char *end = text;

	while (*wire) {
		for (uint8_t left = *wire++; left; left--) {
			uint8_t octet = *wire++;

			if (__builtin_expect(shapes[octet] == SHAPE_PLAIN, 1))
				*end++ = (char)octet;
			else
				end = octet_escape(octet, end);
		}
		*end++ = '.';
	}
	if (end == text)
		*end++ = '.';
	return (struct slice){(const uint8_t *)text, (size_t)(end - text)};
}
