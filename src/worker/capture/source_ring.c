/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The worker's AF_PACKET ring (TPACKET_V3). The ring belongs to the socket that the supervisor
 * keeps: a successor maps the same blocks. A block goes back to the kernel only after "block done"
 * is committed. Block s (the kernel counts from 1) lies at index (s - 1) modulo the number of
 * blocks.
 */
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "ipc/commit.h"
#include "ipc/packet_ring.h"
#include "worker/capture/source.h"

#define TURN_NS		  (1 * NANOSECONDS_PER_MILLISECOND)
#define PACKETS_PER_CLOCK 64
#define PREFETCH_BYTES	  2048
#define CACHE_LINE	  64

static struct tpacket_block_desc *block_at(const struct source *source, uint64_t sequence)
{
	uint64_t index = (sequence - 1) % source->ring.block_count;

	return (struct tpacket_block_desc *)(source->ring.memory + index * PACKET_RING_BLOCK_BYTES);
}

static bool is_ours(const struct tpacket_block_desc *block, uint64_t sequence)
{
	return __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER &&
	       block->hdr.bh1.seq_num == sequence;
}

static void release(struct tpacket_block_desc *block)
{
	__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

/* Another ring than the one that the cursor points into: it is read from its beginning. */
static void begin_ring(struct state_head *head, uint64_t generation)
{
	commit_set(head, STATE_GENERATION, generation);
	commit_set(head, STATE_BLOCK, 1);
	commit_set(head, STATE_PACKET, 0);
	commit_set(head, STATE_MESSAGE, 0);
	commit_set(head, STATE_BLOCK_READ, state_counter(head, COUNTER_PACKETS_READ));
	commit_apply(head);
}

static bool open_ring(struct source *source, const struct config *config)
{
	struct state_head *head = source->capture->head;
	const struct state_watch *watch = source->watch;
	uint64_t sequence;
	socklen_t length = sizeof(int);
	int type = 0;

	(void)config;
	source->ring.block_count = (uint32_t)watch->ring_blocks;
	source->ring.memory = mmap(NULL, (size_t)source->ring.block_count * PACKET_RING_BLOCK_BYTES,
				   PROT_READ | PROT_WRITE, MAP_SHARED, source->fd, 0);
	if (source->ring.memory == MAP_FAILED ||
	    getsockopt(source->fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0) {
		snprintf(source->error, sizeof(source->error),
			 "the packet ring cannot be mapped: %m");
		return false;
	}
	source->link = type == SOCK_RAW ? LINK_ETHERNET : LINK_COOKED;
	if (state_get(head, STATE_GENERATION) != watch->generation) {
		begin_ring(head, watch->generation);
		source->capture->is_again = source->capture->is_skipping = false;
	}
	sequence = state_get(head, STATE_BLOCK);
	/* Killed between "block done" and giving it back? */
	if (sequence > 1 && is_ours(block_at(source, sequence - 1), sequence - 1))
		release(block_at(source, sequence - 1));
	return true;
}

/* What the sender's CPU has written is far away: fetch what is some packets ahead. Five lines are
 * what a DNS response takes here. */
static inline void prefetch(const uint8_t *ahead)
{
	for (int line = 0; line < 5; line++)
		__builtin_prefetch(ahead + line * CACHE_LINE);
}

static void take_packet(struct source *source, const struct tpacket3_hdr *header)
{
	const uint8_t *at = (const uint8_t *)header;
	struct frame frame = {
		.bytes = {at + header->tp_mac, header->tp_snaplen},
		.time_ns = header->tp_sec * NANOSECONDS_PER_SECOND + header->tp_nsec,
		.wire_length = header->tp_len,
		.link = source->link,
	};

	if (source->link == LINK_COOKED) {
		const struct sockaddr_ll *link =
			(const void *)(at + TPACKET_ALIGN((int)sizeof(*header)));

		frame.ethertype = be16_load((const uint8_t *)&link->sll_protocol);
	}
	prefetch(at + PREFETCH_BYTES);
	capture_frame(source->capture, &frame);
}

/* Goes to the packet behind the first `done` ones. */
static void enter_block(struct source_ring *ring, const struct tpacket_block_desc *block,
			uint64_t done)
{
	ring->packet = (const uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
	for (ring->number = 0; ring->number < done; ring->number++)
		ring->packet +=
			((const struct tpacket3_hdr *)(const void *)ring->packet)->tp_next_offset;
}

/* What was not read of a block is another worker's share. */
static void finish_block(struct state_head *head, struct tpacket_block_desc *block,
			 uint64_t sequence)
{
	uint64_t read = state_counter(head, COUNTER_PACKETS_READ);

	commit_add_some(head, COUNTER_PACKETS_OTHER_SHARE,
			block->hdr.bh1.num_pkts - (read - state_get(head, STATE_BLOCK_READ)));
	commit_set(head, STATE_BLOCK_READ, read);
	commit_set(head, STATE_BLOCK, sequence + 1);
	commit_set(head, STATE_PACKET, 0);
	commit_apply(head);
	release(block);
}

SOURCE_HOT static enum source_state turn_ring(struct source *source)
{
	struct capture *capture = source->capture;
	struct state_head *head = capture->head;
	uint64_t sequence = state_get(head, STATE_BLOCK);
	struct tpacket_block_desc *block = block_at(source, sequence);
	struct source_ring *ring = &source->ring;
	int64_t deadline = capture->now_ns + TURN_NS;

	if (!is_ours(block, sequence))
		return SOURCE_IDLE;
	if (!ring->packet)
		enter_block(ring, block, state_get(head, STATE_PACKET));
	while (ring->number < block->hdr.bh1.num_pkts) {
		const struct tpacket3_hdr *header = (const void *)ring->packet;

		capture->next_packet = ++ring->number;
		take_packet(source, header);
		ring->packet += header->tp_next_offset;
		if (ring->number % PACKETS_PER_CLOCK == 0 && clock_monotonic_ns() > deadline)
			return SOURCE_BUSY;
	}
	finish_block(head, block, sequence);
	ring->packet = NULL;
	return SOURCE_BUSY;
}

const struct source_ops source_ring = {.open = open_ring, .turn = turn_ring};
