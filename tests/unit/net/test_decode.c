/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "net/decode.h"
#include "tests/lib/recipe.h"

static const struct decode_options all = {
	.tunnels = TUNNEL_ALL,
	.pcap_port = RECIPE_PCAP_PORT,
	.jmirror_port = RECIPE_JMIRROR_PORT,
};
static const struct decode_options none;

static struct build b;

/* Each of these is a DNS response in UDP, once all tunnels are open. */
static const char *const udp_recipes[] = {
	"dns udp ip4 eth",
	"dns udp ip6 eth",
	"dns udp zero ip4 eth",
	"dns udp ip4 pad eth",
	"dns udp ip6 pad eth",
	"dns udp ip4 vlan eth",
	"dns udp ip6 vlan qinq eth",
	"dns udp ip4 vlan qinq q9100 eth",
	"dns udp ip4 mpls eth",
	"dns udp ip6 mpls mpls mpls vlan eth",
	"dns udp ip4 pppoe eth",
	"dns udp ip6 pppoe pad vlan eth",
	"dns udp ip4 sll",
	"dns udp ip6 vlan sll2",
	"dns udp ip4 null",
	"dns udp ip6 null",
	"dns udp ip4",
	"dns udp ip6",
	"dns udp hop ip6 eth",
	"dns udp dest mobility shim6 hip ah routing dest hop ip6 eth",
	"dns udp atomic ip6 eth",
	"dns udp dest atomic hop ip6 eth",
	"dns udp ip4 gre out4 eth",
	"dns udp ip6 gre out4 eth",
	"dns udp ip4 grekey out6 eth",
	"dns udp ip4 nvgre out4 eth",
	"dns udp ip4 mpls gre out4 eth",
	"dns udp ip4 erspan1 out4 eth",
	"dns udp ip4 vlan erspan2 out4 vlan eth",
	"dns udp ip6 erspan3 out4 eth",
	"dns udp ip4 vxlan out4 eth",
	"dns udp ip6 vlan vxlan out6 vlan eth",
	"dns udp ip4 geneve out4 eth",
	"dns udp ip6 geneve out6 eth",
	"dns udp ip4 geneve-eth out4 eth",
	"dns udp ip4 gtpu out4 eth",
	"dns udp ip6 gtpu out6 eth",
	"dns udp ip4 out4 eth",
	"dns udp ip4 out6 eth",
	"dns udp ip6 out4 eth",
	"dns udp ip6 out6 eth",
	"dns udp ip6 teredo out4 eth",
	"dns udp ip6 teredo-bare out4 eth",
	"dns udp ip4 pcap out4 eth",
	"dns udp ip6 pcap out6 eth",
	"dns udp ip4 jmirror out4 eth",
	"dns udp ip6 jmirror out4 eth",
	"dns udp ip6 gre ip4 vxlan out6 dest out6 eth",
	"dns udp ip4 pcap out4 jmirror out4 vlan eth",
};
static const size_t udp_recipe_count = sizeof(udp_recipes) / sizeof(udp_recipes[0]);

static enum decode_result decode_slice(enum link_type link, struct slice frame,
				       const struct decode_options *options, bool is_cut,
				       struct packet *packet)
{
	struct network network;

	memset(packet, 0xa5, sizeof(*packet));
	if (!link_strip(link, frame, &network))
		return DECODE_BAD_LINK;
	return decode_network(options, &network, is_cut, packet);
}

/* The first length bytes of the frame in b, in memory that ends where they end. */
static enum decode_result decode_prefix(enum link_type link, size_t length,
					const struct decode_options *options, bool is_cut,
					struct packet *packet)
{
	struct slice frame = build_frame(&b);
	uint8_t *copy = malloc(length ? length : 1);
	enum decode_result result;
	size_t at;

	memcpy(copy, frame.data, length);
	result = decode_slice(link, (struct slice){copy, length}, options, is_cut, packet);
	if (result <= DECODE_FRAGMENT) {
		assert_true(packet->payload.data >= copy);
		at = (size_t)(packet->payload.data - copy);
		assert_true(at + packet->payload.length <= length);
		packet->payload.data = frame.data + at;
	}
	assert_true(packet->nesting <= DECODE_NESTING_MAX || result == DECODE_BAD_LINK);
	free(copy);
	return result;
}

