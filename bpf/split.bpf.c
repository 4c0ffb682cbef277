/* SPDX-License-Identifier: BSD-3-Clause */
/* The program of a fanout group: the index of the socket, and so of the worker, for a packet. */
#include "bpf/socket.h"

SEC("socket")
int split(struct __sk_buff *skb)
{
	const __u32 only = 0;
	const struct capture_settings *wanted = bpf_map_lookup_elem(&settings, &only);
	__u32 key;

	if (!wanted || wanted->worker_count <= 1)
		return 0;
	packet_classify(skb, wanted, &key);
	return (int)(key % wanted->worker_count);
}

char LICENSE[] SEC("license") = "BSD";
