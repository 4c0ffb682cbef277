/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/utf8.h"

static const struct {
	uint32_t first, last;
} plain[] = {
	{0x20, 0x21},	  {0x23, 0x5b},	    {0x5d, 0x7e},     {0xa0, 0x2027},
	{0x202a, 0xeeff}, {0xf000, 0xfefe}, {0xff00, 0xfffd}, {0x10000, 0x10ffff},
};

/* Of a character, by its first byte; 0 when none begins so. */
static size_t length_of(uint8_t first)
{
	if (first < 0x80)
		return 1;
	return first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
}

size_t utf8_decode(const uint8_t *at, size_t room, uint32_t *character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const size_t length = length_of(*at);
	uint32_t value = length == 1 ? *at : *at & (0x7fu >> length);

	if (!length || length > room)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3f);
	}
	if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	*character = value;
	return length;
}

size_t utf8_plain_length(const uint8_t *at)
{
	uint32_t character;
	const size_t length = utf8_decode(at, UTF8_CHARACTER_MAX, &character);

	for (size_t i = 0; length && i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].first <= character && character <= plain[i].last)
			return length;
	return 0;
}
