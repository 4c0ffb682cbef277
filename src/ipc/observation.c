/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/observation.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stats/pairs.h"

#define ALIGNMENT 64

struct stats_limits observation_limits(const struct config *config)
{
	const struct config_statistics *statistics = &config->statistics;
	struct stats_limits limits = {
		.names = statistics->names,
		.domains = statistics->domains,
		.clients = statistics->clients,
		.tlds = statistics->tlds,
		.keeps_case = statistics->keeps_case,
	};
	char word[64];

	for (const char *at = statistics->tables; *at && limits.table_count < STATS_TABLES_MAX;) {
		size_t length = strcspn(at, "\n");

		if (length < sizeof(word)) {
			memcpy(word, at, length);
			word[length] = '\0';
			limits.table_count +=
				stats_table_parse(word, &limits.tables[limits.table_count]);
		}
		at += length + (at[length] == '\n');
	}
	return limits;
}

size_t observation_shard_size(const struct config *config)
{
	struct stats_limits limits = observation_limits(config);

	return (shard_size(&limits) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

size_t observation_size(const struct config *config)
{
	return observation_shard_size(config) + PAIRS_BYTES;
}

void *observation_pairs(void *memory, const struct config *config)
{
	return (char *)memory + observation_shard_size(config);
}

struct suffixes *observation_suffixes(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	struct slice text = {0};
	struct suffixes *suffixes;
	void *memory = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
		memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memory != MAP_FAILED)
		text = (struct slice){memory, (size_t)status.st_size};
	suffixes = suffixes_new(text);
	if (memory != MAP_FAILED)
		munmap(memory, text.length);
	if (fd >= 0)
		close(fd);
	return suffixes;
}
