/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <linux/types.h>

/* The contract between user space and the programs in bpf/: one of these is the only element of the
 * map "settings". */

#define SETTINGS_PORTS_MAX 12

enum split_by {
	SPLIT_DESTINATION, /* IPv4: destination address; IPv6: UDP checksum */
	SPLIT_CHECKSUM,	   /* -c: UDP checksum, where it is 0 in IPv4 the destination address */
	SPLIT_FLOW,	   /* a symmetric hash of addresses and ports */
};

/* Tunnels have the bits of enum tunnel in src/net/decode.h. */
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
