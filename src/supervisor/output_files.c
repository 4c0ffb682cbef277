/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/output_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "supervisor/place.h"
#include "supervisor/rotated.h"

struct output_files {
	struct rotated rotated[CONFIG_OUTPUTS_MAX];
};

static const char *describe(int error)
{
	if (error == -ELOOP)
		return "a symbolic link that others than root can replace";
	if (error == -EBADF)
		return "neither a regular file of one name nor a pipe";
	if (error == -ENXIO)
		return "nobody reads the pipe";
	return strerror(-error);
}

static int refuse(char *error, int reason)
{
	snprintf(error, CONFIG_ERROR_MAX, "%s", describe(reason));
	return -1;
}

struct output_files *output_files_new(struct loop *loop, int executable_fd)
{
	struct output_files *files = xcalloc(1, sizeof(*files));

	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++)
		rotated_init(&files->rotated[i], loop, executable_fd);
	return files;
}

void output_files_free(struct output_files *files)
{
	if (!files)
		return;
	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++)
		rotated_fini(&files->rotated[i]);
	free(files);
}

bool output_files_is_busy(const struct output_files *files)
{
	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++)
		if (files->rotated[i].stage != ROTATED_NOTHING)
			return true;
	return false;
}

static int open_path(const struct config *config, const char *path, char *error)
{
	struct place place;
	int fd, reason = place_open(&place, path);

	if (reason)
		return refuse(error, reason);
	fd = place_open_file(&place, config->uid, config->gid);
	place_close(&place);
	return fd < 0 ? refuse(error, fd) : fd;
}

int output_files_open(const struct config *config, uint32_t index, char *error)
{
	if (index >= config->output_count || !*config->outputs[index].path)
		return refuse(error, -EINVAL);
	return open_path(config, config->outputs[index].path, error);
}

/* One file becomes another, if it is there. 0 or -errno. */
static int move(const struct place *place, const char *from, const char *to)
{
	return renameat(place->folder_fd, from, place->folder_fd, to) < 0 && errno != ENOENT
		       ? -errno
		       : 0;
}

/* A rotated file, whatever it is compressed with, gets the next number; the last one goes. */
static int shift(const struct place *place, uint32_t number, uint32_t count)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 1];
	int error = 0;

	for (int kind = OUTPUT_PLAIN; kind <= OUTPUT_ZSTD && !error; kind++) {
		if (!rotated_name(place->name, number, (enum output_compression)kind, from) ||
		    !rotated_name(place->name, number + 1, (enum output_compression)kind, to))
			return -ENAMETOOLONG;
		if (number < count)
			error = move(place, from, to);
		else if (unlinkat(place->folder_fd, from, 0) < 0 && errno != ENOENT)
			error = -errno;
	}
	return error;
}

static int rotate(const struct place *place, uint32_t count)
{
	char first[NAME_MAX + 1];
	int error = 0;

	for (uint32_t number = count; number > 0 && !error; number--)
		error = shift(place, number, count);
	if (!error && !rotated_name(place->name, 1, OUTPUT_PLAIN, first))
		error = -ENAMETOOLONG;
	return error ? error : move(place, place->name, first);
}

/* There is no new file: the output goes on with the one that it has, under its name. */
static void take_back(const struct place *place)
{
	char first[NAME_MAX + 1];

	if (rotated_name(place->name, 1, OUTPUT_PLAIN, first))
		move(place, first, place->name);
}

int output_files_next(struct output_files *files, const struct config *config, uint32_t index,
		      char *error)
{
	struct place place;
	int reason, fd;

	if (index >= config->output_count || !*config->outputs[index].path ||
	    !config->outputs[index].count)
		return refuse(error, -EINVAL);
	reason = place_open(&place, config->outputs[index].path);
	if (reason)
		return refuse(error, reason);
	reason = rotate(&place, config->outputs[index].count);
	fd = reason ? refuse(error, reason) : output_files_open(config, index, error);
	if (!reason && fd < 0)
		take_back(&place);
	place_close(&place);
	if (!reason)
		rotated_add(&files->rotated[index], config, index, fd >= 0);
	return fd;
}

int output_files_open_spool(const struct config *config, uint32_t index, char *error)
{
	off_t bytes;
	int fd;

	if (index >= config->output_count || !*config->outputs[index].spool)
		return refuse(error, -EINVAL);
	bytes = (off_t)config->outputs[index].spool_mib << 20;
	fd = open_path(config, config->outputs[index].spool, error);
	if (fd < 0)
		return -1;
	/* A file that is appended to is not written at a position. */
	if (fcntl(fd, F_SETFL, 0) < 0 || ftruncate(fd, bytes) < 0 ||
	    (fallocate(fd, 0, 0, bytes) < 0 && errno != EOPNOTSUPP)) {
		int reason = -errno;

		close(fd);
		return refuse(error, reason);
	}
	return fd;
}
