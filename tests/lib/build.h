/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

/*
 * Frames for tests and generators, built from the inside out: build_start() lays down the innermost
 * payload, each further call puts a header in front of what is there and fills in lengths, protocol
 * numbers and checksums. Addresses are text; IPv4 or IPv6 by their shape.
 */
struct build {
	size_t start;
	size_t end;
	uint8_t next;	    /* IP protocol number of what is at start */
	uint16_t ethertype; /* EtherType of what is at start */
	uint8_t unsummed;   /* IP protocol whose checksum the next IP header completes, 0: none */
	size_t unsummed_at;
	uint8_t room[1024 + 262144];
};

void build_start(struct build *b, const void *payload, size_t length);
void build_udp(struct build *b, uint16_t source_port, uint16_t destination_port);
void build_tcp(struct build *b, uint16_t source_port, uint16_t destination_port, uint32_t sequence,
	       uint8_t flags);
void build_zero_checksum(struct build *b);
/* An IPv6 extension header of length bytes (AH: a multiple of 4, else of 8), before build_ip() with
 * IPv6 addresses. */
void build_extension(struct build *b, uint8_t protocol, size_t length);
/* An IPv4 or IPv6 header; puts the UDP or TCP checksum right (build_zero_checksum() before it:
 * checksum 0). */
void build_ip(struct build *b, const char *source, const char *destination);
/* The piece [offset, offset + length) of the IP payload that is at start, with its IP header (IPv6:
 * fragment header); cuts the rest away. */
void build_fragment(struct build *b, const char *source, const char *destination, uint32_t id,
		    size_t offset, size_t length, bool more);
void build_vlan(struct build *b, uint16_t tpid, uint16_t vid);
void build_mpls(struct build *b, uint32_t label);
void build_pppoe(struct build *b);
void build_ethernet(struct build *b);
void build_sll(struct build *b);
void build_sll2(struct build *b);
void build_null(struct build *b);
void build_gre(struct build *b, bool has_key);
void build_erspan(struct build *b, int type); /* 1, 2 or 3; an Ethernet frame is at start */
void build_vxlan(struct build *b); /* these four: then build_udp() with the port, and build_ip() */
void build_geneve(struct build *b);
void build_gtpu(struct build *b);
void build_teredo(struct build *b, bool has_indicators);
void build_pcap_record(struct build *b); /* -X */
void build_jmirror(struct build *b);	 /* -J */
/* Any other header, and what it is. */
void build_header(struct build *b, const void *header, size_t length, uint8_t next,
		  uint16_t ethertype);
/* Zero bytes behind the frame, as Ethernet does to short ones. */
void build_pad(struct build *b, size_t length);
struct slice build_frame(const struct build *b);
