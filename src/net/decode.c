/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/decode.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "base/cursor.h"
#include "net/tunnel.h"

#define PROTOCOL_HIP   139
#define PROTOCOL_SHIM6 140
#define OPTION_PAD1    0x00
#define OPTION_JUMBO   0xc2

#define unlikely(x) __builtin_expect(!!(x), 0)

/*
 * A walk from header to header. Each read_*() takes one header off and returns whether another
 * network layer header is to be read; if not, result is final. packet->nesting and packet->is_cut
 * are those of the header that is being read.
 */
struct walk {
	const struct decode_options *options;
	struct packet *packet;
	struct network network; /* what is read next */
	bool is_big;		/* the IP header does not tell the length of its payload */
	bool is_whole;		/* the payload of the IP header is a reassembled datagram */
	enum decode_result result;
};

static inline bool end(struct walk *w, enum decode_result result)
{
	w->result = result;
	return false;
}

static bool enter(struct walk *w, const struct network *inside)
{
	struct packet *packet = w->packet;

	*packet = (struct packet){.nesting = packet->nesting, .is_cut = packet->is_cut};
	w->network = *inside;
	return true;
}

static bool enter_tunnel(struct walk *w, const struct network *inside)
{
	if (w->packet->nesting >= DECODE_NESTING_MAX)
		return end(w, DECODE_TOO_DEEP);
	w->packet->nesting++;
	return enter(w, inside);
}

/* Cuts bytes to length; false when fewer are there, and for another reason than the snap length. */
static inline bool fit(struct slice *bytes, size_t length, bool *is_cut)
{
	if (unlikely(length > bytes->length))
		return *is_cut;
	bytes->length = length;
	*is_cut = false;
	return true;
}

static bool read_udp(struct walk *w)
{
	const struct decode_options *options = w->options;
	struct packet *packet = w->packet;
	struct slice datagram = packet->payload;
	const uint8_t *h = datagram.data;
	struct network inside;
	uint16_t length;

	if (unlikely(datagram.length < 8))
		return end(w, DECODE_BAD_UDP);
	length = be16_load(h + 4);
	if (!(w->is_big && !length) && (length < 8 || !fit(&datagram, length, &packet->is_cut)))
		return end(w, DECODE_BAD_UDP);
	packet->source_port = be16_load(h);
	packet->destination_port = be16_load(h + 2);
	packet->payload = (struct slice){h + 8, datagram.length - 8};
	if (!(options->tunnels | options->pcap_port | options->jmirror_port))
		return end(w, DECODE_UDP);
	if (!tunnel_strip_udp(options, packet, &inside, &w->result))
		return false;
	return enter_tunnel(w, &inside);
}

static bool read_tcp(struct walk *w)
{
	struct packet *packet = w->packet;
	struct slice payload = packet->payload;
	const uint8_t *h = payload.data;
	size_t header;

	if (payload.length < 20)
		return end(w, DECODE_BAD_TCP);
	header = (size_t)(h[12] >> 4) * 4;
	if (header < 20 || header > payload.length)
		return end(w, DECODE_BAD_TCP);
	packet->source_port = be16_load(h);
	packet->destination_port = be16_load(h + 2);
	packet->tcp_sequence = be32_load(h + 4);
	packet->tcp_flags = h[13];
	packet->payload = (struct slice){h + header, payload.length - header};
	return end(w, DECODE_TCP);
}

static bool read_gre(struct walk *w)
{
	struct network inside;

	if (!tunnel_strip_gre(w->options, w->packet, &inside, &w->result))
		return false;
	return enter_tunnel(w, &inside);
}

static bool read_ip_in_ip(struct walk *w, uint32_t tunnel, uint16_t ethertype)
{
	struct network inside = {w->packet->payload, ethertype};

	if (!(w->options->tunnels & tunnel))
		return end(w, DECODE_OTHER);
	return enter(w, &inside);
}

static bool read_transport(struct walk *w)
{
	switch (w->packet->protocol) {
	case IPPROTO_UDP:
		return read_udp(w);
	case IPPROTO_TCP:
		return read_tcp(w);
	case IPPROTO_GRE:
		return read_gre(w);
	case IPPROTO_IPIP:
		return read_ip_in_ip(w, TUNNEL_IPIP, ETH_P_IP);
	case IPPROTO_IPV6:
		return read_ip_in_ip(w, TUNNEL_6IN4, ETH_P_IPV6);
	default:
		return end(w, DECODE_OTHER);
	}
}

