/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <linux/types.h>
#include "bpf/settings.h"

/*
 * Which packets are wanted, and who gets them: one source for the programs in bpf/ and for
 * src/net/classify.c. Who includes it defines before
 *
 *	struct classify_view;
 *	static inline int classify_load(const struct classify_view *view, __u32 offset, void *to,
 *					__u32 length);
 *
 * which copies bytes of the packet, offset 0 being the first byte of its network layer, and
 * returns 0, or not 0 when they are not all there. All loops are bounded, and headers are copied
 * before they are read, as the kernel's verifier wants it.
 */

#define CLASSIFY_INLINE static inline __attribute__((always_inline))

#define CLASSIFY_TAGS_MAX	8
#define CLASSIFY_EXTENSIONS_MAX 8

enum classify_protocol {
	CLASSIFY_HOP_BY_HOP = 0,
	CLASSIFY_IPIP = 4,
	CLASSIFY_TCP = 6,
	CLASSIFY_UDP = 17,
	CLASSIFY_6IN4 = 41,
	CLASSIFY_ROUTING = 43,
	CLASSIFY_FRAGMENT = 44,
	CLASSIFY_GRE = 47,
	CLASSIFY_AH = 51,
	CLASSIFY_DESTINATION = 60,
	CLASSIFY_MOBILITY = 135,
	CLASSIFY_HIP = 139,
	CLASSIFY_SHIM6 = 140,
};

/* What is behind the tags and labels, and what the IP header said of it. */
struct classify_packet {
	__u32 protocol;
	__u32 offset; /* of the payload */
	__u32 is_fragment;
	__u32 is_ipv6;
	__u64 source[2]; /* IPv4: the address as a number, and 0 */
	__u64 destination[2];
};

CLASSIFY_INLINE __u16 classify_be16(const __u8 *bytes)
{
	return (__u16)(bytes[0] << 8 | bytes[1]);
}

/* Multiply and fold; the low bits of what comes out depend on all bits that went in. */
CLASSIFY_INLINE __u64 classify_mix(__u64 word)
{
	word *= 0x9e3779b97f4a7c15;
	return word ^ word >> 32;
}

/* One value for both directions, because a sum does not know their order. */
CLASSIFY_INLINE __u32 classify_pair(__u64 a, __u64 b)
{
	return (__u32)classify_mix(classify_mix(a + b));
}

CLASSIFY_INLINE __u16 classify_version(__u8 first)
{
	return first >> 4 == 4 ? 0x0800 : first >> 4 == 6 ? 0x86dd : 0;
}

/* Takes one tag, label or PPPoE header off; 0 when there is none, or not all of it. */
CLASSIFY_INLINE int classify_tag(const struct classify_view *view, __u16 *ethertype, __u32 *offset)
{
	__u8 h[8];

	switch (*ethertype) {
	case 0x8100:
	case 0x88a8:
	case 0x9100:
		if (classify_load(view, *offset, h, 4))
			return 0;
		*ethertype = classify_be16(h + 2);
		*offset += 4;
		return 1;
	case 0x8847:
	case 0x8848:
		if (classify_load(view, *offset, h, 5))
			return 0;
		if (h[2] & 1)
			*ethertype = classify_version(h[4]);
		*offset += 4;
		return 1;
	case 0x8864:
		if (classify_load(view, *offset, h, 8))
			return 0;
		*ethertype = h[6] ? 0 : h[7] == 0x21 ? 0x0800 : h[7] == 0x57 ? 0x86dd : 0;
		*offset += 8;
		return 1;
	default:
		return 0;
	}
}

CLASSIFY_INLINE int classify_ipv4(const struct classify_view *view, struct classify_packet *packet)
{
	struct {
		__u8 head[12];
		__u8 source[4];
		__u8 destination[4];
	} h;

	if (classify_load(view, packet->offset, &h, sizeof(h)))
		return 0;
	packet->source[0] = (__u32)classify_be16(h.source) << 16 | classify_be16(h.source + 2);
	packet->destination[0] =
		(__u32)classify_be16(h.destination) << 16 | classify_be16(h.destination + 2);
	packet->protocol = h.head[9];
	packet->is_fragment = (classify_be16(h.head + 6) & 0x3fff) != 0;
	packet->offset += (h.head[0] & 0x0f) * 4;
	return 1;
}

