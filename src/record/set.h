/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "dns/message.h"
#include "net/address.h"

/* The dnsflow wire format, versions 0 to 4 (spec/dnsflow.md sections 5 and 11.3); version 4 is the
 * one we write. */

#define RECORD_VERSION	      4
#define RECORD_HEADER_SIZE    8
#define RECORD_SET_FIXED_SIZE 40
#define RECORD_STATS_SIZE     28
#define RECORD_SETS_MAX	      255
#define RECORD_PAYLOAD_MAX    1500 /* default hard maximum of a datagram's payload */
#define RECORD_PAYLOAD_TARGET 1200 /* from here on a datagram is sent */
#define RECORD_ESTIMATE_MAX   1491 /* a larger set fits into no datagram */
#define RECORD_FLAG_STATS     0x0001

/* Counters of a statistics datagram, cumulative, 32 bits wrapping, host byte order. */
struct record_stats {
	uint32_t captured;
	uint32_t received;
	uint32_t dropped;
	uint32_t interface_dropped;
	uint32_t sample_rate; /* 0 when off, and in versions 0 and 1 */
};

/* Spec 5.4: the size by which a set is packed; pad bytes are not counted. */
static inline uint32_t record_estimate(const struct dns_answer *answer)
{
	return RECORD_SET_FIXED_SIZE + answer->names_length + 4u * answer->ip4s_count +
	       16u * answer->ip6s_count;
}

/* Room that record_set_encode needs beyond a set's estimate: pad bytes, and what it writes behind
 * the end. */
#define RECORD_SET_SLACK 35

/*
 * Writes one set at out (4-byte aligned in the datagram). The answer must not be larger than
 * RECORD_ESTIMATE_MAX; out has room for the estimate and RECORD_SET_SLACK more. Returns the bytes
 * of the set.
 */
uint32_t record_set_encode(uint8_t *out, const struct address *client,
			   const struct address *resolver, const struct dns_answer *answer);

/* Writes the 8 bytes of a header. */
void record_header_encode(uint8_t *out, uint8_t sets_count, uint16_t flags, uint32_t sequence);

/* Writes a whole statistics datagram of RECORD_STATS_SIZE bytes. */
void record_stats_encode(uint8_t *out, uint32_t sequence, const struct record_stats *stats);