static bool read_ipv4(struct walk *w)
{
	struct packet *packet = w->packet;
	struct slice datagram = w->network.bytes;
	const uint8_t *h = datagram.data;
	uint16_t fragment, length;
	size_t header;

	if (unlikely(datagram.length < 20 || h[0] >> 4 != 4))
		return end(w, DECODE_BAD_IPV4);
	header = (size_t)(h[0] & 0x0f) * 4;
	length = be16_load(h + 2);
	fragment = be16_load(h + 6);
	w->is_big = !length;
	if (!w->is_big && !fit(&datagram, length, &packet->is_cut))
		return end(w, DECODE_BAD_IPV4);
	if (unlikely(header < 20 || header > datagram.length))
		return end(w, DECODE_BAD_IPV4);
	packet->source.version = 4;
	memcpy(packet->source.bytes, h + 12, 4);
	packet->destination.version = 4;
	memcpy(packet->destination.bytes, h + 16, 4);
	packet->protocol = h[9];
	packet->payload = (struct slice){h + header, datagram.length - header};
	if (__builtin_expect(!(fragment & 0x3fff), 1))
		return read_transport(w);
	packet->fragment_id = be16_load(h + 4);
	packet->fragment_offset = (uint32_t)(fragment & 0x1fff) * 8;
	packet->more_fragments = fragment & 0x2000;
	return end(w, w->is_big ? DECODE_BAD_IPV4 : DECODE_FRAGMENT);
}

static bool is_extension(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case PROTOCOL_HIP:
	case PROTOCOL_SHIM6:
		return true;
	default:
		return false;
	}
}

static bool read_fragment(struct walk *w, const uint8_t *h)
{
	struct packet *packet = w->packet;

	if (w->is_whole || w->is_big)
		return end(w, DECODE_BAD_IPV6);
	packet->fragment_offset = be16_load(h + 2) & 0xfff8;
	packet->more_fragments = h[3] & 1;
	packet->fragment_id = be32_load(h + 4);
	packet->protocol = h[0];
	packet->payload.data += 8;
	packet->payload.length -= 8;
	return end(w, DECODE_FRAGMENT);
}

static bool read_extensions(struct walk *w)
{
	struct packet *packet = w->packet;
	struct slice *payload = &packet->payload;
	const uint8_t *h;
	size_t length;

	for (int i = 0; is_extension(packet->protocol); i++) {
		if (i == DECODE_EXTENSIONS_MAX)
			return end(w, DECODE_TOO_DEEP);
		if (payload->length < 8)
			return end(w, DECODE_BAD_IPV6);
		h = payload->data;
		length = ((size_t)h[1] + 1) * 8;
		if (packet->protocol == IPPROTO_AH)
			length = ((size_t)h[1] + 2) * 4;
		if (packet->protocol == IPPROTO_FRAGMENT) {
			if (be16_load(h + 2) & 0xfff9)
				return read_fragment(w, h);
			length = 8; /* an atomic fragment (RFC 6946) is a whole datagram */
		}
		if (length > payload->length)
			return end(w, DECODE_BAD_IPV6);
		packet->protocol = h[0];
		*payload = (struct slice){h + length, payload->length - length};
	}
	return read_transport(w);
}

/* RFC 2675: the jumbo payload option of a hop-by-hop header; 0 when there is none. */
static size_t jumbo_length(struct slice options)
{
	struct cursor c = cursor_of(options);
	const uint8_t *h = cursor_take(&c, 2);
	uint8_t type, length;

	if (!h || ((size_t)h[1] + 1) * 8 > options.length)
		return 0;
	c.end = options.data + ((size_t)h[1] + 1) * 8;
	while (cursor_left(&c)) {
		type = cursor_u8(&c);
		if (type == OPTION_PAD1)
			continue;
		length = cursor_u8(&c);
		if (type == OPTION_JUMBO && length == 4)
			return cursor_u32(&c);
		cursor_take(&c, length);
	}
	return 0;
}

