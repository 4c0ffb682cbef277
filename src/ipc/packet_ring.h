/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "base/clock.h"
#include "config/config.h"

/* The shape of a worker's TPACKET_V3 ring: the supervisor sets it, the worker maps it. How many
 * blocks it has stands in the watch. */
#define PACKET_RING_BLOCK_BYTES (1u << 20)
#define PACKET_RING_RETIRE_MS	20 /* after this an unfinished block is handed over */
#define PACKET_RING_LEAST_MIB	32
/* When no packet comes any more, all have been handed over after this: the time of the open block,
 * and a tick of the kernel's timer. */
#define PACKET_RING_SETTLED_NS (2 * PACKET_RING_RETIRE_MS * NANOSECONDS_PER_MILLISECOND)

static inline uint32_t packet_ring_blocks(const struct config *config)
{
	uint32_t mib = config->ring_mib / config->worker_count;

	return mib < PACKET_RING_LEAST_MIB ? PACKET_RING_LEAST_MIB : mib;
}
