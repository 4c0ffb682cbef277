/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "net/address.h"
#include "net/classify.h"
#include "net/decode.h"
#include "tests/lib/recipe.h"

static const struct capture_settings responses = {.port_count = 1, .ports = {53}};
static const struct capture_settings everything = {
	.tunnels = TUNNEL_ALL,
	.pcap_port = RECIPE_PCAP_PORT,
	.jmirror_port = RECIPE_JMIRROR_PORT,
	.port_count = 1,
	.ports = {53},
};

static struct build b;

/* The first length bytes of the frame in b, in memory that ends where they end. */
static struct classification classify_prefix(const struct capture_settings *settings,
					     enum link_type link, size_t length)
{
	struct slice frame = build_frame(&b);
	uint8_t *copy = malloc(length ? length : 1);
	struct classification result = {false, 0};
	struct network network;

	memcpy(copy, frame.data, length);
	if (link_strip(link, (struct slice){copy, length}, &network))
		result = classify_network(settings, &network);
	free(copy);
	return result;
}

static struct classification classify_built(const struct capture_settings *settings)
{
	return classify_prefix(settings, LINK_ETHERNET, build_frame(&b).length);
}

static bool is_admitted(const struct capture_settings *settings, const char *recipe)
{
	recipe_build(&b, recipe);
	return classify_prefix(settings, recipe_link(recipe), build_frame(&b).length).is_admitted;
}

static uint8_t *byte_at(size_t offset)
{
	return b.room + b.start + offset;
}

static uint32_t key_of(enum split_by split, const char *recipe)
{
	struct capture_settings settings = everything;

	settings.split = split;
	recipe_build(&b, recipe);
	return classify_prefix(&settings, recipe_link(recipe), build_frame(&b).length).key;
}

static void test_classify_admits_responses(void **state)
{
	static const char *const recipes[] = {
		"dns udp ip4 eth",
		"dns udp ip6 eth",
		"dns udp ip4 vlan eth",
		"dns udp ip6 vlan qinq q9100 eth",
		"dns udp ip4 mpls mpls eth",
		"dns udp ip6 mpls vlan eth",
		"dns udp ip4 pppoe eth",
		"dns udp ip6 pppoe vlan eth",
		"dns udp ip4 sll",
		"dns udp ip6 sll2",
		"dns udp ip4 null",
		"dns udp ip6",
		"dns udp atomic ip6 eth",
		"dns udp dest mobility shim6 hip ah routing dest hop ip6 eth",
		"dns tcp ip4 eth",
		"dns tcp ah ip6 eth",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++)
		assert_true(is_admitted(&responses, recipes[i]));
}

static void test_classify_rejects_what_is_no_udp_or_tcp(void **state)
{
	(void)state;
	recipe_build(&b, "dns udp ip4 eth");
	*byte_at(14 + 9) = 1;
	assert_false(classify_built(&everything).is_admitted);
	recipe_build(&b, "dns udp ip6 eth");
	*byte_at(14 + 6) = 59;
	assert_false(classify_built(&everything).is_admitted);
	recipe_build(&b, "dns udp ip4 eth");
	be16_store(byte_at(12), 0x0806);
	assert_false(classify_built(&everything).is_admitted);
	assert_int_equal(classify_built(&everything).key, 0);
	recipe_build(&b, "dns udp ip4 mpls eth");
	*byte_at(14 + 4) = 0;
	assert_false(classify_built(&everything).is_admitted);
	recipe_build(&b, "dns udp ip4 pppoe eth");
	be16_store(byte_at(14 + 6), 0xc021);
	assert_false(classify_built(&everything).is_admitted);
	be16_store(byte_at(14 + 6), 0x0022);
	assert_false(classify_built(&everything).is_admitted);
}

static bool is_admitted_from(const struct capture_settings *settings, uint16_t source,
			     uint16_t destination, bool is_tcp)
{
	build_start(&b, recipe_dns, sizeof(recipe_dns));
	if (is_tcp)
		build_tcp(&b, source, destination, 1, 2);
	else
		build_udp(&b, source, destination);
	recipe_build(&b, "ip4 eth");
	return classify_built(settings).is_admitted;
}

