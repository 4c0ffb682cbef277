/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/output_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "ipc/lent_rules.h"

/* All of a regular file; *memory is the caller's to free. 0 or -errno. */
static int read_all(int fd, uint8_t **memory, size_t *length)
{
	struct stat status;
	ssize_t got = 1;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	*memory = xmalloc((size_t)status.st_size);
	for (*length = 0; got > 0 && *length < (size_t)status.st_size; *length += (size_t)got) {
		got = read(fd, *memory + *length, (size_t)status.st_size - *length);
		if (got < 0)
			return -errno;
	}
	return 0;
}

static int read_file(const char *path, uint8_t **memory, size_t *length)
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	error = read_all(fd, memory, length);
	close(fd);
	return error;
}

static struct filter_conditions conditions_of(const struct config_filter *config,
					      struct slice names)
{
	return (struct filter_conditions){
		.names = config->name,
		.name_file = names,
		.list = config->list,
		.name_regexes = config->name_regex,
		.clients = config->client,
		.servers = config->server,
		.types = config->type,
		.rcodes = config->rcode,
		.identities = config->identity,
		.verdicts = config->verdict,
		.messages = config->message,
		.latency_ms_least = config->latency_ms_least,
		.latency_ms_most = config->latency_ms_most,
	};
}

struct event_filter *output_filter_new(const struct config_filter *config,
				       const struct hash_key *key, char *error)
{
	struct event_filter *filter = NULL;
	struct filter_conditions conditions;
	uint8_t *names = NULL;
	size_t length = 0;
	int failed = 0;

	if (*config->name_file)
		failed = read_file(config->name_file, &names, &length);
	conditions = conditions_of(config, (struct slice){names, length});
	if (*config->list)
		conditions.lists = lent_lists(error);
	if (!failed)
		filter = event_filter_new(&conditions, key, error);
	else
		snprintf(error, FILTER_ERROR_MAX, "name-file: %.180s: %s", config->name_file,
			 strerror(-failed));
	free(names);
	return filter;
}
