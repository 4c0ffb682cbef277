/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/aggregation_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/schema.h"
#include "ipc/observation.h"
#include "stats/rates.h"
#include "stats/summary.h"

#define MIB ((size_t)1 << 20)

static const struct hash_key key = {{1, 1}}; /* nothing is kept in these tables */

static bool is_counter(const struct summary *summary, const char *name)
{
	struct rates_name rate;
	uint64_t value;

	return rates_parse(name, &rate) || summary_counter(summary, name, &value);
}

static bool check_counters(const struct config *config, char *error)
{
	const struct setting *setting = schema_find(&schema_config, "statistics.default-counters");
	struct stats_limits limits = observation_limits(config);
	struct suffixes *suffixes = observation_suffixes(config->statistics.suffix_list);
	struct summary *summary = summary_new(&limits, &key, suffixes);
	char name[CONFIG_TEXT_MAX];
	bool is_good = true;

	for (uint32_t i = 0; is_good && i < setting_count(config, setting); i++) {
		setting_format(config, setting, i, name);
		is_good = is_counter(summary, name);
	}
	if (!is_good)
		snprintf(error, CONFIG_ERROR_MAX, "%s: %.99s is no counter", setting->name, name);
	summary_free(summary);
	suffixes_free(suffixes);
	return is_good;
}

static size_t memory_needed(const struct config *config)
{
	size_t bytes = config->statistics.streams * observation_shard_size(config);

	for (uint32_t i = 0; i < config->output_count; i++)
		bytes += config->outputs[i].queue_mib * MIB;
	return (bytes + MIB - 1) / MIB;
}

/* How much less it would be with the default of a setting; of outputs, without their queues. */
static size_t memory_of(const struct config *config, const struct setting *setting)
{
	struct config *other = xmalloc(sizeof(*other));
	size_t needed;

	*other = *config;
	memcpy((char *)other + setting->offset, setting->usual, setting->size);
	needed = memory_needed(other);
	free(other);
	return needed < memory_needed(config) ? memory_needed(config) - needed : 0;
}

/* The setting that takes most beyond its default, or NULL. */
static const struct setting *find_largest(const struct config *config)
{
	static const char *const names[] = {
		"statistics.names", "statistics.domains", "statistics.clients",
		"statistics.tlds",  "statistics.tables",  "statistics.streams",
		"outputs"};
	const struct setting *largest = NULL;
	size_t most = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct setting *setting = schema_find(&schema_config, names[i]);
		size_t memory = memory_of(config, setting);

		if (memory > most) {
			most = memory;
			largest = setting;
		}
	}
	return largest;
}

static bool check_memory(const struct config *config, char *error)
{
	size_t needed = memory_needed(config);
	const struct setting *largest;

	if (needed <= config->statistics.memory_mib)
		return true;
	largest = find_largest(config);
	snprintf(error, CONFIG_ERROR_MAX,
		 "statistics.memory: %u MiB are too few, %zu would be needed%s%s",
		 config->statistics.memory_mib, needed, largest ? ", most of them for " : "",
		 largest ? largest->name : "");
	return false;
}

bool aggregation_check(const struct config *config, char *error)
{
	return check_memory(config, error) && check_counters(config, error);
}
