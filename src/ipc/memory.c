/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

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

bool memory_has_size(int fd, size_t size)
{
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && (size_t)status.st_size == size;
}

bool memory_is_sealed(int fd, size_t size)
{
	return memory_has_size(fd, size) && fcntl(fd, F_GET_SEALS) == SEALS;
}

void *memory_map(int fd, size_t size, bool is_writable)
{
	void *memory;

	if (!memory_is_sealed(fd, size))
		return NULL;
	memory = mmap(NULL, size, is_writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd,
		      0);
	return memory == MAP_FAILED ? NULL : memory;
}

/* Huge pages only map what is aligned like them. Before Linux 6.7 what is sealed against writing
 * cannot be mapped as shared, not even to read it. */
void *memory_map_huge(int fd, size_t size, bool is_writable)
{
	size_t room = size + HUGE_PAGE_BYTES;
	int protection = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
	int kind = is_writable ? MAP_SHARED : MAP_PRIVATE;
	uint8_t *reserved, *memory;

	reserved = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED)
		return NULL;
	memory = reserved + (-(uintptr_t)reserved & (HUGE_PAGE_BYTES - 1));
	if (mmap(memory, size, protection, kind | MAP_FIXED, fd, 0) == MAP_FAILED) {
		munmap(reserved, room);
		return NULL;
	}
	if (memory > reserved)
		munmap(reserved, (size_t)(memory - reserved));
	munmap(memory + size, (size_t)(reserved + room - (memory + size)));
	madvise(memory, size, MADV_COLLAPSE); /* as well as it goes */
	return memory;
}

void *memory_map_whole(int fd, size_t *size, bool is_huge)
{
	struct stat status;
	void *memory;

	*size = 0;
	if (fd < 0 || fstat(fd, &status) < 0 || status.st_size <= 0)
		return NULL;
	*size = (size_t)status.st_size;
	if (is_huge)
		return memory_map_huge(fd, *size, false);
	memory = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

int memory_reopen(int fd)
{
	char path[64];
	int copy;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	copy = open(path, O_RDONLY | O_CLOEXEC);
	return copy < 0 ? -errno : copy;
}

/* The map of the whole memory that has passed the checks is moved behind that of the data. */
void *memory_map_twice(int fd, size_t data_bytes, size_t tail_bytes, bool is_writable)
{
	size_t memory_bytes = data_bytes + tail_bytes, bytes = data_bytes + memory_bytes;
	int protection = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
	uint8_t *memory, *space;

	if (data_bytes < (size_t)sysconf(_SC_PAGESIZE) || (data_bytes & (data_bytes - 1)))
		return NULL;
	memory = memory_map(fd, memory_bytes, is_writable);
	if (!memory)
		return NULL;
	space = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (space != MAP_FAILED &&
	    mmap(space, data_bytes, protection, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED &&
	    mremap(memory, memory_bytes, memory_bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
		   space + data_bytes) != MAP_FAILED)
		return space;
	munmap(memory, memory_bytes);
	if (space != MAP_FAILED)
		munmap(space, bytes);
	return NULL;
}

void memory_unmap_twice(const void *data, size_t data_bytes, size_t tail_bytes)
{
	if (data)
		munmap((void *)data, 2 * data_bytes + tail_bytes);
}
