/* SPDX-License-Identifier: BSD-3-Clause */
#include "record/set.h"

#include <assert.h>
#include <string.h>

#include "base/cursor.h"

#define NAMES_ALIGN 4u

/* Copies in whole chunks, beyond the end: lengths of names are hard to predict, and each branch on
 * them costs more than the bytes. */
static inline uint8_t *chunks_put(uint8_t *out, const uint8_t *bytes, size_t length, size_t chunk)
{
	for (size_t at = 0; at < length; at += chunk)
		memcpy(out + at, bytes + at, chunk);
	return out + length;
}

uint32_t record_set_encode(uint8_t *out, const struct address *client,
			   const struct address *resolver, const struct dns_answer *answer)
{
	uint32_t pad = -answer->names_length % NAMES_ALIGN;
	uint8_t *at = out;

	assert(record_estimate(answer) <= RECORD_ESTIMATE_MAX);
	*at++ = client->version;
	*at++ = (uint8_t)answer->names_count;
	*at++ = (uint8_t)answer->ip4s_count;
	*at++ = (uint8_t)answer->ip6s_count;
	be32_store(at, (answer->names_length + pad) << 16);
	memcpy(at + 4, client->bytes, sizeof(client->bytes));
	memcpy(at + 20, resolver->bytes, sizeof(resolver->bytes));
	at = chunks_put(at + 36, answer->names, answer->names_length, 32);
	memset(at, 0, NAMES_ALIGN);
	at = chunks_put(at + pad, answer->ip4s, 4u * answer->ip4s_count, 16);
	at = chunks_put(at, answer->ip6s, 16u * answer->ip6s_count, 16);
	return (uint32_t)(at - out);
}

void record_header_encode(uint8_t *out, uint8_t sets_count, uint16_t flags, uint32_t sequence)
{
	out[0] = RECORD_VERSION;
	out[1] = sets_count;
	be16_store(out + 2, flags);
	be32_store(out + 4, sequence);
}

void record_stats_encode(uint8_t *out, uint32_t sequence, const struct record_stats *stats)
{
	record_header_encode(out, 1, RECORD_FLAG_STATS, sequence);
	be32_store(out + 8, stats->captured);
	be32_store(out + 12, stats->received);
	be32_store(out + 16, stats->dropped);
	be32_store(out + 20, stats->interface_dropped);
	be32_store(out + 24, stats->sample_rate);
}