/* The frame in b, whole. */
static enum decode_result decode_built(struct packet *packet)
{
	return decode_prefix(LINK_ETHERNET, build_frame(&b).length, &all, false, packet);
}

static enum decode_result decode(const char *recipe, const struct decode_options *options,
				 struct packet *packet)
{
	recipe_build(&b, recipe);
	return decode_prefix(recipe_link(recipe), build_frame(&b).length, options, false, packet);
}

static uint8_t *byte_at(size_t offset)
{
	return b.room + b.start + offset;
}

static void check_addresses(const struct packet *packet, const char *source,
			    const char *destination)
{
	char text[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format(&packet->source, text), source);
	assert_string_equal(address_format(&packet->destination, text), destination);
}

static void check_inner_addresses(const struct packet *packet)
{
	if (packet->source.version == 4)
		check_addresses(packet, "192.0.2.53", "198.51.100.7");
	else
		check_addresses(packet, "2001:db8::53", "2001:db8::7");
}

static void check_dns(const struct packet *packet)
{
	check_inner_addresses(packet);
	assert_int_equal(packet->source_port, 53);
	assert_int_equal(packet->destination_port, 4444);
	assert_int_equal(packet->payload.length, sizeof(recipe_dns));
	assert_memory_equal(packet->payload.data, recipe_dns, sizeof(recipe_dns));
}

static void test_decode_finds_the_datagram_in_every_frame(void **state)
{
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < udp_recipe_count; i++) {
		assert_int_equal(decode(udp_recipes[i], &all, &packet), DECODE_UDP);
		check_dns(&packet);
		assert_int_equal(packet.protocol, 17);
		assert_false(packet.is_cut);
	}
}

static void test_decode_without_tunnels_stays_outside(void **state)
{
	struct packet packet;
	enum decode_result result;

	(void)state;
	for (size_t i = 0; i < udp_recipe_count; i++) {
		if (!strstr(udp_recipes[i], " out"))
			continue;
		result = decode(udp_recipes[i], &none, &packet);
		assert_true(result == DECODE_UDP || result == DECODE_OTHER);
		if (packet.source.version == 4)
			check_addresses(&packet, "203.0.113.1", "203.0.113.2");
		else
			check_addresses(&packet, "2001:db8:f::1", "2001:db8:f::2");
		assert_true(packet.source_port != 53);
	}
}

static void test_decode_of_a_prefix_never_reads_beyond_it(void **state)
{
	enum decode_result result;
	enum link_type link;
	struct packet packet;
	size_t whole;

	(void)state;
	for (size_t i = 0; i < udp_recipe_count; i++) {
		recipe_build(&b, udp_recipes[i]);
		link = recipe_link(udp_recipes[i]);
		whole = build_frame(&b).length - (strstr(udp_recipes[i], "pad") ? 7 : 0);
		for (size_t length = 0; length < whole; length++) {
			result = decode_prefix(link, length, &all, false, &packet);
			assert_true(result > DECODE_FRAGMENT);
			result = decode_prefix(link, length, &all, true, &packet);
			if (result != DECODE_UDP || packet.source_port != 53)
				continue;
			check_inner_addresses(&packet);
			assert_true(packet.is_cut);
			assert_int_equal(packet.payload.length,
					 sizeof(recipe_dns) - (whole - length));
			assert_memory_equal(packet.payload.data, recipe_dns, packet.payload.length);
		}
	}
}

static void test_decode_uses_a_cut_packet_as_far_as_it_goes(void **state)
{
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < udp_recipe_count; i++) {
		recipe_build(&b, udp_recipes[i]);
		if (strstr(udp_recipes[i], "pad"))
			continue;
		assert_int_equal(decode_prefix(recipe_link(udp_recipes[i]),
					       build_frame(&b).length - 20, &all, true, &packet),
				 DECODE_UDP);
		assert_int_equal(packet.source_port, 53);
		assert_int_equal(packet.payload.length, sizeof(recipe_dns) - 20);
		assert_true(packet.is_cut);
	}
}

