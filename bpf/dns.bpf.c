/* SPDX-License-Identifier: BSD-3-Clause */
/* The filter on every packet socket: what is not wanted never reaches the ring. */
#include "bpf/socket.h"

#include <linux/if_packet.h>

#include "bpf/verdicts.h"

#define WHOLE_PACKET 0x40000

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct verdicts);
} verdicts SEC(".maps");

static __always_inline int is_wanted(struct __sk_buff *skb, const struct capture_settings *wanted)
{
	__u32 key;

	if (skb->pkt_type == PACKET_OUTGOING && skb->ifindex == wanted->loopback_index)
		return 0;
	if (!packet_classify(skb, wanted, &key))
		return 0;
	return wanted->share_count <= 1 || key % wanted->share_count == wanted->share_index;
}

SEC("socket")
int filter(struct __sk_buff *skb)
{
	const __u32 only = 0;
	const struct capture_settings *wanted = bpf_map_lookup_elem(&settings, &only);
	struct verdicts *counts = bpf_map_lookup_elem(&verdicts, &only);

	if (!counts)
		return 0;
	if (!wanted) {
		counts->unreadable++;
		return 0;
	}
	if (!is_wanted(skb, wanted)) {
		counts->rejected++;
		return 0;
	}
	counts->admitted++;
	return WHOLE_PACKET;
}

char LICENSE[] SEC("license") = "BSD";
