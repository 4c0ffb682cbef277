/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "bpf/settings.h"

/* What the programs on packet sockets share: the map of the settings, the way to read a packet. */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture_settings);
} settings SEC(".maps");

struct classify_view {
	struct __sk_buff *skb;
	__u32 start; /* offset 0 of classify.h, counted from that header */
	__u32 header;
};

/*
 * Socket filters may not touch packet bytes; and what is at offset 0 for a program differs with
 * direction and socket type.
 */
static inline int classify_load(const struct classify_view *view, __u32 offset, void *to,
				__u32 length)
{
	return bpf_skb_load_bytes_relative(view->skb, view->start + offset, to, length,
					   view->header);
}

#include "bpf/classify.h"

static __always_inline int packet_classify(struct __sk_buff *skb,
					   const struct capture_settings *wanted, __u32 *key)
{
	struct classify_view view = {.skb = skb, .header = BPF_HDR_START_NET};
	__u16 ethertype = bpf_ntohs((__u16)skb->protocol);

	/* Going out, with tags that the sender wrote itself: the network header is behind them. */
	if (ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD) {
		view.header = BPF_HDR_START_MAC;
		view.start = ETH_HLEN;
	}
	return classify(&view, ethertype, wanted, key);
}
