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

static struct build b;

static enum decode_result decode_with(const struct decode_options *options, bool is_cut,
				      struct packet *packet)
{
	struct slice frame = build_frame(&b);
	uint8_t *copy = malloc(frame.length);
	struct network network = {{copy, frame.length}, b.ethertype};
	enum decode_result result;

	memcpy(copy, frame.data, frame.length);
	result = decode_network(options, &network, is_cut, packet);
	if (packet->payload.data)
		packet->payload.data = frame.data + (packet->payload.data - copy);
	free(copy);
	return result;
}

static enum decode_result decode_mask(uint32_t tunnels, struct packet *packet)
{
	return decode_with(&(struct decode_options){.tunnels = tunnels}, false, packet);
}

static uint8_t *byte_at(size_t offset)
{
	return b.room + b.start + offset;
}

static bool is_dns(const struct packet *packet)
{
	return packet->source_port == 53 && packet->destination_port == 4444 &&
	       packet->payload.length == sizeof(recipe_dns) &&
	       !memcmp(packet->payload.data, recipe_dns, sizeof(recipe_dns));
}

static const struct {
	const char *recipe;
	uint32_t tunnel;
} kinds[] = {
	{"dns udp ip4 gre out4", TUNNEL_GRE},
	{"dns udp ip4 nvgre out6", TUNNEL_GRE},
	{"dns udp ip4 erspan1 out4", TUNNEL_ERSPAN},
	{"dns udp ip4 erspan2 out4", TUNNEL_ERSPAN},
	{"dns udp ip4 erspan3 out4", TUNNEL_ERSPAN},
	{"dns udp ip4 vxlan out4", TUNNEL_VXLAN},
	{"dns udp ip4 geneve out4", TUNNEL_GENEVE},
	{"dns udp ip4 gtpu out4", TUNNEL_GTPU},
	{"dns udp ip4 out4", TUNNEL_IPIP},
	{"dns udp ip4 out6", TUNNEL_IPIP},
	{"dns udp ip6 out4", TUNNEL_6IN4},
	{"dns udp ip6 out6", TUNNEL_6IN4},
	{"dns udp ip6 teredo out4", TUNNEL_TEREDO},
	{"dns udp ip6 teredo-bare out4", TUNNEL_TEREDO},
};
static const size_t kind_count = sizeof(kinds) / sizeof(kinds[0]);

static void test_tunnel_opens_by_its_own_bit_alone(void **state)
{
	enum decode_result result;
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < kind_count; i++) {
		recipe_build(&b, kinds[i].recipe);
		assert_int_equal(decode_mask(kinds[i].tunnel, &packet), DECODE_UDP);
		assert_true(is_dns(&packet));
		result = decode_mask(TUNNEL_ALL & ~kinds[i].tunnel, &packet);
		assert_true(result == DECODE_UDP || result == DECODE_OTHER);
		assert_false(is_dns(&packet));
	}
}

static void test_tunnel_vxlan_has_two_ports(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp ip4 vxlan out4");
	be16_store(byte_at(20 + 2), 8472);
	assert_int_equal(decode_mask(TUNNEL_VXLAN, &packet), DECODE_UDP);
	assert_true(is_dns(&packet));
}

static void test_tunnel_ports_count_as_destination(void **state)
{
	static const uint16_t ports[] = {4789, 8472, 6081, 2152};
	struct packet packet;

	(void)state;
	for (size_t i = 5; i < 8; i++) {
		for (size_t j = 0; j < 4; j++) {
			recipe_build(&b, kinds[i].recipe);
			be16_store(byte_at(20), ports[j]);
			be16_store(byte_at(20 + 2), 40000);
			assert_int_equal(decode_mask(TUNNEL_ALL, &packet), DECODE_UDP);
			assert_int_equal(packet.source_port, ports[j]);
		}
	}
}

/* GRE with these flags, and the optional fields that they stand for. */
static void build_gre_flags(uint16_t flags, const uint8_t *routes, size_t routes_length)
{
	uint8_t header[64] = {0};
	size_t length = 4;

	length += flags & 0xc000 ? 4 : 0;
	length += flags & 0x2000 ? 4 : 0;
	length += flags & 0x1000 ? 4 : 0;
	if (routes_length)
		memcpy(header + length, routes, routes_length);
	recipe_build(&b, "dns udp ip4");
	be16_store(header, flags);
	be16_store(header + 2, 0x0800);
	build_header(&b, header, length + routes_length, 47, 0);
	recipe_build(&b, "out4");
}