static void test_decode_of_a_frame_cut_in_its_padding_is_not_cut(void **state)
{
	struct packet packet;
	size_t length;

	(void)state;
	recipe_build(&b, "dns udp ip4 pad vlan eth");
	length = build_frame(&b).length;
	for (size_t missing = 0; missing <= 7; missing++) {
		assert_int_equal(
			decode_prefix(LINK_ETHERNET, length - missing, &all, true, &packet),
			DECODE_UDP);
		check_dns(&packet);
		assert_false(packet.is_cut);
	}
}

static void test_decode_of_every_changed_byte_stays_inside(void **state)
{
	struct packet packet;
	size_t headers;
	uint8_t saved;

	(void)state;
	for (size_t i = 0; i < udp_recipe_count; i++) {
		recipe_build(&b, udp_recipes[i]);
		headers = build_frame(&b).length - sizeof(recipe_dns);
		for (size_t at = 0; at < headers; at++) {
			saved = *byte_at(at);
			for (unsigned int value = 0; value < 256; value += 5) {
				*byte_at(at) = (uint8_t)value;
				decode_prefix(recipe_link(udp_recipes[i]), build_frame(&b).length,
					      &all, value & 1, &packet);
			}
			*byte_at(at) = saved;
		}
	}
}

static void test_decode_reads_tcp(void **state)
{
	static const char *const recipes[] = {"dns tcp ip4 eth", "dns tcp hop ip6 vlan eth",
					      "dns tcp ip4 vxlan out6 eth"};
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(decode(recipes[i], &all, &packet), DECODE_TCP);
		check_dns(&packet);
		assert_int_equal(packet.protocol, 6);
		assert_int_equal(packet.tcp_sequence, 0x01020304);
		assert_int_equal(packet.tcp_flags, 0x18);
	}
}

static void test_decode_tcp_options_are_skipped(void **state)
{
	struct packet packet;

	(void)state;
	for (uint8_t words = 0; words < 16; words++) {
		recipe_build(&b, "dns tcp ip4 eth");
		*byte_at(14 + 20 + 12) = (uint8_t)(words << 4);
		if (words < 5) {
			assert_int_equal(decode_built(&packet), DECODE_BAD_TCP);
			continue;
		}
		assert_int_equal(decode_built(&packet), DECODE_TCP);
		assert_int_equal(packet.payload.length,
				 sizeof(recipe_dns) - ((size_t)words - 5) * 4);
	}
}

static void test_decode_tcp_without_payload_is_no_error(void **state)
{
	struct packet packet;

	(void)state;
	build_start(&b, "", 0);
	recipe_build(&b, "tcp ip4 eth");
	assert_int_equal(decode_built(&packet), DECODE_TCP);
	assert_int_equal(packet.payload.length, 0);
	recipe_build(&b, "dns tcp ip4 eth");
	*byte_at(14 + 3) = 20 + 20 + 11;
	*byte_at(14 + 20 + 12) = 8 << 4;
	assert_int_equal(decode_built(&packet), DECODE_BAD_TCP);
	*byte_at(14 + 3) = 20 + 19;
	assert_int_equal(decode_built(&packet), DECODE_BAD_TCP);
}

static void test_decode_ipv4_options_are_skipped(void **state)
{
	struct packet packet;

	(void)state;
	for (uint8_t words = 0; words < 16; words++) {
		recipe_build(&b, "dns udp");
		for (uint8_t i = 5; i < words; i++)
			build_header(&b, "\1\1\1\0", 4, 17, 0);
		recipe_build(&b, "zero ip4 eth");
		*byte_at(14) = (uint8_t)(0x40 | words);
		if (words < 5) {
			assert_int_equal(decode_built(&packet), DECODE_BAD_IPV4);
			continue;
		}
		assert_int_equal(decode_built(&packet), DECODE_UDP);
		check_dns(&packet);
	}
}

static void set_ipv4_length(uint16_t length)
{
	be16_store(byte_at(14 + 2), length);
}

