/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/option/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t is_wanted;
static volatile sig_atomic_t reading_fd = -1;
static int event_fd = -1;
static int null_fd = -1;

static void on_signal(int signal)
{
	const uint64_t one = 1;
	int error = errno;

	(void)signal;
	is_wanted = 1;
	if (reading_fd >= 0)
		dup2(null_fd, reading_fd);
	if (write(event_fd, &one, sizeof(one)) < 0) {
		/* It is readable already. */
	}
	errno = error;
}

int stop_open(void)
{
	/* The second signal ends a process that waits for its reader. */
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (event_fd < 0 || null_fd < 0)
		return -errno;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0)
		return -errno;
	action = (struct sigaction){.sa_handler = SIG_IGN};
	return sigaction(SIGPIPE, &action, NULL) < 0 ? -errno : 0;
}

bool stop_is_wanted(void)
{
	return is_wanted;
}

int stop_fd(void)
{
	return event_fd;
}

void stop_reading(int fd)
{
	reading_fd = fd;
}