static void test_gre_optional_fields_are_skipped(void **state)
{
	struct packet packet;

	(void)state;
	for (unsigned int bits = 0; bits < 8; bits++) {
		uint16_t flags = (uint16_t)((bits & 4) << 13 | (bits & 3) << 12);

		build_gre_flags(flags, NULL, 0);
		assert_int_equal(decode_mask(TUNNEL_GRE, &packet), DECODE_UDP);
		assert_true(is_dns(&packet));
	}
}

static void test_gre_routes_are_skipped(void **state)
{
	static const uint8_t routes[] = {8, 0, 0, 4, 1, 2, 3, 4, 8, 0, 0, 1, 9, 0, 0, 0, 0};
	static const uint8_t nine[] = {8, 0, 0, 1, 1, 8, 0, 0, 1, 1, 8, 0, 0, 1, 1, 8, 0,
				       0, 1, 1, 8, 0, 0, 1, 1, 8, 0, 0, 1, 1, 8, 0, 0, 1,
				       1, 8, 0, 0, 1, 1, 8, 0, 0, 1, 1, 0, 0, 0, 0};
	static const uint8_t beyond[] = {8, 0, 0, 200, 1};
	struct packet packet;

	(void)state;
	build_gre_flags(0x4000, routes, sizeof(routes));
	assert_int_equal(decode_mask(TUNNEL_GRE, &packet), DECODE_UDP);
	assert_true(is_dns(&packet));
	build_gre_flags(0xf000, routes, sizeof(routes));
	assert_int_equal(decode_mask(TUNNEL_GRE, &packet), DECODE_UDP);
	assert_true(is_dns(&packet));
	build_gre_flags(0x4000, nine, sizeof(nine));
	assert_int_equal(decode_mask(TUNNEL_GRE, &packet), DECODE_BAD_TUNNEL);
	build_gre_flags(0x4000, beyond, sizeof(beyond));
	assert_int_equal(decode_mask(TUNNEL_GRE, &packet), DECODE_BAD_TUNNEL);
}

static void test_gre_versions_other_than_0_are_not_opened(void **state)
{
	struct packet packet;

	(void)state;
	build_gre_flags(0x2001, NULL, 0);
	assert_int_equal(decode_mask(TUNNEL_GRE, &packet), DECODE_OTHER);
	for (uint16_t version = 2; version < 8; version++) {
		build_gre_flags(version, NULL, 0);
		assert_int_equal(decode_mask(TUNNEL_GRE, &packet), DECODE_BAD_TUNNEL);
	}
}

static void test_gre_that_carries_something_else_is_other(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp ip4 gre out4");
	be16_store(byte_at(20 + 2), 0x880b);
	assert_int_equal(decode_mask(TUNNEL_GRE, &packet), DECODE_OTHER);
	be16_store(byte_at(20 + 2), 0);
	assert_int_equal(decode_mask(TUNNEL_GRE, &packet), DECODE_OTHER);
}

/* An outer IPv4 payload of every length in from .. to - 1, all lengths told right. */
static void check_short(const char *recipe, size_t from, size_t to, enum decode_result expected)
{
	const struct decode_options options = {TUNNEL_ALL, RECIPE_PCAP_PORT, RECIPE_JMIRROR_PORT};
	struct packet packet;

	for (size_t length = from; length < to; length++) {
		recipe_build(&b, recipe);
		b.end = b.start + 20 + length;
		be16_store(byte_at(2), (uint16_t)(20 + length));
		if (*byte_at(9) == 17)
			be16_store(byte_at(20 + 4), (uint16_t)length);
		assert_int_equal(decode_with(&options, false, &packet), expected);
	}
}

static void test_tunnel_headers_of_udp_that_are_too_short_are_udp(void **state)
{
	(void)state;
	check_short("dns udp ip4 vxlan out4", 8, 8 + 8 + 14, DECODE_UDP);
	check_short("dns udp ip4 geneve out4", 8, 8 + 16, DECODE_UDP);
	check_short("dns udp ip4 geneve-eth out4", 8, 8 + 16 + 14, DECODE_UDP);
	check_short("dns udp ip4 gtpu out4", 8, 8 + 16 + 1, DECODE_UDP);
	check_short("dns udp ip6 teredo out4", 8, 8 + 21 + 40, DECODE_UDP);
}

