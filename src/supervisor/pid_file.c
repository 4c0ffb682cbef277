/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

#define PID_TEXT_MAX 16

static int refuse(int fd, char *error, const char *path, const char *reason)
{
	snprintf(error, CONFIG_ERROR_MAX, "pid file %.300s: %s", path, reason);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Somebody's file given by mistake is not to be lost: an empty one, or digits, is ours. */
static bool holds_pid(int fd)
{
	char text[PID_TEXT_MAX];
	ssize_t length = pread(fd, text, sizeof(text), 0);

	for (ssize_t i = 0; i < length; i++)
		if ((text[i] < '0' || text[i] > '9') && text[i] != '\n')
			return false;
	return length >= 0 && length < PID_TEXT_MAX;
}

int pid_file_open(const char *path, char *error)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	struct stat status;

	if (fd < 0)
		return refuse(fd, error, path,
			      errno == ELOOP ? "is a symbolic link" : strerror(errno));
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1)
		return refuse(fd, error, path, "is not a regular file of its own");
	if (!holds_pid(fd))
		return refuse(fd, error, path, "holds something else than a process id");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return refuse(fd, error, path, "dnsflow already running");
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		return refuse(fd, error, path, strerror(errno));
	return fd;
}
