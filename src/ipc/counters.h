/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>

/* Numbers of the counters of a state head. */
enum counter {
#define COUNTER(number, id, name, help) COUNTER_##id = (number),
#include "ipc/counters.def"
#undef COUNTER
	COUNTER_END = 480, /* numbers that a head has room for; most are free */
};

/* "packets_read", and one line of help: borrowed; NULL when no counter has the number. */
const char *counter_name(enum counter counter);
const char *counter_help(enum counter counter);

/*
 * What a statistics datagram calls "captured": packets that reached IP processing, after sampling
 * (spec/dnsflow.md 5.3). counters has COUNTER_END values.
 */
static inline uint64_t counters_captured(const uint64_t *counters)
{
	return counters[COUNTER_PACKETS_READ] - counters[COUNTER_PACKETS_SAMPLED_OUT] -
	       counters[COUNTER_PACKETS_NOT_DNS] - counters[COUNTER_PACKETS_BAD_LINK];
}
