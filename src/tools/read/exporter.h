/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "net/address.h"
#include "record/reader.h"
#include "tools/read/sequence.h"

/* One source of datagrams, an address and a port, and all that was seen of it. */
struct exporter {
	struct endpoint endpoint;
	char address[ADDRESS_TEXT_MAX];
	int64_t first_ns;
	int64_t last_ns;
	uint64_t data_packets;
	uint64_t stats_packets;
	uint64_t records;
	struct sequence sequence;
	struct record_stats stats; /* the newest */
	uint64_t stats_steps; /* from one statistics packet to the next: how many are in the sums */
	uint64_t captured;
	uint64_t received;
	uint64_t dropped;
	uint64_t interface_dropped;
};

/* Takes a data packet, or with stats a statistics packet: their counters wrap at 32 bits. */
void exporter_take(struct exporter *exporter, const struct record_reader *reader,
		   const struct record_stats *stats, int64_t time_ns);

/* Seconds between its first packet and its newest; 0 when there are none to divide by. */
double exporter_seconds(const struct exporter *exporter);

#define EXPORTERS_MAX 65536

/*
 * All exporters, in the order of appearance. Sources can be forged, so their number is bounded:
 * packets of those beyond EXPORTERS_MAX are printed, but not followed.
 */
struct exporters;

/* Exits when out of memory. */
struct exporters *exporters_new(void);
void exporters_free(struct exporters *exporters);

/*
 * The exporter, added when it is new. When there are too many, the packet is counted as untracked,
 * and what is returned is forgotten at the next call.
 */
struct exporter *exporters_find(struct exporters *exporters, const struct endpoint *endpoint,
				int64_t time_ns);
uint32_t exporters_count(const struct exporters *exporters);
const struct exporter *exporters_at(const struct exporters *exporters, uint32_t index);
uint64_t exporters_untracked(const struct exporters *exporters);
