/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/recipe.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

const uint8_t recipe_dns[45] = "\x12\x34\x81\x80\0\1\0\1\0\0\0\0"
			       "\7example\0\0\1\0\1"
			       "\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\xcb\0\x71\x2a";

static void put_dns(struct build *b)
{
	build_start(b, recipe_dns, sizeof(recipe_dns));
}

static void put_udp(struct build *b)
{
	build_udp(b, 53, 4444);
}

static void put_tcp(struct build *b)
{
	build_tcp(b, 53, 4444, 0x01020304, 0x18);
}

static void put_ip4(struct build *b)
{
	build_ip(b, "192.0.2.53", "198.51.100.7");
}

static void put_ip6(struct build *b)
{
	build_ip(b, "2001:db8::53", "2001:db8::7");
}

static void put_out4(struct build *b)
{
	build_ip(b, "203.0.113.1", "203.0.113.2");
}

static void put_out6(struct build *b)
{
	build_ip(b, "2001:db8:f::1", "2001:db8:f::2");
}

static void put_hop(struct build *b)
{
	build_extension(b, IPPROTO_HOPOPTS, 8);
}

static void put_routing(struct build *b)
{
	build_extension(b, IPPROTO_ROUTING, 24);
}

static void put_dest(struct build *b)
{
	build_extension(b, IPPROTO_DSTOPTS, 16);
}

static void put_ah(struct build *b)
{
	build_extension(b, IPPROTO_AH, 28);
}

static void put_mobility(struct build *b)
{
	build_extension(b, IPPROTO_MH, 8);
}

static void put_hip(struct build *b)
{
	build_extension(b, 139, 40);
}

static void put_shim6(struct build *b)
{
	build_extension(b, 140, 8);
}

static void put_atomic(struct build *b)
{
	build_header(b, (uint8_t[8]){b->next, 0, 0, 0, 1, 2, 3, 4}, 8, IPPROTO_FRAGMENT, 0);
}

static void put_frag4(struct build *b)
{
	build_fragment(b, "192.0.2.53", "198.51.100.7", 0x1234, 0, 24, true);
}

static void put_frag6(struct build *b)
{
	build_fragment(b, "2001:db8::53", "2001:db8::7", 0x12345678, 0, 24, true);
}

static void put_last4(struct build *b)
{
	build_fragment(b, "192.0.2.53", "198.51.100.7", 0x1234, 24, b->end - b->start - 24, false);
}

static void put_last6(struct build *b)
{
	build_fragment(b, "2001:db8::53", "2001:db8::7", 0x12345678, 24, b->end - b->start - 24,
		       false);
}

static void put_vlan(struct build *b)
{
	build_vlan(b, 0x8100, 11);
}

static void put_qinq(struct build *b)
{
	build_vlan(b, 0x88a8, 22);
}

static void put_q9100(struct build *b)
{
	build_vlan(b, 0x9100, 33);
}

static void put_mpls(struct build *b)
{
	build_mpls(b, 1000);
}

static void put_pad(struct build *b)
{
	build_pad(b, 7);
}

static void put_gre(struct build *b)
{
	build_gre(b, false);
}

static void put_grekey(struct build *b)
{
	build_gre(b, true);
}

static void put_nvgre(struct build *b)
{
	build_ethernet(b);
	build_gre(b, true);
}

static void put_erspan1(struct build *b)
{
	build_ethernet(b);
	build_erspan(b, 1);
}

static void put_erspan2(struct build *b)
{
	build_ethernet(b);
	build_erspan(b, 2);
}

static void put_erspan3(struct build *b)
{
	build_ethernet(b);
	build_erspan(b, 3);
}

static void put_vxlan(struct build *b)
{
	build_ethernet(b);
	build_vxlan(b);
	build_udp(b, 49152, 4789);
}

static void put_geneve(struct build *b)
{
	build_geneve(b);
	build_udp(b, 49152, 6081);
}

static void put_geneve_eth(struct build *b)
{
	build_ethernet(b);
	put_geneve(b);
}

static void put_gtpu(struct build *b)
{
	build_gtpu(b);
	build_udp(b, 2152, 2152);
}

static void put_teredo(struct build *b)
{
	build_teredo(b, true);
	build_udp(b, 49152, 3544);
}

static void put_teredo_bare(struct build *b)
{
	build_teredo(b, false);
	build_udp(b, 3544, 49152);
}

static void put_pcap(struct build *b)
{
	build_pcap_record(b);
	build_udp(b, 49152, RECIPE_PCAP_PORT);
}

static void put_jmirror(struct build *b)
{
	build_jmirror(b);
	build_udp(b, 49152, RECIPE_JMIRROR_PORT);
}

static const struct word {
	const char *text;
	void (*put)(struct build *b);
} words[] = {
	{"dns", put_dns},	    {"udp", put_udp},
	{"tcp", put_tcp},	    {"zero", build_zero_checksum},
	{"ip4", put_ip4},	    {"ip6", put_ip6},
	{"out4", put_out4},	    {"out6", put_out6},
	{"hop", put_hop},	    {"routing", put_routing},
	{"dest", put_dest},	    {"ah", put_ah},
	{"mobility", put_mobility}, {"hip", put_hip},
	{"shim6", put_shim6},	    {"atomic", put_atomic},
	{"frag4", put_frag4},	    {"frag6", put_frag6},
	{"last4", put_last4},	    {"last6", put_last6},
	{"vlan", put_vlan},	    {"qinq", put_qinq},
	{"q9100", put_q9100},	    {"mpls", put_mpls},
	{"pppoe", build_pppoe},	    {"eth", build_ethernet},
	{"sll", build_sll},	    {"sll2", build_sll2},
	{"null", build_null},	    {"pad", put_pad},
	{"gre", put_gre},	    {"grekey", put_grekey},
	{"nvgre", put_nvgre},	    {"erspan1", put_erspan1},
	{"erspan2", put_erspan2},   {"erspan3", put_erspan3},
	{"vxlan", put_vxlan},	    {"geneve", put_geneve},
	{"gtpu", put_gtpu},	    {"geneve-eth", put_geneve_eth},
	{"teredo", put_teredo},	    {"teredo-bare", put_teredo_bare},
	{"pcap", put_pcap},	    {"jmirror", put_jmirror},
};

static const struct word *word_find(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].text) == length && !memcmp(words[i].text, text, length))
			return &words[i];
	return NULL;
}

void recipe_build(struct build *b, const char *recipe)
{
	const struct word *word;
	size_t length;

	for (; *recipe; recipe += length) {
		recipe += strspn(recipe, " ");
		length = strcspn(recipe, " ");
		word = word_find(recipe, length);
		assert(word);
		word->put(b);
	}
}

enum link_type recipe_link(const char *recipe)
{
	const char *space = strrchr(recipe, ' ');
	const char *last = space ? space + 1 : recipe;

	if (!strcmp(last, "eth"))
		return LINK_ETHERNET;
	if (!strcmp(last, "sll"))
		return LINK_SLL;
	if (!strcmp(last, "sll2"))
		return LINK_SLL2;
	return strcmp(last, "null") != 0 ? LINK_RAW : LINK_NULL;
}
