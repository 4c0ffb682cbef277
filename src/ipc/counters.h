/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>

/* Indexes into the counters of a state head. */
enum counter {
#define COUNTER(id, name, help) COUNTER_##id,
#include "ipc/counters.def"
#undef COUNTER
	COUNTER_COUNT,
};

/*
 * What a statistics datagram calls "captured": packets that reached IP processing, after sampling
 * (spec/dnsflow.md 5.3). counters has COUNTER_COUNT values.
 */
static inline uint64_t counters_captured(const uint64_t *counters)
{
	return counters[COUNTER_PACKETS_READ] - counters[COUNTER_PACKETS_SAMPLED_OUT] -
	       counters[COUNTER_PACKETS_NOT_DNS] - counters[COUNTER_PACKETS_BAD_LINK];
}

/* "packets_read", and one line of help: borrowed. */
const char *counter_name(enum counter counter);
const char *counter_help(enum counter counter);
