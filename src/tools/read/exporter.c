/* SPDX-License-Identifier: BSD-3-Clause */
/* Exporters never move; slots is an open hash table of their indexes plus 1, 0 being free. */
#include "tools/read/exporter.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"

#define SLOTS (2u * EXPORTERS_MAX)

struct exporters {
	struct hash_key key;
	uint64_t untracked;
	struct exporter stranger; /* whose packet is not followed */
	uint32_t count;
	uint32_t slots[SLOTS];
	struct exporter *list[EXPORTERS_MAX];
};

void exporter_take(struct exporter *exporter, const struct record_reader *reader,
		   const struct record_stats *stats, int64_t time_ns)
{
	bool is_newest = sequence_take(&exporter->sequence, reader->sequence);
	const struct record_stats *last = &exporter->stats;

	if (time_ns > exporter->last_ns)
		exporter->last_ns = time_ns;
	if (!stats) {
		exporter->data_packets++;
		exporter->records += reader->sets_count;
		return;
	}
	if (exporter->stats_packets++ && is_newest) {
		exporter->stats_steps++;
		exporter->captured += stats->captured - last->captured;
		exporter->received += stats->received - last->received;
		exporter->dropped += stats->dropped - last->dropped;
		exporter->interface_dropped += stats->interface_dropped - last->interface_dropped;
	}
	if (is_newest)
		exporter->stats = *stats;
}

double exporter_seconds(const struct exporter *exporter)
{
	return (double)(exporter->last_ns - exporter->first_ns) / (double)NANOSECONDS_PER_SECOND;
}

struct exporters *exporters_new(void)
{
	struct exporters *exporters = xcalloc(1, sizeof(*exporters));

	if (random_secret(&exporters->key, sizeof(exporters->key)) < 0)
		log_fatal("no random numbers");
	return exporters;
}

void exporters_free(struct exporters *exporters)
{
	for (uint32_t i = 0; exporters && i < exporters->count; i++)
		free(exporters->list[i]);
	free(exporters);
}

static uint64_t endpoint_hash(const struct hash_key *key, const struct endpoint *endpoint)
{
	uint8_t bytes[sizeof(endpoint->address.bytes) + 2];

	memcpy(bytes, endpoint->address.bytes, sizeof(endpoint->address.bytes));
	memcpy(bytes + sizeof(endpoint->address.bytes), &endpoint->port, 2);
	return hash_bytes(key, bytes, sizeof(bytes));
}

static void exporter_init(struct exporter *exporter, const struct endpoint *endpoint,
			  int64_t time_ns)
{
	*exporter =
		(struct exporter){.endpoint = *endpoint, .first_ns = time_ns, .last_ns = time_ns};
	address_format(&endpoint->address, exporter->address);
}

struct exporter *exporters_find(struct exporters *exporters, const struct endpoint *endpoint,
				int64_t time_ns)
{
	uint64_t hash = endpoint_hash(&exporters->key, endpoint);
	struct exporter *exporter;
	uint32_t *slot;

	for (;; hash++) {
		slot = &exporters->slots[hash % SLOTS];
		if (!*slot)
			break;
		exporter = exporters->list[*slot - 1];
		if (endpoint_equal(&exporter->endpoint, endpoint))
			return exporter;
	}
	if (exporters->count == EXPORTERS_MAX) {
		exporters->untracked++;
		exporter_init(&exporters->stranger, endpoint, time_ns);
		return &exporters->stranger;
	}
	exporter = xmalloc(sizeof(*exporter));
	exporter_init(exporter, endpoint, time_ns);
	exporters->list[exporters->count] = exporter;
	*slot = ++exporters->count;
	return exporter;
}

uint32_t exporters_count(const struct exporters *exporters)
{
	return exporters->count;
}

const struct exporter *exporters_at(const struct exporters *exporters, uint32_t index)
{
	return exporters->list[index];
}

uint64_t exporters_untracked(const struct exporters *exporters)
{
	return exporters->untracked;
}