static void test_decode_checks_ipv4_lengths(void **state)
{
	const uint16_t whole = 20 + 8 + sizeof(recipe_dns);
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp ip4 eth");
	set_ipv4_length(whole + 1);
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV4);
	assert_int_equal(decode_prefix(LINK_ETHERNET, 14U + whole, &all, true, &packet),
			 DECODE_UDP);
	check_dns(&packet);
	assert_false(packet.is_cut);
	set_ipv4_length(19);
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV4);
	set_ipv4_length(1);
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV4);
	set_ipv4_length(20);
	assert_int_equal(decode_built(&packet), DECODE_BAD_UDP);
	set_ipv4_length(whole - 1);
	assert_int_equal(decode_built(&packet), DECODE_BAD_UDP);
	set_ipv4_length(whole);
	*byte_at(14) = 0x4f;
	set_ipv4_length(59);
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV4);
}

static void test_decode_checks_the_ip_version(void **state)
{
	struct packet packet;

	(void)state;
	for (uint8_t version = 0; version < 16; version++) {
		recipe_build(&b, "dns udp ip4 eth");
		*byte_at(14) = (uint8_t)(version << 4 | 5);
		assert_int_equal(decode_built(&packet),
				 version == 4 ? DECODE_UDP : DECODE_BAD_IPV4);
		recipe_build(&b, "dns udp ip6 eth");
		*byte_at(14) = (uint8_t)(version << 4);
		assert_int_equal(decode_built(&packet),
				 version == 6 ? DECODE_UDP : DECODE_BAD_IPV6);
	}
}

static void test_decode_checks_ipv6_lengths(void **state)
{
	const uint16_t whole = 8 + sizeof(recipe_dns);
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp ip6 eth");
	be16_store(byte_at(14 + 4), whole + 1);
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV6);
	be16_store(byte_at(14 + 4), whole - 1);
	assert_int_equal(decode_built(&packet), DECODE_BAD_UDP);
	be16_store(byte_at(14 + 4), 7);
	assert_int_equal(decode_built(&packet), DECODE_BAD_UDP);
	be16_store(byte_at(14 + 4), 0);
	assert_int_equal(decode_built(&packet), DECODE_BAD_UDP);
}

static void check_udp_length(const char *recipe, size_t field_at, uint16_t udp_length, bool is_cut,
			     enum decode_result expected, size_t payload)
{
	struct packet packet;

	recipe_build(&b, recipe);
	be16_store(byte_at(field_at), udp_length);
	assert_int_equal(
		decode_prefix(LINK_ETHERNET, build_frame(&b).length, &all, is_cut, &packet),
		expected);
	if (expected == DECODE_UDP)
		assert_int_equal(packet.payload.length, payload);
}

static void test_decode_checks_the_udp_length(void **state)
{
	static const char *const recipes[] = {"dns udp ip4 eth", "dns udp ip6 eth"};
	const uint16_t whole = 8 + sizeof(recipe_dns);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t at = 14U + (i ? 40 : 20) + 4;

		check_udp_length(recipes[i], at, whole + 1, false, DECODE_BAD_UDP, 0);
		check_udp_length(recipes[i], at, whole + 1, true, DECODE_BAD_UDP, 0);
		check_udp_length(recipes[i], at, whole, false, DECODE_UDP, sizeof(recipe_dns));
		check_udp_length(recipes[i], at, whole - 1, false, DECODE_UDP,
				 sizeof(recipe_dns) - 1);
		check_udp_length(recipes[i], at, 8, false, DECODE_UDP, 0);
		for (uint16_t length = 0; length < 8; length++)
			check_udp_length(recipes[i], at, length, length & 1, DECODE_BAD_UDP, 0);
		check_udp_length(recipes[i], at, 0xffff, false, DECODE_BAD_UDP, 0);
	}
}

static uint8_t big_payload[100000];

static void check_big(enum decode_result result, enum decode_result expected,
		      const struct packet *packet)
{
	assert_int_equal(result, expected);
	check_inner_addresses(packet);
	assert_int_equal(packet->source_port, 53);
	assert_int_equal(packet->payload.length, sizeof(big_payload));
	assert_false(packet->is_cut);
}