static void test_classify_looks_at_the_source_port(void **state)
{
	struct capture_settings settings = {.port_count = 3, .ports = {53, 5353, 853}};

	(void)state;
	for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
		assert_true(is_admitted_from(&settings, 53, 1, is_tcp));
		assert_true(is_admitted_from(&settings, 5353, 1, is_tcp));
		assert_true(is_admitted_from(&settings, 853, 1, is_tcp));
		assert_false(is_admitted_from(&settings, 54, 1, is_tcp));
		assert_false(is_admitted_from(&settings, 0, 1, is_tcp));
		assert_false(is_admitted_from(&settings, 1, 53, is_tcp));
		assert_false(is_admitted_from(&(struct capture_settings){0}, 0, 0, is_tcp));
	}
	settings.port_count = SETTINGS_PORTS_MAX;
	settings.ports[SETTINGS_PORTS_MAX - 1] = 4711;
	assert_true(is_admitted_from(&settings, 4711, 1, false));
	settings.port_count = 0xffff;
	assert_true(is_admitted_from(&settings, 4711, 1, false));
	assert_false(is_admitted_from(&settings, 4712, 1, false));
}

static void test_classify_admits_both_directions_when_queries_are_wanted(void **state)
{
	struct capture_settings settings = responses;

	(void)state;
	settings.queries_wanted = 1;
	for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
		assert_true(is_admitted_from(&settings, 53, 1, is_tcp));
		assert_true(is_admitted_from(&settings, 1, 53, is_tcp));
		assert_false(is_admitted_from(&settings, 1, 54, is_tcp));
	}
}

static void test_classify_wants_the_response_bit_in_ipv4_alone(void **state)
{
	struct capture_settings settings = responses;

	(void)state;
	recipe_build(&b, "dns udp ip4 eth");
	*byte_at(14 + 20 + 10) = 0x7f;
	assert_false(classify_built(&settings).is_admitted);
	*byte_at(14 + 20 + 10) = 0x80;
	assert_true(classify_built(&settings).is_admitted);
	*byte_at(14 + 20 + 10) = 0;
	settings.queries_wanted = 1;
	assert_true(classify_built(&settings).is_admitted);
	recipe_build(&b, "dns udp ip6 eth");
	*byte_at(14 + 40 + 10) = 0;
	assert_true(classify_built(&responses).is_admitted);
}

static void test_classify_of_short_udp(void **state)
{
	(void)state;
	recipe_build(&b, "dns udp ip4");
	for (size_t length = 0; length < 40; length++)
		assert_int_equal(classify_prefix(&responses, LINK_RAW, length).is_admitted,
				 length >= 20 + 11);
	recipe_build(&b, "dns udp ip6");
	for (size_t length = 0; length < 60; length++)
		assert_int_equal(classify_prefix(&responses, LINK_RAW, length).is_admitted,
				 length >= 40 + 8);
	recipe_build(&b, "dns tcp ip4");
	for (size_t length = 0; length < 60; length++)
		assert_int_equal(classify_prefix(&responses, LINK_RAW, length).is_admitted,
				 length >= 20 + 4);
}

static void test_classify_skips_ipv4_options(void **state)
{
	(void)state;
	recipe_build(&b, "dns udp");
	build_header(&b, "\1\1\1\1\1\1\1\0", 8, 17, 0);
	recipe_build(&b, "zero ip4 eth");
	*byte_at(14) = 0x47;
	assert_true(classify_built(&responses).is_admitted);
	*byte_at(14) = 0x45;
	assert_false(classify_built(&responses).is_admitted);
}

