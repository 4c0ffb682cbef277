/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/utf8.h"

/* Plain characters, by their length in UTF-8. */
static const struct {
	uint32_t first, last;
	size_t length;
} plain[] = {
	{0x20, 0x21, 1},     {0x23, 0x5b, 1},	     {0x5d, 0x7e, 1},	  {0xa0, 0x7ff, 2},
	{0x800, 0x2027, 3},  {0x202a, 0xd7ff, 3},    {0xe000, 0xef7f, 3}, {0xf000, 0xfefe, 3},
	{0xff00, 0xfffd, 3}, {0x10000, 0x10ffff, 4},
};

/* Of a character, by its first byte; 0 when none begins so. */
static size_t length_of(uint8_t first)
{
	if (first < 0x80)
		return 1;
	return first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
}

size_t utf8_plain_length(const uint8_t *at)
{
	const size_t length = length_of(*at);
	uint32_t character = length == 1 ? *at : *at & (0x7fu >> length);

	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (at[i] & 0x3f);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].length == length && plain[i].first <= character &&
		    character <= plain[i].last)
			return length;
	return 0;
}
