/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/effective.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "ipc/child.h"
#include "ipc/memory.h"

/* What was handed over cannot change any more, whoever still holds it. */
static bool seal(int fd)
{
	return !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

static size_t expected_filters(const struct config *config)
{
	if (config->input != CONFIG_INPUT_LIVE)
		return 0;
	return *config->filter ? 1 : config->worker_count;
}

/* The process that made them has seen what may be anybody's: a file, answers of name servers. */
bool effective_has_filters(const struct config *config, const struct filter_program *filters,
			   size_t bytes)
{
	size_t count = expected_filters(config);

	if (bytes != count * sizeof(*filters))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!filters[i].length || filters[i].length > FILTER_INSTRUCTIONS_MAX)
			return false;
	return true;
}

static bool map_filters(struct effective *effective)
{
	struct stat status;
	void *memory;

	if (fstat(effective->filters_fd, &status) < 0)
		return false;
	effective->filters_bytes = (size_t)status.st_size;
	if (!status.st_size)
		return true;
	memory = mmap(NULL, effective->filters_bytes, PROT_READ, MAP_PRIVATE, effective->filters_fd,
		      0);
	effective->filters = memory == MAP_FAILED ? NULL : memory;
	return effective->filters;
}

/* Of the two descriptors. False with one line in error. */
static bool read_fds(struct effective *effective, char *error)
{
	snprintf(error, CONFIG_ERROR_MAX, "the checked configuration cannot be taken");
	if (!map_filters(effective) ||
	    !child_read_config(effective->config_fd, &effective->config, error))
		return false;
	if (effective_has_filters(&effective->config, effective->filters, effective->filters_bytes))
		return true;
	snprintf(error, CONFIG_ERROR_MAX,
		 "the check of the configuration handed over filters that do not fit it");
	return false;
}

/* Without lists nothing was written. */
static void leave_out_lists(struct effective *effective)
{
	if (!memory_has_size(effective->lists_fd, 0))
		return;
	close(effective->lists_fd);
	effective->lists_fd = -1;
}

struct effective *effective_open(int config_fd, int filters_fd, int lists_fd, char *error)
{
	struct effective *effective = xcalloc(1, sizeof(*effective));

	effective->config_fd = config_fd;
	effective->filters_fd = filters_fd;
	effective->lists_fd = lists_fd;
	leave_out_lists(effective);
	if (!seal(config_fd) || !seal(filters_fd) ||
	    (effective->lists_fd >= 0 && !seal(effective->lists_fd)))
		snprintf(error, CONFIG_ERROR_MAX, "the checked configuration cannot be sealed: %s",
			 strerror(errno));
	else if (read_fds(effective, error))
		return effective;
	effective_free(effective);
	return NULL;
}

void effective_free(struct effective *effective)
{
	if (!effective)
		return;
	if (effective->filters)
		munmap((void *)effective->filters, effective->filters_bytes);
	close(effective->config_fd);
	close(effective->filters_fd);
	if (effective->lists_fd >= 0)
		close(effective->lists_fd);
	free(effective);
}

void effective_give(const struct effective *effective, struct handover *handover)
{
	handover_add_fd(handover, "config", HANDOVER_ONE, effective->config_fd);
	handover_add_fd(handover, "filters", HANDOVER_ONE, effective->filters_fd);
	handover_add_fd(handover, "lists", HANDOVER_ONE, effective->lists_fd);
}

struct effective *effective_take(struct handover *handover, char *error)
{
	struct effective *effective = xcalloc(1, sizeof(*effective));

	effective->config_fd = handover_take_fd(handover, "config", HANDOVER_ONE);
	effective->filters_fd = handover_take_fd(handover, "filters", HANDOVER_ONE);
	effective->lists_fd = handover_take_fd(handover, "lists", HANDOVER_ONE);
	return read_fds(effective, error) ? effective : NULL;
}
