/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "bpf/settings.h"
#include "net/address.h"
#include "net/link.h"

/* Tags, labels, IP and tunnel headers that one packet may nest; IPv6 extension
 * headers count apart. */
#define DECODE_NESTING_MAX    8
#define DECODE_EXTENSIONS_MAX 8

struct decode_options {
	uint32_t tunnels;      /* mask of enum tunnel */
	uint16_t pcap_port;    /* -X: outer UDP destination port of "pcap record in UDP", 0 = off */
	uint16_t jmirror_port; /* -J: outer UDP destination port of Juniper jmirror, 0 = off */
};

enum decode_result {
	DECODE_UDP,	 /* payload: what is in one UDP datagram */
	DECODE_TCP,	 /* payload: what is in one TCP segment, perhaps nothing */
	DECODE_FRAGMENT, /* payload: one piece of an IP datagram's payload */
	DECODE_OTHER,	 /* well formed, but no IP, UDP or TCP */
	DECODE_BAD_LINK, /* from here on: malformed, by cause */
	DECODE_BAD_IPV4,
	DECODE_BAD_IPV6,
	DECODE_BAD_UDP,
	DECODE_BAD_TCP,
	DECODE_BAD_TUNNEL,
	DECODE_TOO_DEEP,
};

/* The innermost IP packet of a frame. Addresses and ports are those inside all tunnels. */
struct packet {
	struct address source;
	struct address destination;
	uint16_t source_port; /* host byte order; 0 for fragments */
	uint16_t destination_port;
	uint8_t protocol;  /* IP protocol number of the payload; for a fragment, of the whole
			      datagram */
	uint8_t nesting;   /* headers used up, so that a reassembled datagram goes on counting */
	bool is_cut;	   /* the snap length cut the payload */
	uint8_t tcp_flags; /* as in the header: FIN 1, SYN 2, RST 4 */
	bool more_fragments;
	uint32_t tcp_sequence; /* of the first byte of payload (of the SYN itself when that is set)
				*/
	uint32_t fragment_id;  /* 16 bits in IPv4, 32 in IPv6 */
	uint32_t fragment_offset; /* bytes */
	struct slice payload;	  /* borrowed from the frame */
};

/*
 * Reads a packet from its network layer on. is_cut: the frame was captured shorter than it was on
 * the wire, so a length field that goes beyond the captured bytes is no error. Checksums are never
 * verified: locally sent packets have partial ones. An IPv4 total length of 0 (BIG TCP) and an IPv6
 * payload length of 0 on a TCP packet mean "all that was captured".
 */
enum decode_result decode_network(const struct decode_options *options,
				  const struct network *network, bool is_cut,
				  struct packet *packet);

/*
 * Goes on behind the IP header: packet has addresses, protocol, nesting and payload (a whole
 * datagram's, from reassembly). Never gives DECODE_FRAGMENT for that datagram itself, but a tunnel
 * inside may hold one.
 */
enum decode_result decode_transport(const struct decode_options *options, struct packet *packet);
