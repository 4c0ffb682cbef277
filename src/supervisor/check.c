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
	if (check->lists_fd >= 0)
		close(check->lists_fd);
}

int check_start(struct check *check, int executable_fd, int argc, char **argv,
		const struct effective *effective)
{
	int fds[CHILD_FD_END], error;
	struct process_plan plan = {
		.executable_fd = executable_fd,
		.role = "preflight",
		.fds = fds,
		.keeps_streams = !effective,
		.argument_count = argc - 1,
		.arguments = argv + 1,
	};

	memset(fds, -1, sizeof(fds));
	fds[CHILD_FD_CONFIG] = check->config_fd = make_memfd("dnsflow-config");
	fds[CHILD_FD_FILTER] = check->filter_fd = make_memfd("dnsflow-filter");
	fds[CHILD_FD_LISTS] = check->lists_fd = make_memfd("dnsflow-lists");
	fds[CHILD_FD_EARLIER_LISTS] = effective ? effective->lists_fd : -1;
	error = check->config_fd < 0 || check->filter_fd < 0 || check->lists_fd < 0
			? -errno
			: process_start(&check->process, &plan);
	if (error)
		close_fds(check);
	return error;
}

static void hear_warning(struct check *check, const char *text)
{
	const size_t kept = strlen(check->warnings), length = strlen(text);

	log_warn("%s", text);
	if (kept + length + 2 <= sizeof(check->warnings))
		sprintf(check->warnings + kept, "%s\n", text);
}

/* Its last words, if it refused; warnings are passed on. */
static void hear(struct check *check, char *error)
{
	struct control_message message;

	*check->warnings = '\0';

	while (control_receive(check->process.control, &message) > 0) {
		if (message.type == CONTROL_FAILED)
			snprintf(error, CONFIG_ERROR_MAX, "%s", message.text);
		else if (message.status == LOG_LEVEL_WARN)
			hear_warning(check, message.text);
		else
			log_info("%s", message.text);
	}
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
		*effective =
			effective_open(check->config_fd, check->filter_fd, check->lists_fd, error);
		check->config_fd = check->filter_fd = check->lists_fd = -1;
		result = *effective ? CHECK_OK : CHECK_REFUSED;
	}
	close_fds(check);
	return result;
}
