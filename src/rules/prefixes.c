/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/prefixes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

#define TEXT_SHOWN_MAX 100 /* of a prefix that is wrong */

/* An address of either version as a number. */
typedef unsigned __int128 uint128_t;

struct range {
	uint128_t first;
	uint128_t last;
};

struct ranges {
	struct range *range;
	size_t count;
};

struct prefixes {
	struct ranges ip4;
	struct ranges ip6;
};

static inline uint128_t address_number(const struct address *address)
{
	const uint8_t *bytes = address->bytes;

	if (address->version == 4)
		return be32_load(bytes);
	return (uint128_t)be32_load(bytes) << 96 | (uint128_t)be32_load(bytes + 4) << 64 |
	       (uint128_t)be32_load(bytes + 8) << 32 | be32_load(bytes + 12);
}

static bool bits_parse(const char *text, unsigned max, unsigned *bits)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoul(text, &end, 10);
	*bits = (unsigned)value;
	return !*end && value <= max;
}

/* Length bytes of text. */
static bool prefix_parse(const char *text, size_t length, struct address *address,
			 struct range *range)
{
	char copy[ADDRESS_TEXT_MAX + sizeof("/128")];
	unsigned width, bits;
	uint128_t rest;
	char *slash;

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	if (!address_parse(copy, address))
		return false;
	width = bits = address->version == 4 ? 32 : 128;
	if (slash && !bits_parse(slash, width, &bits))
		return false;
	rest = bits == width ? 0 : ~(uint128_t)0 >> (128 - width + bits);
	range->first = address_number(address) & ~rest;
	range->last = range->first | rest;
	return true;
}

static bool ranges_add(struct ranges *ranges, const struct range *range)
{
	struct range *grown;

	/* Room for a power of two. */
	if (!(ranges->count & (ranges->count - 1))) {
		size_t room = ranges->count ? 2 * ranges->count : 1;

		grown = reallocarray(ranges->range, room, sizeof(*range));
		if (!grown)
			return false;
		ranges->range = grown;
	}
	ranges->range[ranges->count++] = *range;
	return true;
}

static int range_order(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

/* Sorts, and makes one of those that overlap or touch. */
static void ranges_settle(struct ranges *ranges)
{
	size_t kept = 0;

	if (!ranges->count)
		return;
	qsort(ranges->range, ranges->count, sizeof(*ranges->range), range_order);
	for (size_t i = 1; i < ranges->count; i++) {
		struct range *last = &ranges->range[kept], *next = &ranges->range[i];

		if (next->first <= last->last || next->first == last->last + 1)
			last->last = next->last > last->last ? next->last : last->last;
		else
			ranges->range[++kept] = *next;
	}
	ranges->count = kept + 1;
}

static bool ranges_match(const struct ranges *ranges, uint128_t number)
{
	const struct range *low = ranges->range;
	size_t left = ranges->count;

	while (left > 1) {
		size_t half = left / 2;

		low = low[half].first <= number ? low + half : low;
		left -= half;
	}
	return left && low->first <= number && number <= low->last;
}

/* NULL, or what is wrong with the prefix that begins the text. */
static const char *prefixes_add(struct prefixes *prefixes, const char *text, size_t length)
{
	struct address address;
	struct range range;

	if (!prefix_parse(text, length, &address, &range))
		return "is no prefix";
	if (!ranges_add(address.version == 4 ? &prefixes->ip4 : &prefixes->ip6, &range))
		return "is too much for the memory";
	return NULL;
}

struct prefixes *prefixes_new(const char *list, char *error)
{
	struct prefixes *prefixes = calloc(1, sizeof(*prefixes));
	const char *wrong = NULL;

	if (!prefixes) {
		snprintf(error, PREFIXES_ERROR_MAX, "out of memory");
		return NULL;
	}
	while (*list) {
		size_t length = strcspn(list, "\n");

		if (length)
			wrong = prefixes_add(prefixes, list, length);
		if (wrong) {
			snprintf(error, PREFIXES_ERROR_MAX, "%.*s %s",
				 (int)(length < TEXT_SHOWN_MAX ? length : TEXT_SHOWN_MAX), list,
				 wrong);
			prefixes_free(prefixes);
			return NULL;
		}
		list += length + (list[length] != '\0');
	}
	ranges_settle(&prefixes->ip4);
	ranges_settle(&prefixes->ip6);
	return prefixes;
}

void prefixes_free(struct prefixes *prefixes)
{
	if (!prefixes)
		return;
	free(prefixes->ip4.range);
	free(prefixes->ip6.range);
	free(prefixes);
}

bool prefixes_match(const struct prefixes *prefixes, const struct address *address)
{
	switch (address->version) {
	case 4:
		return ranges_match(&prefixes->ip4, address_number(address));
	case 6:
		return ranges_match(&prefixes->ip6, address_number(address));
	default:
		return false;
	}
}