static void test_tunnel_headers_that_are_too_short_are_bad(void **state)
{
	(void)state;
	check_short("dns udp ip4 grekey out4", 0, 8, DECODE_BAD_TUNNEL);
	check_short("dns udp ip4 nvgre out4", 4, 8 + 14, DECODE_BAD_TUNNEL);
	check_short("dns udp ip4 erspan1 out4", 4, 4 + 14, DECODE_BAD_TUNNEL);
	check_short("dns udp ip4 erspan2 out4", 4, 8 + 8 + 14, DECODE_BAD_TUNNEL);
	check_short("dns udp ip4 erspan3 out4", 4, 8 + 20 + 14, DECODE_BAD_TUNNEL);
	check_short("dns udp ip4 pcap out4", 8, 8 + 30 + 1, DECODE_BAD_TUNNEL);
	check_short("dns udp ip4 jmirror out4", 8, 8 + 8 + 1, DECODE_BAD_TUNNEL);
}

static void test_erspan_truncated_frames_are_cut(void **state)
{
	static const char *const recipes[] = {"dns udp ip4 erspan2 out4",
					      "dns udp ip4 erspan3 out4"};
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		recipe_build(&b, recipes[i]);
		b.end -= 10;
		be16_store(byte_at(2), (uint16_t)(b.end - b.start));
		assert_int_equal(decode_mask(TUNNEL_ERSPAN, &packet), DECODE_BAD_IPV4);
		byte_at(20 + 8)[2] |= 0x04;
		assert_int_equal(decode_mask(TUNNEL_ERSPAN, &packet), DECODE_UDP);
		assert_true(packet.is_cut);
		assert_int_equal(packet.payload.length, sizeof(recipe_dns) - 10);
	}
}

static void test_erspan3_subheader_is_optional(void **state)
{
	static const uint8_t header[20] = {0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20};
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp ip4 eth");
	build_header(&b, header, sizeof(header), 47, 0);
	recipe_build(&b, "out4");
	assert_int_equal(decode_mask(TUNNEL_ERSPAN, &packet), DECODE_UDP);
	assert_true(is_dns(&packet));
	byte_at(20 + 8)[10] = 2 << 2;
	assert_int_equal(decode_mask(TUNNEL_ERSPAN, &packet), DECODE_OTHER);
}

/* Changes one byte behind the outer UDP header and tells whether the tunnel is still one. */
static bool is_tunnel(const char *recipe, size_t at, uint8_t value)
{
	struct packet packet;

	recipe_build(&b, recipe);
	*byte_at(20 + 8 + at) = value;
	assert_int_equal(decode_mask(TUNNEL_ALL, &packet), DECODE_UDP);
	if (is_dns(&packet))
		return true;
	assert_ptr_equal(packet.payload.data, byte_at(20 + 8));
	return false;
}

static void test_vxlan_header_has_to_look_like_one(void **state)
{
	const char *recipe = "dns udp ip4 vxlan out4";

	(void)state;
	assert_true(is_tunnel(recipe, 0, 0x08));
	assert_true(is_tunnel(recipe, 0, 0x88));
	assert_true(is_tunnel(recipe, 3, 0x77));
	assert_true(is_tunnel(recipe, 4, 0xff));
	assert_false(is_tunnel(recipe, 0, 0x00));
	assert_false(is_tunnel(recipe, 0, 0x0c));
	assert_false(is_tunnel(recipe, 7, 0x01));
}

static void test_geneve_header_has_to_look_like_one(void **state)
{
	const char *recipe = "dns udp ip4 geneve out4";

	(void)state;
	assert_true(is_tunnel(recipe, 1, 0xc0));
	assert_true(is_tunnel(recipe, 4, 0xff));
	assert_false(is_tunnel(recipe, 0, 0x42));
	assert_false(is_tunnel(recipe, 0, 0x3f));
	assert_false(is_tunnel(recipe, 1, 0x01));
	assert_false(is_tunnel(recipe, 2, 0x09));
	assert_false(is_tunnel(recipe, 7, 0x01));
}

static void test_gtpu_header_has_to_look_like_one(void **state)
{
	const char *recipe = "dns udp ip4 gtpu out4";

	(void)state;
	assert_true(is_tunnel(recipe, 4, 0xff));
	assert_false(is_tunnel(recipe, 0, 0x54));
	assert_false(is_tunnel(recipe, 0, 0x24));
	assert_false(is_tunnel(recipe, 1, 1));
	assert_false(is_tunnel(recipe, 2, 0xff));
	assert_false(is_tunnel(recipe, 12, 0));
	assert_false(is_tunnel(recipe, 12, 0xff));
	assert_false(is_tunnel(recipe, 16, 0x55));
}