static void test_decode_big_tcp_takes_all_that_was_captured(void **state)
{
	struct packet packet;

	(void)state;
	build_start(&b, big_payload, sizeof(big_payload));
	recipe_build(&b, "tcp ip4 eth");
	check_big(decode_built(&packet), DECODE_TCP, &packet);
	build_start(&b, big_payload, sizeof(big_payload));
	recipe_build(&b, "tcp ip6 vlan eth");
	check_big(decode_built(&packet), DECODE_TCP, &packet);
	assert_int_equal(decode_prefix(LINK_ETHERNET, 1000, &all, true, &packet), DECODE_TCP);
	assert_int_equal(packet.payload.length, 1000 - 18 - 40 - 20);
	assert_true(packet.is_cut);
}

static void test_decode_big_udp_takes_all_that_was_captured(void **state)
{
	struct packet packet;

	(void)state;
	build_start(&b, big_payload, sizeof(big_payload));
	recipe_build(&b, "udp ip4 eth");
	check_big(decode_built(&packet), DECODE_UDP, &packet);
}

static void build_jumbogram(const char *transport, const uint8_t *options, uint32_t excess)
{
	uint8_t hop[16] = {0};

	build_start(&b, big_payload, sizeof(big_payload));
	recipe_build(&b, transport);
	hop[0] = b.next;
	hop[1] = 1;
	memcpy(hop + 2, options, 14);
	for (int i = 2; i + 6 <= 16; i++)
		if (hop[i] == 0xc2)
			be32_store(hop + i + 2, (uint32_t)(b.end - b.start) + 16 + excess);
	build_header(&b, hop, sizeof(hop), 0, 0);
	recipe_build(&b, "zero ip6 eth");
}

static void test_decode_reads_jumbograms(void **state)
{
	static const uint8_t first[14] = {0xc2, 4, 0, 0, 0, 0, 1, 6};
	static const uint8_t behind_padding[14] = {0, 1, 3, 0, 0, 0, 0, 0, 0xc2, 4};
	struct packet packet;

	(void)state;
	build_jumbogram("udp", first, 0);
	check_big(decode_built(&packet), DECODE_UDP, &packet);
	build_jumbogram("tcp", behind_padding, 0);
	check_big(decode_built(&packet), DECODE_TCP, &packet);
	build_jumbogram("udp", first, 1);
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV6);
	build_jumbogram("udp", first, 0);
	assert_int_equal(decode_prefix(LINK_ETHERNET, 500, &all, true, &packet), DECODE_UDP);
	assert_true(packet.is_cut);
}

static void test_decode_rejects_jumbograms_without_length(void **state)
{
	static const uint8_t padding[14] = {1, 12};
	static const uint8_t wrong_length[14] = {0xc2, 3, 0, 0, 0, 0, 0, 1, 5};
	static const uint8_t beyond[14] = {1, 200};
	struct packet packet;

	(void)state;
	build_jumbogram("udp", padding, 0);
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV6);
	build_jumbogram("udp", wrong_length, 0);
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV6);
	build_jumbogram("tcp", beyond, 0);
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV6);
	build_jumbogram("tcp", padding, 0);
	for (size_t length = 14; length < 100; length++)
		assert_int_equal(decode_prefix(LINK_ETHERNET, length, &all, false, &packet),
				 DECODE_BAD_IPV6);
}

static void test_decode_gives_fragments(void **state)
{
	struct packet packet;

	(void)state;
	assert_int_equal(decode("dns udp frag4 pad eth", &all, &packet), DECODE_FRAGMENT);
	check_inner_addresses(&packet);
	assert_int_equal(packet.protocol, 17);
	assert_int_equal(packet.source_port, 0);
	assert_int_equal(packet.fragment_id, 0x1234);
	assert_int_equal(packet.fragment_offset, 0);
	assert_true(packet.more_fragments);
	assert_int_equal(packet.payload.length, 24);
	assert_int_equal(decode("dns udp last6 vlan eth", &all, &packet), DECODE_FRAGMENT);
	check_inner_addresses(&packet);
	assert_int_equal(packet.protocol, 17);
	assert_int_equal(packet.fragment_id, 0x12345678);
	assert_int_equal(packet.fragment_offset, 24);
	assert_false(packet.more_fragments);
	assert_int_equal(packet.payload.length, 8 + sizeof(recipe_dns) - 24);
	assert_memory_equal(packet.payload.data, recipe_dns + 16, packet.payload.length);
}

