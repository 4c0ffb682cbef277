/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "pcap/savefile.h"

static int refuse(int fd, char *error, const char *path, const char *reason)
{
	snprintf(error, CONFIG_ERROR_MAX, "quarantine %.300s: %s", path, reason);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int open_file(const char *path, char *error)
{
	int fd =
		open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat status;

	if (fd < 0)
		return refuse(fd, error, path, strerror(errno));
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1)
		return refuse(fd, error, path, "is not a regular file of its own");
	return fd;
}

/* 1: holds a pcap file of this link type; 0: is empty; -1: neither. */
static int look_at(int fd, int dlt)
{
	uint8_t header[SAVEFILE_HEADER_SIZE];
	struct savefile file;
	ssize_t length = pread(fd, header, sizeof(header), 0);

	if (length == 0)
		return 0;
	return length == sizeof(header) &&
			       savefile_open(&file, (struct slice){header, sizeof(header)}) ==
				       SAVEFILE_OK &&
			       file.dlt == dlt
		       ? 1
		       : -1;
}

static void make_folder(const char *path)
{
	char copy[CONFIG_TEXT_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	mkdir(dirname(copy), 0755);
}

int quarantine_open(const char *path, int dlt, char *error)
{
	uint8_t header[SAVEFILE_HEADER_SIZE];
	char old[CONFIG_TEXT_MAX + 8];
	int fd, content;

	make_folder(path);
	fd = open_file(path, error);
	if (fd < 0)
		return -1;
	content = look_at(fd, dlt);
	if (content < 0) {
		close(fd);
		snprintf(old, sizeof(old), "%s.old", path);
		if (rename(path, old) < 0)
			return refuse(-1, error, path, strerror(errno));
		fd = open_file(path, error);
		if (fd < 0)
			return -1;
		content = 0;
	}
	savefile_header_encode(header, dlt);
	if (content == 0 && write(fd, header, sizeof(header)) != sizeof(header))
		return refuse(fd, error, path, strerror(errno));
	return fd;
}
