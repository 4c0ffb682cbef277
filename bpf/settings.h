/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <linux/types.h>

/* The contract between user space and the programs in bpf/: one of these is the only element of the
 * map "settings". */

#define SETTINGS_PORTS_MAX 12

/* Tunnels that are admitted and looked into, a bit mask. */
enum tunnel {
	TUNNEL_GRE = 1 << 0,	/* RFC 2784, 2890, with Ethernet (NVGRE), IP, MPLS inside */
	TUNNEL_ERSPAN = 1 << 1, /* types I, II, III over GRE */
	TUNNEL_VXLAN = 1 << 2,	/* RFC 7348, UDP port 4789 and 8472 */
	TUNNEL_GENEVE = 1 << 3, /* RFC 8926, UDP port 6081 */
	TUNNEL_GTPU = 1 << 4,	/* 3GPP TS 29.281, UDP port 2152 */
	TUNNEL_IPIP = 1 << 5,	/* IPv4 in IP (RFC 2003, 2473), protocol 4 */
	TUNNEL_6IN4 = 1 << 6,	/* IPv6 in IP (RFC 4213, 2473), protocol 41 */
	TUNNEL_TEREDO = 1 << 7, /* RFC 4380, UDP port 3544 */
	TUNNEL_ALL = (1 << 8) - 1,
};

enum split_by {
	SPLIT_DESTINATION, /* IPv4: destination address; IPv6: UDP checksum */
	SPLIT_CHECKSUM,	   /* -c: UDP checksum, where it is 0 in IPv4 the destination address */
	SPLIT_FLOW,	   /* a symmetric hash of addresses and ports */
};

struct capture_settings {
	__u32 split;	   /* enum split_by */
	__u32 share_index; /* -m: which share of share_count is wanted, from 0; share_count <= 1:
			      all */
	__u32 share_count;
	__u32 worker_count;   /* what the split program divides by */
	__u32 loopback_index; /* interface on which a packet that goes out comes in as well, 0 =
				 none */
	__u32 tunnels;	      /* bits of enum tunnel that are admitted */
	__u16 pcap_port;      /* -X, host byte order, 0 = off */
	__u16 jmirror_port;   /* -J */
	__u8 queries_wanted;  /* admit both directions */
	__u16 port_count;
	__u16 ports[SETTINGS_PORTS_MAX]; /* source ports admitted, host byte order */
};