static bool read_ipv6(struct walk *w)
{
	struct packet *packet = w->packet;
	struct slice payload = w->network.bytes;
	const uint8_t *h = payload.data;
	size_t length;

	if (unlikely(payload.length < 40 || h[0] >> 4 != 6))
		return end(w, DECODE_BAD_IPV6);
	payload = (struct slice){h + 40, payload.length - 40};
	length = be16_load(h + 4);
	w->is_big = !length;
	w->is_whole = false;
	if (unlikely(w->is_big && h[6] == IPPROTO_HOPOPTS))
		length = jumbo_length(payload);
	if (!(w->is_big && h[6] == IPPROTO_TCP) && !fit(&payload, length, &packet->is_cut))
		return end(w, DECODE_BAD_IPV6);
	packet->source.version = 6;
	memcpy(packet->source.bytes, h + 8, 16);
	packet->destination.version = 6;
	memcpy(packet->destination.bytes, h + 24, 16);
	packet->protocol = h[6];
	packet->payload = payload;
	return read_extensions(w);
}

static bool read_tag(struct walk *w)
{
	struct slice *bytes = &w->network.bytes;

	if (bytes->length < 4)
		return end(w, DECODE_BAD_LINK);
	w->network.ethertype = be16_load(bytes->data + 2);
	*bytes = (struct slice){bytes->data + 4, bytes->length - 4};
	return true;
}

static bool read_label(struct walk *w)
{
	struct slice *bytes = &w->network.bytes;
	bool is_bottom;

	if (bytes->length < 4)
		return end(w, DECODE_BAD_LINK);
	is_bottom = bytes->data[2] & 1;
	*bytes = (struct slice){bytes->data + 4, bytes->length - 4};
	if (is_bottom)
		w->network.ethertype = link_ip_ethertype(*bytes);
	return true;
}

/* RFC 2516: version and type, code, session, length of what follows, and that begins with a PPP
 * protocol number. */
static bool read_pppoe(struct walk *w)
{
	struct slice bytes = w->network.bytes;
	const uint8_t *h = bytes.data;
	struct slice payload;
	uint16_t protocol;

	if (bytes.length < 8 || h[0] != 0x11)
		return end(w, DECODE_BAD_LINK);
	payload = (struct slice){h + 6, bytes.length - 6};
	if (!fit(&payload, be16_load(h + 4), &w->packet->is_cut) || payload.length < 2)
		return end(w, DECODE_BAD_LINK);
	protocol = be16_load(h + 6);
	if (h[1] || (protocol != 0x0021 && protocol != 0x0057))
		return end(w, DECODE_OTHER);
	w->network.ethertype = protocol == 0x0021 ? ETH_P_IP : ETH_P_IPV6;
	w->network.bytes = (struct slice){h + 8, payload.length - 2};
	return true;
}

static bool read_network(struct walk *w)
{
	switch (w->network.ethertype) {
	case ETH_P_IP:
		return read_ipv4(w);
	case ETH_P_IPV6:
		return read_ipv6(w);
	case ETH_P_8021Q:
	case ETH_P_8021AD:
	case ETH_P_QINQ1:
		return read_tag(w);
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		return read_label(w);
	case ETH_P_PPP_SES:
		return read_pppoe(w);
	default:
		return end(w, DECODE_OTHER);
	}
}

static enum decode_result walk(struct walk *w)
{
	do {
		if (w->packet->nesting >= DECODE_NESTING_MAX)
			return DECODE_TOO_DEEP;
		w->packet->nesting++;
	} while (read_network(w));
	return w->result;
}

enum decode_result decode_network(const struct decode_options *options,
				  const struct network *network, bool is_cut, struct packet *packet)
{
	struct walk w = {.options = options, .packet = packet, .network = *network};

	*packet = (struct packet){.is_cut = is_cut};
	return walk(&w);
}

enum decode_result decode_transport(const struct decode_options *options, struct packet *packet)
{
	struct walk w = {.options = options, .packet = packet, .is_whole = true};
	bool is_on = packet->source.version == 6 ? read_extensions(&w) : read_transport(&w);

	return is_on ? walk(&w) : w.result;
}
