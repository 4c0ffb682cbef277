/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

int memory_create(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0)
		return -errno;
	if (!fallocate(fd, 0, 0, (off_t)size) && !fcntl(fd, F_ADD_SEALS, SEALS))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

void *memory_map(int fd, size_t size, bool is_writable)
{
	struct stat status;
	void *memory;

	if (fstat(fd, &status) < 0 || (size_t)status.st_size != size ||
	    fcntl(fd, F_GET_SEALS) != SEALS)
		return NULL;
	memory = mmap(NULL, size, is_writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd,
		      0);
	return memory == MAP_FAILED ? NULL : memory;
}
