/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/address_scope.h"

struct block {
	uint8_t prefix[16];
	uint8_t octets; /* that are equal, and so many bits of the next */
	uint8_t bits;
};

static const struct block blocks4[] = {
	{{0}, 1, 0},	    {{10}, 1, 0},	 {{127}, 1, 0},	     {{100, 64}, 1, 2},
	{{169, 254}, 2, 0}, {{172, 16}, 1, 4},	 {{192, 168}, 2, 0}, {{192, 0, 0}, 3, 0},
	{{198, 18}, 1, 7},  {{240, 0, 0}, 0, 4}, /* also the broadcast */
};

static const struct block loopback6 = {{[15] = 1}, 16, 0};

static const struct block blocks6[] = {
	{{0}, 16, 0},	      /* unspecified */
	{{0xfc}, 0, 7},	      /* unique local */
	{{0xfe, 0x80}, 1, 2}, /* link-local */
	{{0xfe, 0xc0}, 1, 2}, /* site-local, deprecated */
};

/* Where addresses of IPv6 have one of IPv4 in them. */
static const struct embedding {
	struct block block;
	uint8_t at;
} embeddings[] = {
	{{{[10] = 0xff, 0xff}, 12, 0}, 12},	   /* mapped */
	{{{0}, 12, 0}, 12},			   /* compatible, deprecated */
	{{{0, 0x64, 0xff, 0x9b}, 12, 0}, 12},	   /* RFC 6052 */
	{{{0, 0x64, 0xff, 0x9b, 0, 1}, 6, 0}, 12}, /* RFC 8215, with the usual length */
	{{{0x20, 0x02}, 2, 0}, 2},		   /* 6to4 */
};

static bool is_in(const uint8_t *bytes, const struct block *block)
{
	uint8_t mask = (uint8_t)(0xff00 >> block->bits);

	return !memcmp(bytes, block->prefix, block->octets) &&
	       (!block->bits || !((bytes[block->octets] ^ block->prefix[block->octets]) & mask));
}

static bool is_in_any(const uint8_t *bytes, const struct block *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_in(bytes, &blocks[i]))
			return true;
	return false;
}

static bool is_private4(const uint8_t *bytes)
{
	return is_in_any(bytes, blocks4, sizeof(blocks4) / sizeof(blocks4[0]));
}

bool address_is_loopback(const struct address *address)
{
	return address->version == 4 ? address->bytes[0] == 127 : is_in(address->bytes, &loopback6);
}

bool address_is_private(const struct address *address)
{
	if (address->version == 4)
		return is_private4(address->bytes);
	for (size_t i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++)
		if (is_in(address->bytes, &embeddings[i].block) &&
		    is_private4(address->bytes + embeddings[i].at))
			return true;
	return address_is_loopback(address) ||
	       is_in_any(address->bytes, blocks6, sizeof(blocks6) / sizeof(blocks6[0]));
}
