/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "bpf/settings.h"
#include "net/address.h"
#include "net/link.h"

/*
 * What the eBPF programs decide about a packet, by the same source (bpf/classify.h), for frames
 * that no kernel has seen: files, and tests that hold both against each other.
 */
struct classification {
	bool is_admitted; /* dns.bpf.c would let it into the ring (share_index and share_count not
			     looked at) */
	uint32_t key;	  /* worker = key modulo worker_count; share = key modulo share_count */
};

struct classification classify_network(const struct capture_settings *settings,
				       const struct network *network);

/* The key of fragments and TCP segments between two addresses. */
uint32_t classify_addresses(const struct address *source, const struct address *destination);
