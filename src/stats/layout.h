/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dns/event.h"
#include "dns/name.h"
#include "stats/distinct.h"
#include "stats/key.h"
#include "stats/latency.h"
#include "stats/shard.h"
#include "stats/table.h"

/* What lies in the memory of a shard: for shard.c, which writes it, and summary.c, which reads. */

/* Codes that have a counter of their own; all others share one. */
#define LAYOUT_TYPES_DIRECT 260u   /* 0 .. AMTRELAY */
#define LAYOUT_TYPES_HIGH   32768u /* TA, and DLV behind it */
#define LAYOUT_TYPES	    STATS_TYPES
#define LAYOUT_TYPE_OTHER   (LAYOUT_TYPES - 1)
#define LAYOUT_RCODES	    STATS_RCODES
#define LAYOUT_RCODE_OTHER  (LAYOUT_RCODES - 1)
#define LAYOUT_FAMILIES	    2u /* INET, INET6 */

struct direction_counts {
	uint64_t messages;
	uint64_t bytes;
	uint64_t families[LAYOUT_FAMILIES];
	uint64_t protocols[EVENT_PROTOCOL_END];
	uint64_t rcodes[LAYOUT_RCODES];
	uint64_t types[LAYOUT_TYPES];
};

enum direction { DIRECTION_RESPONSE, DIRECTION_QUERY, DIRECTIONS };

struct layout_counts {
	struct direction_counts directions[DIRECTIONS];
	struct latency latency; /* of responses */
	uint64_t unanswered;
};

/* What of an event waits until the memory that it needs has arrived. */
struct digest {
	uint64_t name_key; /* 0: it has no name */
	uint64_t client_key;
	uint64_t domain_key; /* 0: to be found; else split is there too */
	uint32_t name_slot;  /* TABLE_NONE: it is not kept */
	uint32_t client_slot;
	uint32_t length;
	uint16_t weight; /* how many events it stands for */
	uint16_t lists;	 /* one bit for each table of the limits that counts it */
	uint8_t direction;
	uint8_t name_length;
	struct suffixes_split split;
	uint8_t client[24];		/* as layout_pack_client has it */
	uint8_t name[DNS_NAME_MAX + 1]; /* as it is counted */
};

#define LAYOUT_BATCH 16u

struct batch {
	uint32_t queued;  /* digests that are whole */
	uint32_t settled; /* of those, the first, which are counted */
	uint32_t reserved[14];
	struct digest digests[LAYOUT_BATCH];
};

/* The words of an entry of names: the key of its registered domain, then a count for each table of
 * the limits. */
enum { NAME_DOMAIN, NAME_COUNTS };

/* Of domains and TLDs: a count for each direction, then, of domains, the key of its TLD (0: none
 * that is known). */
enum { DOMAIN_TLD = DIRECTIONS, DOMAIN_WORDS };
/* Of clients. */
enum { CLIENT_HITS, CLIENT_BYTES, CLIENT_WORDS };

enum layout_table { LAYOUT_NAMES, LAYOUT_DOMAINS, LAYOUT_CLIENTS, LAYOUT_TLDS, LAYOUT_TABLES };

struct shard_memory {
	uint64_t mark; /* layout_mark of who began it; 0: it is not whole */
	uint64_t epoch;
	uint64_t random[6];
	struct batch batch __attribute__((aligned(64)));
	struct layout_counts counts __attribute__((aligned(64)));
	struct distinct names __attribute__((aligned(64)));
	struct distinct clients;
	/* then the tables */
};

/* A checksum of key, limits and this layout. */
uint64_t layout_mark(const struct hash_key *key, const struct stats_limits *limits);

size_t layout_size(const struct stats_limits *limits);
void layout_tables(struct shard_memory *memory, const struct stats_limits *limits,
		   struct table tables[LAYOUT_TABLES]);

static inline uint32_t layout_type(uint16_t type)
{
	if (type < LAYOUT_TYPES_DIRECT)
		return type;
	return (type & ~1u) == LAYOUT_TYPES_HIGH ? LAYOUT_TYPES_DIRECT + (type & 1)
						 : LAYOUT_TYPE_OTHER;
}

static inline uint32_t layout_rcode(uint16_t rcode)
{
	return rcode < LAYOUT_RCODE_OTHER ? rcode : LAYOUT_RCODE_OTHER;
}

/* The inverse of layout_type, but for LAYOUT_TYPE_OTHER. */
static inline uint16_t layout_type_code(uint32_t slot)
{
	return (uint16_t)(slot < LAYOUT_TYPES_DIRECT
				  ? slot
				  : LAYOUT_TYPES_HIGH + slot - LAYOUT_TYPES_DIRECT);
}

/* An address and its version, the rest zero. */
static inline void layout_pack_client(const struct address *address, uint8_t client[24])
{
	memset(client + 16, 0, 8);
	memcpy(client, address->bytes, 16);
	client[16] = address->version;
}

/* Of as many bytes as it has. */
static inline uint64_t layout_client_key(const struct hash_key *key, const struct address *address)
{
	uint64_t second = address->version == 6 ? key_load(address->bytes + 8) : 0;
	uint64_t hash = key_add(key, key->word[0], key_load(address->bytes), second);

	return key_end(key, hash, address->version);
}
