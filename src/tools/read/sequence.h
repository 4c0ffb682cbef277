/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* The datagram numbers of one exporter: what was lost on the way, what came out of order. */
struct sequence {
	uint32_t last;
	uint64_t total;
	int64_t lost; /* a late arrival takes one back */
	uint64_t out_of_order;
};

/* Takes the number of the next datagram; true when it is newer than all before it. Numbers wrap. */
bool sequence_take(struct sequence *sequence, uint32_t number);