CLASSIFY_INLINE int classify_is_extension(__u32 protocol)
{
	switch (protocol) {
	case CLASSIFY_HOP_BY_HOP:
	case CLASSIFY_ROUTING:
	case CLASSIFY_FRAGMENT:
	case CLASSIFY_AH:
	case CLASSIFY_DESTINATION:
	case CLASSIFY_MOBILITY:
	case CLASSIFY_HIP:
	case CLASSIFY_SHIM6:
		return 1;
	default:
		return 0;
	}
}

/* Takes one extension header off; behind the header of a real fragment it stops. */
CLASSIFY_INLINE int classify_extension(const struct classify_view *view,
				       struct classify_packet *packet)
{
	__u32 length;
	__u8 h[4];

	if (packet->is_fragment || !classify_is_extension(packet->protocol))
		return 0;
	if (classify_load(view, packet->offset, h, sizeof(h)))
		return 0;
	length = ((__u32)h[1] + 1) * 8;
	if (packet->protocol == CLASSIFY_AH)
		length = ((__u32)h[1] + 2) * 4;
	if (packet->protocol == CLASSIFY_FRAGMENT) {
		length = 8;
		packet->is_fragment = (classify_be16(h + 2) & 0xfff9) != 0;
	}
	packet->protocol = h[0];
	packet->offset += length;
	return 1;
}

CLASSIFY_INLINE int classify_ipv6(const struct classify_view *view, struct classify_packet *packet)
{
	struct {
		__u64 head;
		__u64 source[2];
		__u64 destination[2];
	} h;

	if (classify_load(view, packet->offset, &h, sizeof(h)))
		return 0;
	packet->is_ipv6 = 1;
	for (int i = 0; i < 2; i++) {
		packet->source[i] = h.source[i];
		packet->destination[i] = h.destination[i];
	}
	packet->protocol = ((const __u8 *)&h.head)[6];
	packet->offset += sizeof(h);
	for (int i = 0; i < CLASSIFY_EXTENSIONS_MAX; i++)
		if (!classify_extension(view, packet))
			break;
	return 1;
}

CLASSIFY_INLINE int classify_port_wanted(const struct capture_settings *settings, __u16 port)
{
	for (int i = 0; i < SETTINGS_PORTS_MAX; i++) {
		if (i >= settings->port_count)
			break;
		if (settings->ports[i] == port)
			return 1;
	}
	return 0;
}

/* h: source and destination port as TCP and UDP have them. */
CLASSIFY_INLINE int classify_ports_wanted(const struct capture_settings *settings, const __u8 *h)
{
	if (classify_port_wanted(settings, classify_be16(h)))
		return 1;
	return settings->queries_wanted && classify_port_wanted(settings, classify_be16(h + 2));
}

CLASSIFY_INLINE int classify_protocol_is_tunnel(const struct capture_settings *settings,
						__u32 protocol)
{
	__u32 tunnels = 0;

	if (protocol == CLASSIFY_GRE)
		tunnels = TUNNEL_GRE | TUNNEL_ERSPAN;
	else if (protocol == CLASSIFY_IPIP)
		tunnels = TUNNEL_IPIP;
	else if (protocol == CLASSIFY_6IN4)
		tunnels = TUNNEL_6IN4;
	return (settings->tunnels & tunnels) != 0;
}

CLASSIFY_INLINE int classify_port_is_tunnel(const struct capture_settings *settings, __u16 source,
					    __u16 destination)
{
	__u32 tunnels = source == 3544 ? TUNNEL_TEREDO : 0;

	if (settings->pcap_port && destination == settings->pcap_port)
		return 1;
	if (settings->jmirror_port && destination == settings->jmirror_port)
		return 1;
	switch (destination) {
	case 4789:
	case 8472:
		tunnels |= TUNNEL_VXLAN;
		break;
	case 6081:
		tunnels |= TUNNEL_GENEVE;
		break;
	case 2152:
		tunnels |= TUNNEL_GTPU;
		break;
	case 3544:
		tunnels |= TUNNEL_TEREDO;
		break;
	}
	return (settings->tunnels & tunnels) != 0;
}

