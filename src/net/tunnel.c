/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/tunnel.h"

#include <linux/if_ether.h>

#include "base/cursor.h"

#define GRE_CHECKSUM	 0x8000
#define GRE_ROUTING	 0x4000
#define GRE_KEY		 0x2000
#define GRE_SEQUENCE	 0x1000
#define GRE_VERSION	 0x0007
#define GRE_ROUTES_MAX	 8
#define GTPU_HEADERS_MAX 8

static struct slice rest(const struct cursor *c)
{
	return (struct slice){c->at, cursor_left(c)};
}

static bool ethernet_inside(const struct cursor *c, struct network *inside)
{
	return !c->failed && link_strip(LINK_ETHERNET, rest(c), inside);
}

static bool ip_inside(const struct cursor *c, struct network *inside)
{
	inside->bytes = rest(c);
	inside->ethertype = link_ip_ethertype(inside->bytes);
	return !c->failed && inside->ethertype;
}

/* RFC 1701: source route entries {family 2, offset 1, length 1, data}, the last one has length 0.
 */
static void gre_routes_skip(struct cursor *c)
{
	uint8_t length;

	for (int i = 0; i < GRE_ROUTES_MAX; i++) {
		cursor_take(c, 3);
		length = cursor_u8(c);
		cursor_take(c, length);
		if (!length)
			return;
	}
	c->failed = true;
}

/* Type I has no header of its own, type II comes with a GRE sequence number. */
static bool erspan2_inside(struct cursor *c, uint16_t flags, struct packet *packet,
			   struct network *inside)
{
	const uint8_t *h;

	if (flags & GRE_SEQUENCE) {
		h = cursor_take(c, 8);
		if (h && h[2] & 0x04)
			packet->is_cut = true;
	}
	return ethernet_inside(c, inside);
}

static bool erspan3_inside(struct cursor *c, struct packet *packet, struct network *inside,
			   enum decode_result *result)
{
	const uint8_t *h = cursor_take(c, 12);

	if (!h)
		return false;
	if (h[10] & 0x7c) { /* the mirrored frame is not Ethernet */
		*result = DECODE_OTHER;
		return false;
	}
	if (h[2] & 0x04)
		packet->is_cut = true;
	if (h[11] & 0x01)
		cursor_take(c, 8);
	return ethernet_inside(c, inside);
}

/* What a GRE header of version 0 announces; *result is DECODE_BAD_TUNNEL on entry. */
static bool gre_inside(struct cursor *c, uint16_t flags, uint16_t type, struct packet *packet,
		       struct network *inside, enum decode_result *result)
{
	switch (type) {
	case ETH_P_IP:
	case ETH_P_IPV6:
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		*inside = (struct network){rest(c), type};
		return true;
	case ETH_P_TEB:
		return ethernet_inside(c, inside);
	case ETH_P_ERSPAN:
		return erspan2_inside(c, flags, packet, inside);
	case ETH_P_ERSPAN2:
		return erspan3_inside(c, packet, inside, result);
	default:
		*result = DECODE_OTHER;
		return false;
	}
}

bool tunnel_strip_gre(const struct decode_options *options, struct packet *packet,
		      struct network *inside, enum decode_result *result)
{
	struct cursor c = cursor_of(packet->payload);
	uint16_t flags = cursor_u16(&c);
	uint16_t type = cursor_u16(&c);
	bool is_mirror = type == ETH_P_ERSPAN || type == ETH_P_ERSPAN2;

	*result = DECODE_OTHER;
	if (!(options->tunnels & (is_mirror ? TUNNEL_ERSPAN : TUNNEL_GRE)))
		return false;
	if ((flags & GRE_VERSION) == 1) /* PPTP: PPP inside */
		return false;
	if (flags & (GRE_CHECKSUM | GRE_ROUTING))
		cursor_take(&c, 4);
	if (flags & GRE_KEY)
		cursor_take(&c, 4);
	if (flags & GRE_SEQUENCE)
		cursor_take(&c, 4);
	if (flags & GRE_ROUTING)
		gre_routes_skip(&c);
	*result = DECODE_BAD_TUNNEL;
	if (c.failed || flags & GRE_VERSION)
		return false;
	return gre_inside(&c, flags, type, packet, inside, result);
}

/*
 * Tunnels by UDP port. Any of these ports may be the ephemeral port of a DNS client, so a header
 * has to look right in all its constant bits, reserved ones too, to be taken for one: no answer
 * that has records and goes to such a port does.
 */
