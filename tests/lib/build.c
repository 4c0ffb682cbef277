/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/build.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cursor.h"
#include "net/address.h"

#define HEADROOM 1024

static uint8_t *put(struct build *b, size_t length)
{
	assert(b->start >= length);
	b->start -= length;
	memset(b->room + b->start, 0, length);
	return b->room + b->start;
}

static size_t length_of(const struct build *b)
{
	return b->end - b->start;
}

/* What a 16-bit length field says; 0 is what jumbograms and BIG TCP write. */
static uint16_t length_field(size_t length)
{
	return length > UINT16_MAX ? 0 : (uint16_t)length;
}

void build_start(struct build *b, const void *payload, size_t length)
{
	assert(length <= sizeof(b->room) - HEADROOM);
	b->start = HEADROOM;
	b->end = HEADROOM + length;
	b->next = 0;
	b->ethertype = 0;
	b->unsummed = 0;
	b->unsummed_at = 0;
	if (length)
		memcpy(b->room + HEADROOM, payload, length);
}

void build_header(struct build *b, const void *header, size_t length, uint8_t next,
		  uint16_t ethertype)
{
	memcpy(put(b, length), header, length);
	b->next = next;
	b->ethertype = ethertype;
}

void build_pad(struct build *b, size_t length)
{
	assert(length <= sizeof(b->room) - b->end);
	memset(b->room + b->end, 0, length);
	b->end += length;
}

static void transport_done(struct build *b, uint8_t protocol)
{
	b->next = protocol;
	b->ethertype = 0;
	b->unsummed = protocol;
	b->unsummed_at = b->start;
}

void build_udp(struct build *b, uint16_t source_port, uint16_t destination_port)
{
	uint8_t *h = put(b, 8);

	be16_store(h, source_port);
	be16_store(h + 2, destination_port);
	be16_store(h + 4, length_field(length_of(b)));
	transport_done(b, IPPROTO_UDP);
}

void build_tcp(struct build *b, uint16_t source_port, uint16_t destination_port, uint32_t sequence,
	       uint8_t flags)
{
	uint8_t *h = put(b, 20);

	be16_store(h, source_port);
	be16_store(h + 2, destination_port);
	be32_store(h + 4, sequence);
	h[12] = 5 << 4;
	h[13] = flags;
	be16_store(h + 14, 0xffff);
	transport_done(b, IPPROTO_TCP);
}

void build_zero_checksum(struct build *b)
{
	b->unsummed = 0;
}

void build_extension(struct build *b, uint8_t protocol, size_t length)
{
	uint8_t *h = put(b, length);

	h[0] = b->next;
	h[1] = (uint8_t)(protocol == IPPROTO_AH ? length / 4 - 2 : length / 8 - 1);
	b->next = protocol;
}

static uint64_t sum_words(const uint8_t *bytes, size_t length, uint64_t sum)
{
	for (; length > 1; bytes += 2, length -= 2)
		sum += be16_load(bytes);
	return length ? sum + ((uint64_t)bytes[0] << 8) : sum;
}

static uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void checksum_finish(struct build *b, const struct address *source,
			    const struct address *destination)
{
	size_t length = b->end - b->unsummed_at;
	uint8_t *h = b->room + b->unsummed_at;
	uint8_t *field = h + (b->unsummed == IPPROTO_UDP ? 6 : 16);
	uint8_t pseudo[8] = {0};
	uint16_t checksum;
	uint64_t sum;

	if (!b->unsummed)
		return;
	be32_store(pseudo, (uint32_t)length);
	pseudo[7] = b->unsummed;
	sum = sum_words(pseudo, sizeof(pseudo), 0);
	sum = sum_words(source->bytes, sizeof(source->bytes), sum);
	sum = sum_words(destination->bytes, sizeof(destination->bytes), sum);
	checksum = sum_fold(sum_words(h, length, sum));
	if (!checksum && b->unsummed == IPPROTO_UDP)
		checksum = 0xffff;
	be16_store(field, checksum);
	b->unsummed = 0;
}

