/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "ipc/control.h"
#include "supervisor/preflight.h"

static int make_memfd(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

static void close_fds(struct check *check)
{
	if (check->config_fd >= 0)
		close(check->config_fd);
	if (check->filter_fd >= 0)
		close(check->filter_fd);
}

int check_start(struct check *check, int executable_fd, int argc, char **argv, bool keeps_streams)
{
	int fds[CHILD_FD_END], error;
	struct process_plan plan = {
		.executable_fd = executable_fd,
		.role = "preflight",
		.fds = fds,
		.keeps_streams = keeps_streams,
		.argument_count = argc - 1,
		.arguments = argv + 1,
	};

	memset(fds, -1, sizeof(fds));
	fds[CHILD_FD_CONFIG] = check->config_fd = make_memfd("dnsflow-config");
	fds[CHILD_FD_FILTER] = check->filter_fd = make_memfd("dnsflow-filter");
	error = check->config_fd < 0 || check->filter_fd < 0
			? -errno
			: process_start(&check->process, &plan);
	if (error)
		close_fds(check);
	return error;
}

/* Its last words, if it refused; warnings are passed on. */
static void hear(const struct check *check, char *error)
{
	struct control_message message;

	while (control_receive(check->process.control, &message) > 0) {
		if (message.type == CONTROL_FAILED)
			snprintf(error, CONFIG_ERROR_MAX, "%s", message.text);
		else if (message.status == LOG_LEVEL_WARN)
			log_warn("%s", message.text);
		else
			log_info("%s", message.text);
	}
}

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

bool check_filters(const struct filter_program *filters, size_t bytes, const struct config *config)
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

/* The process that made it has seen what may be anybody's: a file, answers of name servers. */
/* Of the two descriptors. False with one line in error. */
static bool read_effective(struct effective *effective, char *error)
{
	snprintf(error, CONFIG_ERROR_MAX, "the checked configuration cannot be taken");
	if (!map_filters(effective) ||
	    !child_read_config(effective->config_fd, &effective->config, error))
		return false;
	if (check_filters(effective->filters, effective->filters_bytes, &effective->config))
		return true;
	snprintf(error, CONFIG_ERROR_MAX,
		 "the check of the configuration handed over filters that do not fit it");
	return false;
}

static struct effective *take_result(struct check *check, char *error)
{
	struct effective *effective = xcalloc(1, sizeof(*effective));

	effective->config_fd = check->config_fd;
	effective->filters_fd = check->filter_fd;
	check->config_fd = check->filter_fd = -1;
	if (!seal(effective->config_fd) || !seal(effective->filters_fd))
		snprintf(error, CONFIG_ERROR_MAX, "the checked configuration cannot be sealed: %s",
			 strerror(errno));
	else if (read_effective(effective, error))
		return effective;
	effective_free(effective);
	return NULL;
}

enum check_result check_finish(struct check *check, struct effective **effective, char *error)
{
	enum check_result result = CHECK_REFUSED;
	int status;

	snprintf(error, CONFIG_ERROR_MAX, "the check of the configuration ended without a word");
	status = process_wait(&check->process);
	hear(check, error);
	process_close(&check->process);
	if (WIFEXITED(status) && WEXITSTATUS(status) == PREFLIGHT_DONE)
		result = CHECK_DONE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == PREFLIGHT_OK) {
		*effective = take_result(check, error);
		result = *effective ? CHECK_OK : CHECK_REFUSED;
	}
	close_fds(check);
	return result;
}

void effective_free(struct effective *effective)
{
	if (!effective)
		return;
	if (effective->filters)
		munmap((void *)effective->filters, effective->filters_bytes);
	close(effective->config_fd);
	close(effective->filters_fd);
	free(effective);
}

void effective_give(const struct effective *effective, struct handover *handover)
{
	handover_add_fd(handover, "config", HANDOVER_ONE, effective->config_fd);
	handover_add_fd(handover, "filters", HANDOVER_ONE, effective->filters_fd);
}

struct effective *effective_take(struct handover *handover, char *error)
{
	struct effective *effective = xcalloc(1, sizeof(*effective));

	effective->config_fd = handover_take_fd(handover, "config", HANDOVER_ONE);
	effective->filters_fd = handover_take_fd(handover, "filters", HANDOVER_ONE);
	return read_effective(effective, error) ? effective : NULL;
}
