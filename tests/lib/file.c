/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int file_map(const char *path, struct slice *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
	struct stat status;
	void *memory = MAP_FAILED;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &status))
		memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
			      fd, 0);
	if (memory == MAP_FAILED)
		error = -errno;
	else
		*bytes = (struct slice){memory, (size_t)status.st_size};
	close(fd);
	return error;
}
