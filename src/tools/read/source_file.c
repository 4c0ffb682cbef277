/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "pcap/stream.h"
#include "tools/option/stop.h"
#include "tools/read/frames.h"

struct file_source {
	struct source source;
	struct stream *stream;
	struct frames *frames;
	const char *path;
	int pipe_fd; /* -1: a regular file, which never waits */
};

static enum source_result file_next(struct source *source, struct datagram *datagram)
{
	struct file_source *file = (struct file_source *)source;
	struct savefile_record record;
	const char *message = "";

	switch (stream_next(file->stream, &record, &message)) {
	case SAVEFILE_OK:
		return frames_take(file->frames, &record, source, datagram);
	case SAVEFILE_END:
		return SOURCE_END;
	default:
		if (stop_is_wanted())
			return SOURCE_END;
		snprintf(source->message, SOURCE_ERROR_BYTES, "%.100s: %.150s", file->path,
			 message);
		return SOURCE_FAILED;
	}
}

/* What the stream has read ahead may suffice; asking the pipe alone errs to the safe side. */
static bool file_may_wait(struct source *source)
{
	struct file_source *file = (struct file_source *)source;
	struct pollfd input = {file->pipe_fd, POLLIN, 0};

	return file->pipe_fd >= 0 && poll(&input, 1, 0) == 0;
}

static void file_close(struct source *source)
{
	struct file_source *file = (struct file_source *)source;

	stop_reading(-1);
	frames_free(file->frames);
	stream_close(file->stream);
	free(file);
}

static const struct source_ops file_ops = {
	.next = file_next,
	.may_wait = file_may_wait,
	.close = file_close,
};

static bool is_regular(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* The stream behind fd, which is taken over, and what its frames are. */
static struct stream *file_stream(int fd, const char *path, enum link_type *link, char *error)
{
	char reason[SOURCE_ERROR_BYTES];
	struct stream *stream;

	stop_reading(fd);
	stream = stream_open_take(fd, reason);
	if (!stream) {
		snprintf(error, SOURCE_ERROR_BYTES, "%.100s: %.150s", path, reason);
		stop_reading(-1);
		return NULL;
	}
	*link = link_type_of_dlt(stream_dlt(stream));
	if (*link != LINK_UNSUPPORTED)
		return stream;
	snprintf(error, SOURCE_ERROR_BYTES, "%.100s: unsupported link type %d", path,
		 stream_dlt(stream));
	stop_reading(-1);
	stream_close(stream);
	return NULL;
}

struct source *source_open_file(const char *path, char error[SOURCE_ERROR_BYTES])
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	struct file_source *file;
	struct stream *stream;
	enum link_type link;

	if (fd < 0) {
		snprintf(error, SOURCE_ERROR_BYTES, "%.150s: %s", path, strerror(errno));
		return NULL;
	}
	stream = file_stream(fd, path, &link, error);
	if (!stream)
		return NULL;
	file = xcalloc(1, sizeof(*file));
	file->source = (struct source){.ops = &file_ops, .fd = -1};
	file->stream = stream;
	file->frames = frames_new(link);
	file->path = path;
	file->pipe_fd = is_regular(fd) ? -1 : fd;
	return &file->source;
}