static void test_classify_admits_every_fragment_of_udp_and_tcp(void **state)
{
	static const char *const recipes[] = {"dns udp frag4 eth", "dns udp last4 eth",
					      "dns udp frag6 eth", "dns udp last6 eth",
					      "dns tcp frag4 eth", "dns tcp last6 eth"};

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_true(is_admitted(&(struct capture_settings){0}, recipes[i]));
	recipe_build(&b, "dns udp last4 eth");
	*byte_at(14 + 9) = 1;
	assert_false(classify_built(&everything).is_admitted);
	recipe_build(&b, "dns udp last6 eth");
	*byte_at(14 + 40) = 58;
	assert_false(classify_built(&everything).is_admitted);
}

static void test_classify_admits_fragments_with_extensions_inside(void **state)
{
	(void)state;
	recipe_build(&b, "dns udp last6 eth");
	*byte_at(14 + 40) = 60;
	assert_true(classify_built(&responses).is_admitted);
	recipe_build(&b, "dns udp last4 eth");
	*byte_at(14 + 9) = 60;
	assert_false(classify_built(&responses).is_admitted);
}

static const struct {
	const char *recipe;
	uint32_t tunnels;
} tunnels[] = {
	{"dns udp ip4 gre out4 eth", TUNNEL_GRE | TUNNEL_ERSPAN},
	{"dns udp ip4 erspan2 out6 eth", TUNNEL_GRE | TUNNEL_ERSPAN},
	{"dns udp ip4 gre last4 eth", TUNNEL_GRE | TUNNEL_ERSPAN},
	{"dns udp ip4 vxlan out4 eth", TUNNEL_VXLAN},
	{"dns udp ip4 geneve out6 eth", TUNNEL_GENEVE},
	{"dns udp ip4 gtpu out4 eth", TUNNEL_GTPU},
	{"dns udp ip4 out4 eth", TUNNEL_IPIP},
	{"dns udp ip4 out6 vlan eth", TUNNEL_IPIP},
	{"dns udp ip4 last6 eth", TUNNEL_IPIP},
	{"dns udp ip6 out4 eth", TUNNEL_6IN4},
	{"dns udp ip6 out6 eth", TUNNEL_6IN4},
	{"dns udp ip6 last4 eth", TUNNEL_6IN4},
	{"dns udp ip6 teredo out4 eth", TUNNEL_TEREDO},
	{"dns udp ip6 teredo-bare out4 eth", TUNNEL_TEREDO},
};

static void test_classify_admits_tunnels_by_their_bits(void **state)
{
	struct capture_settings settings = responses;

	(void)state;
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		for (uint32_t bit = 1; bit < TUNNEL_ALL; bit <<= 1) {
			settings.tunnels = bit;
			assert_int_equal(is_admitted(&settings, tunnels[i].recipe),
					 (tunnels[i].tunnels & bit) != 0);
		}
	}
	settings.tunnels = TUNNEL_VXLAN;
	assert_true(is_admitted_from(&settings, 1, 8472, false));
	assert_false(is_admitted_from(&settings, 4789, 1, false));
	assert_false(is_admitted_from(&settings, 1, 4789, true));
}

static void test_classify_admits_mirrors_by_their_ports(void **state)
{
	struct capture_settings settings = responses;

	(void)state;
	assert_false(is_admitted(&settings, "dns udp ip4 pcap out4 eth"));
	assert_false(is_admitted(&settings, "dns udp ip4 jmirror out6 eth"));
	settings.pcap_port = RECIPE_PCAP_PORT;
	assert_true(is_admitted(&settings, "dns udp ip4 pcap out4 eth"));
	assert_false(is_admitted(&settings, "dns udp ip4 jmirror out6 eth"));
	settings.jmirror_port = RECIPE_JMIRROR_PORT;
	assert_true(is_admitted(&settings, "dns udp ip4 jmirror out6 eth"));
	assert_false(is_admitted_from(&responses, 1, 0, false));
}

static void test_classify_bounds_tags(void **state)
{
	static const char *const words[] = {"vlan", "mpls"};

	(void)state;
	for (int tags = 0; tags < 12; tags++) {
		for (size_t i = 0; i < 2; i++) {
			recipe_build(&b, "dns udp ip4");
			for (int j = 0; j < tags; j++)
				recipe_build(&b, words[i]);
			recipe_build(&b, "eth");
			assert_int_equal(classify_built(&responses).is_admitted, tags <= 8);
		}
	}
}

