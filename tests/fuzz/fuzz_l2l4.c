/* SPDX-License-Identifier: BSD-3-Clause */
/* Link layer to transport: 4 bytes choose link type, tunnels and flags, the rest is the frame. */
#include <assert.h>
#include <string.h>

#include "net/classify.h"
#include "net/decode.h"
#include "net/link.h"

#define PCAP_PORT    9999
#define JMIRROR_PORT 30030

enum flag {
	FLAG_CUT = 1 << 0,
	FLAG_PCAP = 1 << 1,
	FLAG_JMIRROR = 1 << 2,
	FLAG_QUERIES = 1 << 3,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int dlts[] = {0, 1, 12, 101, 108, 113, 228, 229, 276, 105};
static const uint16_t cooked_types[] = {0x0800, 0x86dd, 0x8100, 0x8847, 0x8864, 0x0806};

static void check_address(const struct address *address, uint8_t version)
{
	static const uint8_t zero[12];

	assert(address->version == version);
	if (version == 4)
		assert(!memcmp(address->bytes + 4, zero, sizeof(zero)));
}

static void check_packet(enum decode_result result, const struct packet *packet, struct slice frame)
{
	assert(result <= DECODE_TOO_DEEP);
	assert(packet->nesting <= DECODE_NESTING_MAX);
	if (result > DECODE_FRAGMENT)
		return;
	assert(packet->nesting > 0);
	check_address(&packet->source, packet->source.version == 4 ? 4 : 6);
	check_address(&packet->destination, packet->source.version);
	assert(packet->payload.data >= frame.data);
	assert(packet->payload.data + packet->payload.length <= frame.data + frame.length);
	if (result == DECODE_FRAGMENT) {
		assert(!packet->source_port && !packet->destination_port);
		assert(packet->fragment_offset % 8 == 0 && packet->fragment_offset < 65536);
		assert(packet->fragment_offset || packet->more_fragments);
	} else {
		assert(packet->protocol == (result == DECODE_UDP ? 17 : 6));
	}
}

static bool is_wanted(enum decode_result result, const struct packet *packet)
{
	switch (result) {
	case DECODE_UDP:
		return packet->source_port == 53 && packet->payload.length > 2 &&
		       packet->payload.data[2] & 0x80;
	case DECODE_TCP:
		return packet->source_port == 53;
	case DECODE_FRAGMENT:
		return packet->protocol == 17 || packet->protocol == 6;
	default:
		return false;
	}
}

/* All that decode can make something of is admitted, and the key does not depend on what is wanted.
 */
static void check_classification(const struct decode_options *options, bool queries_wanted,
				 const struct network *network, bool is_certain)
{
	struct capture_settings settings = {
		.tunnels = options->tunnels,
		.pcap_port = options->pcap_port,
		.jmirror_port = options->jmirror_port,
		.queries_wanted = queries_wanted,
		.port_count = 1,
		.ports = {53},
	};
	struct classification by_split[3], again;

	for (settings.split = 0; settings.split < 3; settings.split++) {
		by_split[settings.split] = classify_network(&settings, network);
		assert(by_split[settings.split].is_admitted == by_split[0].is_admitted);
	}
	assert(by_split[0].is_admitted || !is_certain);
	settings.split = SPLIT_FLOW;
	settings.port_count = 0;
	again = classify_network(&settings, network);
	assert(again.key == by_split[SPLIT_FLOW].key);
	assert(!again.is_admitted || by_split[0].is_admitted);
}

/* What needs no excuse is not changed by one, but for tunnels that are known by a length. */
static void check_cut(const struct decode_options *options, const struct network *network,
		      enum decode_result result, const struct packet *packet)
{
	struct packet cut;

	if (result > DECODE_FRAGMENT || options->tunnels & (TUNNEL_GTPU | TUNNEL_TEREDO))
		return;
	assert(!packet->is_cut || options->tunnels & TUNNEL_ERSPAN);
	assert(decode_network(options, network, true, &cut) == result);
	assert(cut.payload.data == packet->payload.data);
	assert(cut.payload.length == packet->payload.length);
	assert(address_equal(&cut.source, &packet->source));
	assert(cut.source_port == packet->source_port);
	assert(cut.nesting == packet->nesting);
}

/* As if reassembly had given the payload of a fragment. */
static void check_whole(const struct decode_options *options, struct packet *packet,
			struct slice frame)
{
	struct address source = packet->source;
	const uint8_t *payload = packet->payload.data;
	enum decode_result result;

	packet->fragment_offset = 0;
	packet->more_fragments = false;
	result = decode_transport(options, packet);
	check_packet(result, packet, frame);
	assert(result != DECODE_FRAGMENT || packet->payload.data > payload);
	assert(result > DECODE_FRAGMENT || packet->nesting > 1 ||
	       address_equal(&source, &packet->source));
}

static enum link_type choose_link(uint8_t byte)
{
	const size_t count = sizeof(dlts) / sizeof(dlts[0]);
	size_t choice = byte % (count + 1);

	return choice == count ? LINK_COOKED : link_type_of_dlt(dlts[choice]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decode_options options = {0};
	struct network network;
	enum decode_result result;
	struct packet packet;
	struct slice frame;
	uint8_t flags;

	if (size < 4)
		return 0;
	flags = data[2];
	options.tunnels = data[1];
	options.pcap_port = flags & FLAG_PCAP ? PCAP_PORT : 0;
	options.jmirror_port = flags & FLAG_JMIRROR ? JMIRROR_PORT : 0;
	network.ethertype = cooked_types[data[3] % 6];
	frame = (struct slice){data + 4, size - 4};
	if (!link_strip(choose_link(data[0]), frame, &network))
		return 0;
	assert(network.bytes.data + network.bytes.length == frame.data + frame.length);
	result = decode_network(&options, &network, flags & FLAG_CUT, &packet);
	check_packet(result, &packet, frame);
	check_classification(&options, flags & FLAG_QUERIES, &network, is_wanted(result, &packet));
	if (!(flags & FLAG_CUT))
		check_cut(&options, &network, result, &packet);
	if (result == DECODE_FRAGMENT)
		check_whole(&options, &packet, frame);
	return 0;
}