static void build_gtpu_headers(uint8_t flags, const void *optional, size_t length)
{
	uint8_t header[64] = {flags, 0xff};

	recipe_build(&b, "dns udp ip4");
	if (length)
		memcpy(header + 8, optional, length);
	be16_store(header + 2, (uint16_t)(b.end - b.start + length));
	build_header(&b, header, 8 + length, 0, 0);
	build_udp(&b, 2152, 2152);
	recipe_build(&b, "out4");
}

static bool is_gtpu(void)
{
	struct packet packet;

	assert_int_equal(decode_mask(TUNNEL_GTPU, &packet), DECODE_UDP);
	return is_dns(&packet);
}

static void test_gtpu_optional_fields_are_skipped(void **state)
{
	static const uint8_t chain[] = {0, 7, 0, 0x85, 1, 0,	0, 0xc0, 2, 0,
					0, 0, 0, 0,    0, 0x20, 1, 0,	 0, 0};
	uint8_t nine[4 + 9 * 4] = {0, 7, 0, 0x85};

	(void)state;
	build_gtpu_headers(0x30, NULL, 0);
	assert_true(is_gtpu());
	build_gtpu_headers(0x32, "\0\1\0\x85", 4); /* the next type counts with its flag only */
	assert_true(is_gtpu());
	build_gtpu_headers(0x31, "\0\1\5\0", 4);
	assert_true(is_gtpu());
	build_gtpu_headers(0x34, "\0\1\5\0", 4);
	assert_true(is_gtpu());
	build_gtpu_headers(0x37, chain, sizeof(chain));
	assert_true(is_gtpu());
	for (size_t i = 0; i < 9; i++)
		memcpy(nine + 4 + i * 4, i < 8 ? "\1\0\0\x85" : "\1\0\0", 4);
	build_gtpu_headers(0x34, nine, sizeof(nine));
	assert_false(is_gtpu());
	nine[4 + 7 * 4 + 3] = 0;
	build_gtpu_headers(0x34, nine, sizeof(nine) - 4);
	assert_true(is_gtpu());
}

static void test_gtpu_length_cuts_what_is_behind(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp ip4 gtpu out4");
	be16_store(byte_at(20 + 8 + 2), 8 + 20 + 8 + 44);
	assert_int_equal(decode_mask(TUNNEL_GTPU, &packet), DECODE_BAD_IPV4);
	recipe_build(&b, "dns udp ip4 gtpu out4");
	b.end -= 10;
	assert_int_equal(
		decode_with(&(struct decode_options){.tunnels = TUNNEL_GTPU}, true, &packet),
		DECODE_UDP);
	assert_true(packet.is_cut);
	assert_int_equal(packet.payload.length, sizeof(recipe_dns) - 10);
}

static void test_teredo_bubbles_stay_udp(void **state)
{
	struct packet packet;

	(void)state;
	build_start(&b, "", 0);
	build_header(&b, "", 0, 59, 0);
	recipe_build(&b, "ip6 teredo out4");
	assert_int_equal(decode_mask(TUNNEL_TEREDO, &packet), DECODE_UDP);
	assert_int_equal(packet.destination_port, 3544);
}

static void test_teredo_authentication_may_have_values(void **state)
{
	uint8_t indicators[13 + 5 + 20 + 8] = {0, 1, 5, 20};
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp ip6");
	build_header(&b, indicators, sizeof(indicators), 0, 0);
	build_udp(&b, 3544, 40000);
	recipe_build(&b, "out4");
	assert_int_equal(decode_mask(TUNNEL_TEREDO, &packet), DECODE_UDP);
	assert_true(is_dns(&packet));
	*byte_at(20 + 8 + 3) = 0xff;
	assert_int_equal(decode_mask(TUNNEL_TEREDO, &packet), DECODE_UDP);
	assert_false(is_dns(&packet));
}

static void test_tunnel_of_ipv4_in_teredo_stays_udp(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp ip4 teredo out4");
	assert_int_equal(decode_mask(TUNNEL_TEREDO, &packet), DECODE_UDP);
	assert_int_equal(packet.destination_port, 3544);
}