static bool vxlan_inside(struct cursor *c, struct network *inside)
{
	const uint8_t *h = cursor_take(c, 8);

	/* bit 0x80: the group policy extension, which uses bytes 1 to 3 */
	return h && (h[0] & 0x7f) == 0x08 && !h[7] && ethernet_inside(c, inside);
}

static bool geneve_inside(struct cursor *c, struct network *inside)
{
	const uint8_t *h = cursor_take(c, 8);

	if (!h || h[0] >> 6 || h[1] & 0x3f || h[7])
		return false;
	cursor_take(c, (size_t)(h[0] & 0x3f) * 4);
	*inside = (struct network){rest(c), be16_load(h + 2)};
	switch (inside->ethertype) {
	case ETH_P_TEB:
		return ethernet_inside(c, inside);
	case ETH_P_IP:
	case ETH_P_IPV6:
		return !c->failed;
	default:
		return false;
	}
}

/* 3GPP TS 29.281 5.2: {length in words 1, content, type of the next 1}, after sequence and N-PDU
 * numbers. */
static void gtpu_headers_skip(struct cursor *c, bool has_headers)
{
	uint8_t next, words;

	cursor_take(c, 3);
	next = cursor_u8(c);
	if (!has_headers)
		return;
	for (int i = 0; next; i++) {
		words = cursor_u8(c);
		if (!words || i == GTPU_HEADERS_MAX)
			c->failed = true;
		if (c->failed)
			return;
		cursor_take(c, (size_t)words * 4 - 2);
		next = cursor_u8(c);
	}
}

static bool gtpu_inside(struct cursor *c, const struct packet *packet, struct network *inside)
{
	const uint8_t *h = cursor_take(c, 8);
	size_t length;

	if (!h || (h[0] & 0xf0) != 0x30 || h[1] != 0xff)
		return false;
	length = be16_load(h + 2);
	if (length <= cursor_left(c))
		c->end = c->at + length;
	else if (!packet->is_cut)
		return false;
	if (h[0] & 0x07)
		gtpu_headers_skip(c, h[0] & 0x04);
	return ip_inside(c, inside);
}

/* RFC 4380 5.1.1: authentication, origin indication, then IPv6. */
static bool teredo_inside(struct cursor *c, const struct packet *packet, struct network *inside)
{
	uint8_t id_length, value_length;
	struct slice left = rest(c);
	size_t length;

	if (left.length >= 4 && be16_load(left.data) == 0x0001) {
		id_length = left.data[2];
		value_length = left.data[3];
		cursor_take(c, (size_t)4 + id_length + value_length + 9);
	}
	left = rest(c);
	if (left.length >= 2 && be16_load(left.data) == 0x0000)
		cursor_take(c, 8);
	if (!ip_inside(c, inside) || inside->ethertype != ETH_P_IPV6 || inside->bytes.length < 40)
		return false;
	length = be16_load(inside->bytes.data + 4);
	/* A bubble carries nothing; a DNS message whose id looks like a version has its QDCOUNT
	 * here. */
	return length >= 8 && (packet->is_cut || length <= inside->bytes.length - 40);
}

static uint32_t tunnel_of_ports(const struct packet *packet)
{
	switch (packet->destination_port) {
	case 4789:
	case 8472:
		return TUNNEL_VXLAN;
	case 6081:
		return TUNNEL_GENEVE;
	case 2152:
		return TUNNEL_GTPU;
	case 3544:
		return TUNNEL_TEREDO;
	default:
		return packet->source_port == 3544 ? TUNNEL_TEREDO : 0;
	}
}

bool tunnel_strip_udp(const struct decode_options *options, struct packet *packet,
		      struct network *inside, enum decode_result *result)
{
	struct cursor c = cursor_of(packet->payload);

	*result = DECODE_BAD_TUNNEL;
	if (options->pcap_port && packet->destination_port == options->pcap_port)
		return cursor_take(&c, 16 + 14) && ip_inside(&c, inside);
	if (options->jmirror_port && packet->destination_port == options->jmirror_port)
		return cursor_take(&c, 8) && ip_inside(&c, inside);
	*result = DECODE_UDP;
	switch (tunnel_of_ports(packet) & options->tunnels) {
	case TUNNEL_VXLAN:
		return vxlan_inside(&c, inside);
	case TUNNEL_GENEVE:
		return geneve_inside(&c, inside);
	case TUNNEL_GTPU:
		return gtpu_inside(&c, packet, inside);
	case TUNNEL_TEREDO:
		return teredo_inside(&c, packet, inside);
	default:
		return false;
	}
}