static void put_ipv4(struct build *b, const struct address *source,
		     const struct address *destination, uint32_t id, uint16_t fragment)
{
	uint8_t *h = put(b, 20);

	h[0] = 4 << 4 | 5;
	be16_store(h + 2, length_field(length_of(b)));
	be16_store(h + 4, (uint16_t)id);
	be16_store(h + 6, fragment);
	h[8] = 64;
	h[9] = b->next;
	memcpy(h + 12, source->bytes, 4);
	memcpy(h + 16, destination->bytes, 4);
	be16_store(h + 10, sum_fold(sum_words(h, 20, 0)));
	b->next = IPPROTO_IPIP;
	b->ethertype = 0x0800;
}

static void put_ipv6(struct build *b, const struct address *source,
		     const struct address *destination)
{
	uint16_t length = length_field(length_of(b));
	uint8_t *h = put(b, 40);

	h[0] = 6 << 4;
	be16_store(h + 4, length);
	h[6] = b->next;
	h[7] = 64;
	memcpy(h + 8, source->bytes, 16);
	memcpy(h + 24, destination->bytes, 16);
	b->next = IPPROTO_IPV6;
	b->ethertype = 0x86dd;
}

static void addresses_parse(const char *source, const char *destination, struct address *from,
			    struct address *to)
{
	bool is_right = address_parse(source, from) && address_parse(destination, to) &&
			from->version == to->version;

	assert(is_right);
}

void build_ip(struct build *b, const char *source, const char *destination)
{
	struct address from, to;

	addresses_parse(source, destination, &from, &to);
	checksum_finish(b, &from, &to);
	if (from.version == 4)
		put_ipv4(b, &from, &to, 0, 0x4000);
	else
		put_ipv6(b, &from, &to);
}

void build_fragment(struct build *b, const char *source, const char *destination, uint32_t id,
		    size_t offset, size_t length, bool more)
{
	uint16_t eighths = (uint16_t)(offset / 8);
	struct address from, to;
	uint8_t *h;

	assert(offset + length <= length_of(b));
	addresses_parse(source, destination, &from, &to);
	checksum_finish(b, &from, &to);
	b->start += offset;
	memmove(b->room + HEADROOM, b->room + b->start, length);
	b->start = HEADROOM;
	b->end = HEADROOM + length;
	if (from.version == 4) {
		put_ipv4(b, &from, &to, id, (uint16_t)((eighths & 0x1fff) | (more ? 0x2000 : 0)));
		return;
	}
	h = put(b, 8);
	h[0] = b->next;
	be16_store(h + 2, (uint16_t)(eighths << 3 | more));
	be32_store(h + 4, id);
	b->next = IPPROTO_FRAGMENT;
	put_ipv6(b, &from, &to);
}

void build_vlan(struct build *b, uint16_t tpid, uint16_t vid)
{
	uint8_t *h = put(b, 4);

	be16_store(h, vid);
	be16_store(h + 2, b->ethertype);
	b->ethertype = tpid;
}

void build_mpls(struct build *b, uint32_t label)
{
	uint32_t bottom = b->ethertype == 0x8847 ? 0 : 0x100;

	be32_store(put(b, 4), label << 12 | bottom | 64);
	b->ethertype = 0x8847;
}

void build_pppoe(struct build *b)
{
	uint16_t length = length_field(length_of(b) + 2);
	uint8_t *h = put(b, 8);

	h[0] = 0x11;
	be16_store(h + 2, 0x1234);
	be16_store(h + 4, length);
	be16_store(h + 6, b->ethertype == 0x86dd ? 0x0057 : 0x0021);
	b->ethertype = 0x8864;
}

