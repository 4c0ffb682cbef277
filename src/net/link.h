/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "base/slice.h"

/* What the first byte of a captured frame is. */
enum link_type {
	LINK_UNSUPPORTED,
	LINK_ETHERNET,
	LINK_COOKED, /* no link header: the network header, its EtherType known from elsewhere */
	LINK_SLL,    /* Linux cooked capture v1 */
	LINK_SLL2,   /* Linux cooked capture v2 */
	LINK_NULL,   /* BSD loopback: address family in the writer's byte order */
	LINK_LOOP,   /* OpenBSD loopback: address family in network byte order */
	LINK_RAW,    /* IPv4 or IPv6, told apart by the version nibble */
};

/* The network layer of a frame: its bytes and the EtherType that says what they are (0x0800,
 * 0x86dd, 0x8100, ...). */
struct network {
	struct slice bytes;
	uint16_t ethertype;
};

/* The EtherType of a packet without link header by its IP version; 0 when it is neither 4 nor 6. */
static inline uint16_t link_ip_ethertype(struct slice packet)
{
	uint8_t version = packet.length ? packet.data[0] >> 4 : 0;

	return version == 4 ? 0x0800 : version == 6 ? 0x86dd : 0;
}

/* The link type of a savefile's LINKTYPE_/DLT_ number; LINK_UNSUPPORTED when it is none that we
 * decode. */
enum link_type link_type_of_dlt(int dlt);

/*
 * Takes the link header off. For LINK_COOKED the caller has set network->ethertype. Tags and labels
 * behind the link header stay: decode.h reads them. Returns false when the frame is shorter than
 * its link header.
 */
bool link_strip(enum link_type type, struct slice frame, struct network *network);