static void test_decode_gives_inner_fragments_without_outer_ports(void **state)
{
	struct packet packet;

	(void)state;
	assert_int_equal(decode("dns udp last4 vxlan out6 eth", &all, &packet), DECODE_FRAGMENT);
	check_inner_addresses(&packet);
	assert_int_equal(packet.source_port, 0);
	assert_int_equal(packet.destination_port, 0);
	assert_int_equal(packet.fragment_offset, 24);
	assert_int_equal(packet.protocol, 17);
}

static void test_decode_fragment_offsets_are_in_bytes(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp last4 eth");
	be16_store(byte_at(14 + 6), 0x9fff); /* the reserved bit and the last offset */
	assert_int_equal(decode_built(&packet), DECODE_FRAGMENT);
	assert_int_equal(packet.fragment_offset, 65528);
	assert_false(packet.more_fragments);
	recipe_build(&b, "dns udp last6 eth");
	be16_store(byte_at(14 + 40 + 2), 0xffff);
	assert_int_equal(decode_built(&packet), DECODE_FRAGMENT);
	assert_int_equal(packet.fragment_offset, 65528);
	assert_true(packet.more_fragments);
}

static void test_decode_fragment_may_be_cut(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp frag4 eth");
	assert_int_equal(
		decode_prefix(LINK_ETHERNET, build_frame(&b).length - 1, &all, true, &packet),
		DECODE_FRAGMENT);
	assert_true(packet.is_cut);
	assert_int_equal(packet.payload.length, 23);
	set_ipv4_length(0);
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV4);
	recipe_build(&b, "dns tcp frag6 eth");
	for (size_t cut = 14; cut < 14 + 40 + 8; cut++)
		assert_int_equal(decode_prefix(LINK_ETHERNET, cut, &all, true, &packet),
				 DECODE_BAD_IPV6);
}

static void test_decode_gives_fragments_behind_extensions(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp dest");
	build_header(&b, (uint8_t[8]){60, 0, 0, 1, 0, 0, 0, 9}, 8, 44, 0);
	recipe_build(&b, "hop routing zero ip6 eth");
	assert_int_equal(decode_built(&packet), DECODE_FRAGMENT);
	assert_int_equal(packet.protocol, 60);
	assert_int_equal(packet.fragment_id, 9);
	assert_true(packet.more_fragments);
	assert_int_equal(packet.payload.length, 16 + 8 + sizeof(recipe_dns));
}

static void build_chain(int extensions)
{
	recipe_build(&b, "dns udp");
	for (int i = 0; i < extensions; i++)
		recipe_build(&b, i % 2 ? "dest" : "ah");
	recipe_build(&b, "ip6 eth");
}

static void test_decode_bounds_the_extension_headers(void **state)
{
	struct packet packet;

	(void)state;
	for (int i = 0; i < 20; i++) {
		build_chain(i);
		assert_int_equal(decode_built(&packet),
				 i <= DECODE_EXTENSIONS_MAX ? DECODE_UDP : DECODE_TOO_DEEP);
	}
}

static void test_decode_rejects_extensions_beyond_the_payload(void **state)
{
	static const char *const recipes[] = {"dns udp hop ip6 eth", "dns udp ah ip6 eth"};
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		recipe_build(&b, recipes[i]);
		*byte_at(14 + 40 + 1) = 0xff;
		assert_int_equal(decode_built(&packet), DECODE_BAD_IPV6);
	}
}

static void check_other(const char *recipe, size_t at, uint8_t value)
{
	struct packet packet;

	recipe_build(&b, recipe);
	*byte_at(at) = value;
	assert_int_equal(decode_built(&packet), DECODE_OTHER);
}

static void test_decode_leaves_other_protocols(void **state)
{
	(void)state;
	check_other("dns udp ip4 eth", 14 + 9, 1);
	check_other("dns udp ip6 eth", 14 + 6, 58);
	check_other("dns udp ip6 eth", 14 + 6, 59);
	check_other("dns udp ip6 eth", 14 + 6, 50);
	check_other("dns udp hop ip6 eth", 14 + 40, 59);
	check_other("dns udp ip4 eth", 14 + 9, 60);
	check_other("dns udp ip4 eth", 13, 6);
	check_other("dns udp ip4 eth", 12, 0);
	check_other("dns udp ip4 mpls eth", 14 + 4, 0x00);
	check_other("dns udp ip4 pppoe eth", 14 + 6, 0xc0);
	check_other("dns udp ip4 pppoe eth", 14 + 1, 0x09);
}