void build_ethernet(struct build *b)
{
	uint8_t *h = put(b, 14);

	h[0] = h[6] = 0x02; /* locally administered addresses */
	h[5] = 2;
	h[11] = 1;
	be16_store(h + 12, b->ethertype);
	b->ethertype = 0x6558;
	b->next = 0;
}

void build_sll(struct build *b)
{
	uint8_t *h = put(b, 16);

	h[3] = 1;
	h[5] = 6;
	h[6] = 2;
	be16_store(h + 14, b->ethertype);
}

void build_sll2(struct build *b)
{
	uint8_t *h = put(b, 20);

	be16_store(h, b->ethertype);
	h[7] = 2;
	h[9] = 1;
	h[11] = 6;
	h[12] = 2;
}

void build_null(struct build *b)
{
	uint32_t family = b->ethertype == 0x86dd ? 24 : 2; /* as NetBSD numbers them */

	memcpy(put(b, 4), &family, sizeof(family));
}

void build_gre(struct build *b, bool has_key)
{
	uint8_t *h = put(b, has_key ? 8 : 4);

	h[0] = has_key ? 0x20 : 0;
	be16_store(h + 2, b->ethertype);
	if (has_key)
		be32_store(h + 4, 0x00abcd01);
	b->next = IPPROTO_GRE;
}

void build_erspan(struct build *b, int type)
{
	uint8_t *h = put(b, type == 1 ? 4 : type == 2 ? 16 : 28);

	be16_store(h + 2, type == 3 ? 0x22eb : 0x88be);
	b->next = IPPROTO_GRE;
	b->ethertype = 0;
	if (type == 1)
		return;
	h[0] = 0x10;
	be32_store(h + 4, 7);
	h[8] = type == 2 ? 0x10 : 0x20;
	h[9] = 100;
	if (type == 3)
		h[19] = 1; /* the platform subheader follows */
}

static void tunnel_done(struct build *b)
{
	b->next = 0;
	b->ethertype = 0;
}

void build_vxlan(struct build *b)
{
	uint8_t *h = put(b, 8);

	h[0] = 0x08;
	h[6] = 42;
	tunnel_done(b);
}

void build_geneve(struct build *b)
{
	uint8_t *h = put(b, 16);

	h[0] = 2; /* in words: one option of 8 bytes */
	be16_store(h + 2, b->ethertype);
	h[6] = 42;
	be16_store(h + 8, 0x0102);
	h[10] = 0x80;
	h[11] = 1;
	tunnel_done(b);
}

void build_gtpu(struct build *b)
{
	uint16_t length = length_field(length_of(b) + 8);
	uint8_t *h = put(b, 16);

	h[0] = 0x34; /* version 1, GTP, an extension header follows */
	h[1] = 0xff;
	be16_store(h + 2, length);
	be32_store(h + 4, 0x01020304);
	h[11] = 0x85; /* PDU session container of 4 bytes */
	h[12] = 1;
	h[14] = 9;
	tunnel_done(b);
}

void build_teredo(struct build *b, bool has_indicators)
{
	if (has_indicators) {
		memcpy(put(b, 8), "\0\0\xf2\x27\x3f\xff\xfd\xfe", 8);
		put(b, 13)[1] = 1; /* authentication with a nonce and a confirmation byte alone */
	}
	tunnel_done(b);
}

void build_pcap_record(struct build *b)
{
	uint32_t length;
	uint8_t *h;

	build_ethernet(b);
	length = (uint32_t)length_of(b);
	h = put(b, 16);
	memcpy(h + 8, &length, sizeof(length));
	memcpy(h + 12, &length, sizeof(length));
	tunnel_done(b);
}

void build_jmirror(struct build *b)
{
	uint8_t *h = put(b, 8);

	be32_store(h, 0x1001);
	be32_store(h + 4, 0x2002);
	tunnel_done(b);
}

struct slice build_frame(const struct build *b)
{
	return (struct slice){b->room + b->start, length_of(b)};
}
