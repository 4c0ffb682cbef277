/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/layout.h"

#define VERSION 2u

static void make_shapes(const struct stats_limits *limits, struct table_shape shapes[LAYOUT_TABLES])
{
	shapes[LAYOUT_NAMES] = (struct table_shape){
		limits->names, NAME_COUNTS + limits->table_count, DNS_NAME_MAX + 1};
	shapes[LAYOUT_DOMAINS] =
		(struct table_shape){limits->domains, DOMAIN_WORDS, DNS_NAME_MAX + 1};
	shapes[LAYOUT_CLIENTS] = (struct table_shape){limits->clients, CLIENT_WORDS, 24};
	shapes[LAYOUT_TLDS] = (struct table_shape){limits->tlds, DIRECTIONS, 72};
}

uint64_t layout_mark(const struct hash_key *key, const struct stats_limits *limits)
{
	uint32_t words[7 + STATS_TABLES_MAX] = {
		VERSION,
		(uint32_t)layout_size(limits),
		limits->names,
		limits->domains,
		limits->clients,
		limits->tlds,
		limits->keeps_case,
	};

	for (uint32_t i = 0; i < limits->table_count; i++) {
		const struct stats_table *table = &limits->tables[i];

		words[7 + i] =
			(uint32_t)table->what << 24 | (uint32_t)table->is_query << 16 | table->code;
	}
	return hash_bytes(key, words, (7 + limits->table_count) * sizeof(*words)) | 1;
}

size_t layout_size(const struct stats_limits *limits)
{
	struct table_shape shapes[LAYOUT_TABLES];
	size_t size = sizeof(struct shard_memory);

	make_shapes(limits, shapes);
	for (uint32_t i = 0; i < LAYOUT_TABLES; i++)
		size += table_size(&shapes[i]);
	return size;
}

void layout_tables(struct shard_memory *memory, const struct stats_limits *limits,
		   struct table tables[LAYOUT_TABLES])
{
	struct table_shape shapes[LAYOUT_TABLES];
	uint8_t *at = (uint8_t *)(memory + 1);

	make_shapes(limits, shapes);
	for (uint32_t i = 0; i < LAYOUT_TABLES; i++) {
		table_open(&tables[i], at, &shapes[i]);
		at += table_size(&shapes[i]);
	}
}
