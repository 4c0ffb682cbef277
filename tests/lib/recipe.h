/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "net/link.h"
#include "tests/lib/build.h"

/*
 * Frames by name: recipe_build(b, "dns udp ip4 vlan eth") calls the functions of build.h from the
 * inside out. The words:
 *
 *	dns                      a response of 45 bytes
 *	udp tcp                  53 to 4444
 *	zero                     no checksum
 *	ip4 ip6                  192.0.2.53 to 198.51.100.7, 2001:db8::53 to 2001:db8::7
 *	out4 out6                203.0.113.1 to 203.0.113.2, 2001:db8:f::1 to 2001:db8:f::2
 *	hop routing dest ah mobility hip shim6 atomic    IPv6 extension headers
 *	frag4 frag6 last4 last6  the first 24 bytes and the rest, addresses as in ip4 and ip6
 *	vlan qinq q9100 mpls pppoe eth sll sll2 null pad
 *	gre grekey nvgre erspan1 erspan2 erspan3    nvgre and erspan with the mirrored frame's eth
 *	vxlan geneve geneve-eth gtpu teredo teredo-bare pcap jmirror    with their UDP header
 */
#define RECIPE_PCAP_PORT    9999
#define RECIPE_JMIRROR_PORT 30030

extern const uint8_t recipe_dns[45];

void recipe_build(struct build *b, const char *recipe);

/* The link type of such a frame, by its last word; LINK_RAW when that is an IP header. */
enum link_type recipe_link(const char *recipe);