CLASSIFY_INLINE __u64 classify_address_hash(const __u64 *address)
{
	return classify_mix(classify_mix(address[0]) + address[1]);
}

/* Of what has no ports yet, or hides them in a tunnel. */
CLASSIFY_INLINE __u32 classify_addresses_key(const struct classify_packet *packet)
{
	return classify_pair(classify_address_hash(packet->source),
			     classify_address_hash(packet->destination));
}

CLASSIFY_INLINE __u32 classify_udp_key(const struct capture_settings *settings,
				       const struct classify_packet *packet, const __u8 *h)
{
	__u16 checksum = classify_be16(h + 6);

	if (settings->split == SPLIT_FLOW)
		return classify_pair(
			classify_mix(classify_address_hash(packet->source) + classify_be16(h)),
			classify_mix(classify_address_hash(packet->destination) +
				     classify_be16(h + 2)));
	if (packet->is_ipv6 || (settings->split == SPLIT_CHECKSUM && checksum))
		return checksum;
	return (__u32)packet->destination[0];
}

CLASSIFY_INLINE int classify_udp(const struct classify_view *view,
				 const struct classify_packet *packet,
				 const struct capture_settings *settings, __u32 *key)
{
	__u8 h[12]; /* UDP header, DNS id and flags */

	if (classify_load(view, packet->offset, h, 12)) {
		if (classify_load(view, packet->offset, h, 8)) {
			*key = classify_addresses_key(packet);
			return 0;
		}
		if (classify_load(view, packet->offset + 10, h + 10, 1))
			h[10] = 0;
	}
	if (classify_port_is_tunnel(settings, classify_be16(h), classify_be16(h + 2))) {
		*key = classify_addresses_key(packet);
		return 1;
	}
	*key = classify_udp_key(settings, packet, h);
	if (!classify_ports_wanted(settings, h))
		return 0;
	return packet->is_ipv6 || settings->queries_wanted || h[10] & 0x80;
}

CLASSIFY_INLINE int classify_tcp(const struct classify_view *view,
				 const struct classify_packet *packet,
				 const struct capture_settings *settings)
{
	__u8 h[4];

	return !classify_load(view, packet->offset, h, 4) && classify_ports_wanted(settings, h);
}

/* The protocol of an IPv6 datagram that has extension headers in its fragments is not known yet. */
CLASSIFY_INLINE int classify_fragment(const struct classify_packet *packet,
				      const struct capture_settings *settings)
{
	if (packet->protocol == CLASSIFY_UDP || packet->protocol == CLASSIFY_TCP)
		return 1;
	if (packet->is_ipv6 && classify_is_extension(packet->protocol))
		return 1;
	return classify_protocol_is_tunnel(settings, packet->protocol);
}

/*
 * Returns 1 for a packet that is to be captured, else 0. *key: worker = key modulo worker_count,
 * share = key modulo share_count, for any IP packet, wanted or not; 0 for others.
 */
CLASSIFY_INLINE int classify(const struct classify_view *view, __u16 ethertype,
			     const struct capture_settings *settings, __u32 *key)
{
	struct classify_packet packet = {0};

	*key = 0;
	for (int i = 0; i < CLASSIFY_TAGS_MAX; i++)
		if (!classify_tag(view, &ethertype, &packet.offset))
			break;
	if (ethertype != 0x0800 && ethertype != 0x86dd)
		return 0;
	if (!(ethertype == 0x0800 ? classify_ipv4(view, &packet) : classify_ipv6(view, &packet)))
		return 0;
	if (!packet.is_fragment && packet.protocol == CLASSIFY_UDP)
		return classify_udp(view, &packet, settings, key);
	*key = classify_addresses_key(&packet);
	if (packet.is_fragment)
		return classify_fragment(&packet, settings);
	if (packet.protocol == CLASSIFY_TCP)
		return classify_tcp(view, &packet, settings);
	return classify_protocol_is_tunnel(settings, packet.protocol);
}