/* A response that goes to a client whose ephemeral port is that of a tunnel, with every id. */
static void test_dns_to_a_tunnel_port_is_dns(void **state)
{
	static const uint16_t ports[] = {4789, 8472, 6081, 2152, 3544};
	static uint8_t message[1200];
	struct packet packet;

	(void)state;
	memset(message, 0x41, sizeof(message));
	memcpy(message, recipe_dns, sizeof(recipe_dns));
	for (size_t i = 0; i < 10; i++) {
		build_start(&b, message, i < 5 ? sizeof(recipe_dns) : sizeof(message));
		build_udp(&b, 53, ports[i % 5]);
		recipe_build(&b, "ip4");
		for (unsigned int id = 0; id < 65536; id++) {
			struct network network = {build_frame(&b), 0x0800};

			be16_store(byte_at(28), (uint16_t)id);
			assert_true(decode_network(&(struct decode_options){.tunnels = TUNNEL_ALL},
						   &network, false, &packet) == DECODE_UDP);
			assert_true(packet.payload.data == byte_at(28));
		}
	}
}

static void test_mirrors_need_ip_inside(void **state)
{
	static const struct decode_options options = {.pcap_port = 9999, .jmirror_port = 30030};
	static const char *const recipes[] = {"dns udp ip4 pcap out4", "dns udp ip6 jmirror out4"};
	static const size_t at[] = {20 + 8 + 30, 20 + 8 + 8};
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		recipe_build(&b, recipes[i]);
		assert_int_equal(decode_with(&options, false, &packet), DECODE_UDP);
		assert_true(is_dns(&packet));
		*byte_at(at[i]) = 0x55;
		assert_int_equal(decode_with(&options, false, &packet), DECODE_BAD_TUNNEL);
	}
}

static void test_pcap_record_goes_before_jmirror_and_both_before_tunnels(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp ip4 pcap out4");
	be16_store(byte_at(20 + 2), 4789);
	assert_int_equal(
		decode_with(&(struct decode_options){TUNNEL_ALL, 4789, 4789}, false, &packet),
		DECODE_UDP);
	assert_true(is_dns(&packet));
	recipe_build(&b, "dns udp ip4 jmirror out4");
	be16_store(byte_at(20 + 2), 4789);
	assert_int_equal(decode_with(&(struct decode_options){TUNNEL_ALL, 0, 4789}, false, &packet),
			 DECODE_UDP);
	assert_true(is_dns(&packet));
	assert_int_equal(
		decode_with(&(struct decode_options){TUNNEL_ALL, 4789, 4789}, false, &packet),
		DECODE_BAD_TUNNEL);
}

static void test_mirrors_are_off_with_port_0(void **state)
{
	struct packet packet;

	(void)state;
	recipe_build(&b, "dns udp ip4 pcap out4");
	be16_store(byte_at(20 + 2), 0);
	assert_int_equal(decode_mask(TUNNEL_ALL, &packet), DECODE_UDP);
	assert_int_equal(packet.source_port, 49152);
	assert_int_equal(packet.destination_port, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunnel_opens_by_its_own_bit_alone),
		cmocka_unit_test(test_tunnel_vxlan_has_two_ports),
		cmocka_unit_test(test_tunnel_ports_count_as_destination),
		cmocka_unit_test(test_gre_optional_fields_are_skipped),
		cmocka_unit_test(test_gre_routes_are_skipped),
		cmocka_unit_test(test_gre_versions_other_than_0_are_not_opened),
		cmocka_unit_test(test_gre_that_carries_something_else_is_other),
		cmocka_unit_test(test_tunnel_headers_of_udp_that_are_too_short_are_udp),
		cmocka_unit_test(test_tunnel_headers_that_are_too_short_are_bad),
		cmocka_unit_test(test_erspan_truncated_frames_are_cut),
		cmocka_unit_test(test_erspan3_subheader_is_optional),
		cmocka_unit_test(test_vxlan_header_has_to_look_like_one),
		cmocka_unit_test(test_geneve_header_has_to_look_like_one),
		cmocka_unit_test(test_gtpu_header_has_to_look_like_one),
		cmocka_unit_test(test_gtpu_optional_fields_are_skipped),
		cmocka_unit_test(test_gtpu_length_cuts_what_is_behind),
		cmocka_unit_test(test_teredo_bubbles_stay_udp),
		cmocka_unit_test(test_teredo_authentication_may_have_values),
		cmocka_unit_test(test_tunnel_of_ipv4_in_teredo_stays_udp),
		cmocka_unit_test(test_dns_to_a_tunnel_port_is_dns),
		cmocka_unit_test(test_mirrors_need_ip_inside),
		cmocka_unit_test(test_pcap_record_goes_before_jmirror_and_both_before_tunnels),
		cmocka_unit_test(test_mirrors_are_off_with_port_0),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