static void test_decode_checks_pppoe(void **state)
{
	struct packet packet;
	size_t length;

	(void)state;
	recipe_build(&b, "dns udp ip4 pppoe eth");
	length = build_frame(&b).length;
	*byte_at(14) = 0x12;
	assert_int_equal(decode_built(&packet), DECODE_BAD_LINK);
	*byte_at(14) = 0x11;
	be16_store(byte_at(14 + 4), (uint16_t)(length - 14 - 6 + 1));
	assert_int_equal(decode_built(&packet), DECODE_BAD_LINK);
	be16_store(byte_at(14 + 4), 1);
	assert_int_equal(decode_built(&packet), DECODE_BAD_LINK);
	be16_store(byte_at(14 + 4), (uint16_t)(length - 14 - 6 - 1));
	assert_int_equal(decode_built(&packet), DECODE_BAD_IPV4);
}

static void build_tags(int tags, const char *word)
{
	recipe_build(&b, "dns udp ip4");
	for (int i = 0; i < tags; i++)
		recipe_build(&b, word);
	recipe_build(&b, "eth");
}

static void test_decode_bounds_tags_and_labels(void **state)
{
	static const char *const words[] = {"vlan", "qinq", "q9100", "mpls"};
	struct packet packet;

	(void)state;
	for (int tags = 0; tags < 20; tags++) {
		for (size_t i = 0; i < 4; i++) {
			build_tags(tags, words[i]);
			assert_int_equal(decode_built(&packet),
					 tags < DECODE_NESTING_MAX ? DECODE_UDP : DECODE_TOO_DEEP);
			if (tags < DECODE_NESTING_MAX)
				assert_int_equal(packet.nesting, tags + 1);
		}
	}
}

static enum decode_result decode_tunnels(int count, const char *word, struct packet *packet)
{
	recipe_build(&b, "dns udp ip4");
	for (int i = 0; i < count; i++)
		recipe_build(&b, word);
	recipe_build(&b, "eth");
	return decode_built(packet);
}

static void test_decode_bounds_tunnels(void **state)
{
	static const char *const two_headers[] = {"gre out4",  "nvgre out6",   "vxlan out4",
						  "gtpu out6", "jmirror out4", "pcap out4"};
	struct packet packet;

	(void)state;
	for (int count = 0; count < 12; count++) {
		assert_int_equal(decode_tunnels(count, "out4", &packet),
				 count < DECODE_NESTING_MAX ? DECODE_UDP : DECODE_TOO_DEEP);
		for (size_t i = 0; i < 6; i++)
			assert_int_equal(decode_tunnels(count, two_headers[i], &packet),
					 1 + 2 * count <= DECODE_NESTING_MAX ? DECODE_UDP
									     : DECODE_TOO_DEEP);
	}
}

/* A datagram's payload as reassembly would give it: what is in b, behind the IP header of
 * fragments. */
static enum decode_result decode_whole(uint8_t version, uint8_t protocol, uint8_t nesting,
				       struct packet *packet)
{
	*packet = (struct packet){.protocol = protocol, .nesting = nesting};
	address_parse(version == 4 ? "192.0.2.53" : "2001:db8::53", &packet->source);
	address_parse(version == 4 ? "198.51.100.7" : "2001:db8::7", &packet->destination);
	packet->payload = build_frame(&b);
	return decode_transport(&all, packet);
}

static void test_decode_transport_goes_on_behind_reassembly(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp");
	assert_int_equal(decode_whole(4, 17, 3, &packet), DECODE_UDP);
	check_dns(&packet);
	assert_int_equal(packet.nesting, 3);
	recipe_build(&b, "dns tcp");
	assert_int_equal(decode_whole(6, 6, 1, &packet), DECODE_TCP);
	check_dns(&packet);
	recipe_build(&b, "dns udp dest ah");
	assert_int_equal(decode_whole(6, 51, 1, &packet), DECODE_UDP);
	check_dns(&packet);
	assert_int_equal(decode_whole(4, 51, 1, &packet), DECODE_OTHER);
}