static void test_classify_bounds_extensions(void **state)
{
	(void)state;
	for (int count = 0; count < 12; count++) {
		recipe_build(&b, "dns udp");
		for (int i = 0; i < count; i++)
			recipe_build(&b, i % 2 ? "dest" : "ah");
		recipe_build(&b, "ip6 eth");
		assert_int_equal(classify_built(&responses).is_admitted, count <= 8);
	}
}

static void test_key_is_the_destination_of_ipv4(void **state)
{
	(void)state;
	assert_int_equal(key_of(SPLIT_DESTINATION, "dns udp ip4 eth"), 0xc6336407);
	assert_int_equal(key_of(SPLIT_DESTINATION, "dns udp ip4 mpls vlan eth"), 0xc6336407);
	assert_int_equal(key_of(SPLIT_CHECKSUM, "dns udp zero ip4 eth"), 0xc6336407);
}

static void test_key_is_the_udp_checksum(void **state)
{
	uint32_t checksum;

	(void)state;
	checksum = key_of(SPLIT_CHECKSUM, "dns udp ip4 eth");
	assert_int_equal(checksum, be16_load(byte_at(14 + 20 + 6)));
	assert_int_not_equal(checksum, 0);
	checksum = key_of(SPLIT_CHECKSUM, "dns udp hop ip6 eth");
	assert_int_equal(checksum, be16_load(byte_at(14 + 40 + 8 + 6)));
	assert_int_equal(key_of(SPLIT_DESTINATION, "dns udp dest ip6 eth"), checksum);
	assert_int_equal(key_of(SPLIT_CHECKSUM, "dns udp zero ip6 eth"), 0);
}

static uint32_t key_between(enum split_by split, const char *source, uint16_t source_port,
			    const char *destination, uint16_t destination_port, bool is_tcp)
{
	struct capture_settings settings = everything;

	settings.split = split;
	build_start(&b, recipe_dns, sizeof(recipe_dns));
	if (is_tcp)
		build_tcp(&b, source_port, destination_port, 1, 0);
	else
		build_udp(&b, source_port, destination_port);
	build_ip(&b, source, destination);
	build_ethernet(&b);
	return classify_built(&settings).key;
}

static void check_both_ways(enum split_by split, const char *one, const char *other, bool is_tcp)
{
	uint32_t key = key_between(split, one, 53, other, 4444, is_tcp);
	uint32_t other_port = key_between(split, one, 53, other, 4445, is_tcp);

	assert_int_equal(key_between(split, other, 4444, one, 53, is_tcp), key);
	if (is_tcp)
		assert_int_equal(other_port, key);
	else
		assert_int_not_equal(other_port, key);
}

static void test_key_is_the_same_in_both_directions(void **state)
{
	(void)state;
	check_both_ways(SPLIT_FLOW, "192.0.2.1", "10.0.0.1", false);
	check_both_ways(SPLIT_FLOW, "2001:db8::1", "2001:db8::2", false);
	for (int split = SPLIT_DESTINATION; split <= SPLIT_FLOW; split++) {
		check_both_ways((enum split_by)split, "192.0.2.1", "10.0.0.1", true);
		check_both_ways((enum split_by)split, "2001:db8::1", "2001:db8::2", true);
	}
}

static void test_key_of_fragments_and_tunnels_is_that_of_their_addresses(void **state)
{
	static const char *const recipes[] = {"dns udp frag4 eth", "dns udp last4 vlan eth",
					      "dns tcp ip4 eth", "dns tcp frag4"};
	uint32_t key = key_of(SPLIT_DESTINATION, "dns udp frag4 eth");

	(void)state;
	for (int split = SPLIT_DESTINATION; split <= SPLIT_FLOW; split++) {
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(key_of((enum split_by)split, recipes[i]), key);
		assert_int_equal(key_of((enum split_by)split, "dns udp frag6 eth"),
				 key_of(SPLIT_DESTINATION, "dns tcp ip6 eth"));
		assert_int_equal(key_of((enum split_by)split, "dns udp ip4 vxlan out4 eth"),
				 key_of(SPLIT_DESTINATION, "dns udp ip6 gre out4 eth"));
		assert_int_equal(key_of((enum split_by)split, "dns udp ip4 pcap out6 eth"),
				 key_of(SPLIT_DESTINATION, "dns udp ip6 out6 eth"));
	}
}

