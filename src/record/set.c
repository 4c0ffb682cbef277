/* SPDX-License-Identifier: BSD-3-Clause */
#include "record/set.h"

#include <assert.h>
#include <string.h>

#include "base/cursor.h"

#define NAMES_ALIGN 4u
#define NAMES_CHUNK 32u
#define IPS_CHUNK   16u

_Static_assert(DNS_ANSWER_NAMES_BYTES >=
			       RECORD_ESTIMATE_MAX - RECORD_SET_FIXED_SIZE + NAMES_CHUNK &&
		       sizeof(((struct dns_answer *)0)->ip4s) % IPS_CHUNK == 0,
	       "whole chunks can be read of what an answer holds");

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
	at = chunks_put(at + 36, answer->names, answer->names_length, NAMES_CHUNK);
	memset(at, 0, NAMES_ALIGN);
	at = chunks_put(at + pad, answer->ip4s, 4u * answer->ip4s_count, IPS_CHUNK);
	at = chunks_put(at, answer->ip6s, 16u * answer->ip6s_count, IPS_CHUNK);
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