static void test_decode_transport_opens_tunnels(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp last6 gre");
	assert_int_equal(decode_whole(4, 47, 1, &packet), DECODE_FRAGMENT);
	check_inner_addresses(&packet);
	assert_int_equal(packet.fragment_offset, 24);
	assert_int_equal(packet.nesting, 3);
	recipe_build(&b, "dns udp ip4 vxlan");
	assert_int_equal(decode_whole(6, 17, 6, &packet), DECODE_UDP);
	check_dns(&packet);
	assert_int_equal(packet.nesting, DECODE_NESTING_MAX);
	assert_int_equal(decode_whole(6, 17, 7, &packet), DECODE_TOO_DEEP);
	assert_int_equal(decode_whole(6, 17, 8, &packet), DECODE_TOO_DEEP);
}

static void test_decode_transport_gives_no_fragment_of_a_whole_datagram(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp atomic");
	assert_int_equal(decode_whole(6, 44, 1, &packet), DECODE_UDP);
	*byte_at(3) = 1;
	assert_int_equal(decode_whole(6, 44, 1, &packet), DECODE_BAD_IPV6);
}

static void test_decode_transport_checks_the_udp_length(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp");
	be16_store(byte_at(4), 8 + sizeof(recipe_dns) + 1);
	assert_int_equal(decode_whole(4, 17, 1, &packet), DECODE_BAD_UDP);
	be16_store(byte_at(4), 0);
	assert_int_equal(decode_whole(4, 17, 1, &packet), DECODE_BAD_UDP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode_finds_the_datagram_in_every_frame),
		cmocka_unit_test(test_decode_without_tunnels_stays_outside),
		cmocka_unit_test(test_decode_of_a_prefix_never_reads_beyond_it),
		cmocka_unit_test(test_decode_uses_a_cut_packet_as_far_as_it_goes),
		cmocka_unit_test(test_decode_of_a_frame_cut_in_its_padding_is_not_cut),
		cmocka_unit_test(test_decode_of_every_changed_byte_stays_inside),
		cmocka_unit_test(test_decode_reads_tcp),
		cmocka_unit_test(test_decode_tcp_options_are_skipped),
		cmocka_unit_test(test_decode_tcp_without_payload_is_no_error),
		cmocka_unit_test(test_decode_ipv4_options_are_skipped),
		cmocka_unit_test(test_decode_checks_ipv4_lengths),
		cmocka_unit_test(test_decode_checks_the_ip_version),
		cmocka_unit_test(test_decode_checks_ipv6_lengths),
		cmocka_unit_test(test_decode_checks_the_udp_length),
		cmocka_unit_test(test_decode_big_tcp_takes_all_that_was_captured),
		cmocka_unit_test(test_decode_big_udp_takes_all_that_was_captured),
		cmocka_unit_test(test_decode_reads_jumbograms),
		cmocka_unit_test(test_decode_rejects_jumbograms_without_length),
		cmocka_unit_test(test_decode_gives_fragments),
		cmocka_unit_test(test_decode_gives_inner_fragments_without_outer_ports),
		cmocka_unit_test(test_decode_fragment_offsets_are_in_bytes),
		cmocka_unit_test(test_decode_fragment_may_be_cut),
		cmocka_unit_test(test_decode_gives_fragments_behind_extensions),
		cmocka_unit_test(test_decode_bounds_the_extension_headers),
		cmocka_unit_test(test_decode_rejects_extensions_beyond_the_payload),
		cmocka_unit_test(test_decode_leaves_other_protocols),
		cmocka_unit_test(test_decode_checks_pppoe),
		cmocka_unit_test(test_decode_bounds_tags_and_labels),
		cmocka_unit_test(test_decode_bounds_tunnels),
		cmocka_unit_test(test_decode_transport_goes_on_behind_reassembly),
		cmocka_unit_test(test_decode_transport_opens_tunnels),
		cmocka_unit_test(test_decode_transport_gives_no_fragment_of_a_whole_datagram),
		cmocka_unit_test(test_decode_transport_checks_the_udp_length),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