/* Of 4,096 keys each of n workers gets its part, give or take five standard deviations. */
static void check_even(const uint32_t *keys, uint32_t n)
{
	double mean = 4096.0 / n, variance = mean * (1 - 1.0 / n);
	uint32_t parts[16] = {0};

	for (int i = 0; i < 4096; i++)
		parts[keys[i] % n]++;
	for (uint32_t i = 0; i < n; i++)
		assert_true((parts[i] - mean) * (parts[i] - mean) <= 25 * variance);
}

static void check_keys(const uint32_t *keys)
{
	static const uint32_t counts[] = {2, 3, 4, 7, 8, 16};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		check_even(keys, counts[i]);
}

static void test_key_is_even_over_neighbours(void **state)
{
	uint32_t ports[4096], clients4[4096], clients6[4096];
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	for (unsigned int i = 0; i < 4096; i++) {
		ports[i] = key_between(SPLIT_FLOW, "192.0.2.1", 53, "10.0.0.1",
				       (uint16_t)(1024 + i), false);
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
		clients4[i] = key_between(SPLIT_FLOW, "192.0.2.1", 53, text, 1024, true);
		snprintf(text, sizeof(text), "2001:db8:0:%x::1", i);
		clients6[i] = key_between(SPLIT_FLOW, "2001:db8::53", 53, text, 1024, true);
	}
	check_keys(ports);
	check_keys(clients4);
	check_keys(clients6);
}

static void test_classify_of_a_prefix_never_reads_beyond_it(void **state)
{
	static const char *const recipes[] = {
		"dns udp ip4 vlan qinq eth",	 "dns udp ip6 mpls mpls eth",
		"dns tcp ah dest ip6 pppoe eth", "dns udp frag6 eth",
		"dns udp ip4 vxlan out4 eth",
	};
	struct classification whole;

	(void)state;
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		recipe_build(&b, recipes[i]);
		whole = classify_built(&everything);
		assert_true(whole.is_admitted);
		for (size_t length = 0; length < build_frame(&b).length; length++) {
			struct classification part =
				classify_prefix(&everything, LINK_ETHERNET, length);

			if (part.is_admitted)
				assert_int_equal(part.key, whole.key);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classify_admits_responses),
		cmocka_unit_test(test_classify_rejects_what_is_no_udp_or_tcp),
		cmocka_unit_test(test_classify_looks_at_the_source_port),
		cmocka_unit_test(test_classify_admits_both_directions_when_queries_are_wanted),
		cmocka_unit_test(test_classify_wants_the_response_bit_in_ipv4_alone),
		cmocka_unit_test(test_classify_of_short_udp),
		cmocka_unit_test(test_classify_skips_ipv4_options),
		cmocka_unit_test(test_classify_admits_every_fragment_of_udp_and_tcp),
		cmocka_unit_test(test_classify_admits_fragments_with_extensions_inside),
		cmocka_unit_test(test_classify_admits_tunnels_by_their_bits),
		cmocka_unit_test(test_classify_admits_mirrors_by_their_ports),
		cmocka_unit_test(test_classify_bounds_tags),
		cmocka_unit_test(test_classify_bounds_extensions),
		cmocka_unit_test(test_key_is_the_destination_of_ipv4),
		cmocka_unit_test(test_key_is_the_udp_checksum),
		cmocka_unit_test(test_key_is_the_same_in_both_directions),
		cmocka_unit_test(test_key_of_fragments_and_tunnels_is_that_of_their_addresses),
		cmocka_unit_test(test_key_is_even_over_neighbours),
		cmocka_unit_test(test_classify_of_a_prefix_never_reads_beyond_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
