/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records to standard output, which others share: O_NONBLOCK there would be theirs too. A pipe or
 * terminal is opened once more, without waiting; where that is not allowed, what POSIX promises
 * when a pipe can be written to, PIPE_BUF bytes, is written at a time. What is written of the first
 * record is in the account, so that a successor goes on in the middle of a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "aggregator/outputs/condition.h"
#include "aggregator/outputs/output.h"
#include "aggregator/outputs/records.h"
#include "base/memory.h"

#define BATCH_RECORDS IOV_MAX
#define BATCH_BYTES   (256u << 10)

enum manner {
	MANNER_OWN,    /* a regular file, or opened without waiting: writes as much as there is */
	MANNER_SOCKET, /* can be told not to wait each time */
	MANNER_CAREFUL,
};

struct stdout_way {
	struct output *output;
	struct condition condition;
	struct loop_event *writer; /* while there is no room */
	enum manner manner;
	int fd;
	bool is_gone; /* nobody reads any more, for good */
};

static void choose_manner(struct stdout_way *way, const struct stat *status)
{
	int flags = O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	int own = -1;

	way->fd = STDOUT_FILENO;
	way->manner = S_ISREG(status->st_mode)	  ? MANNER_OWN
		      : S_ISSOCK(status->st_mode) ? MANNER_SOCKET
						  : MANNER_CAREFUL;
	if (way->manner == MANNER_CAREFUL)
		own = open("/proc/self/fd/1", flags);
	if (own >= 0) {
		way->fd = own;
		way->manner = MANNER_OWN;
	}
}

static bool open_output(struct output *output, char *error)
{
	struct stdout_way *way;
	struct stat status;

	if (fstat(STDOUT_FILENO, &status) < 0) {
		snprintf(error, CONFIG_ERROR_MAX, "standard output: %s", strerror(errno));
		return false;
	}
	way = xcalloc(1, sizeof(*way));
	way->output = output;
	choose_manner(way, &status);
	output->own = way;
	return true;
}

static void start(struct output *output)
{
	struct stdout_way *way = output->own;

	condition_set(&way->condition, output, true, "writes to standard output");
}

/* The first bytes of these parts, at least one; returns how many parts they are. */
static int shorten(struct iovec *parts, int count, size_t bytes)
{
	int used = 0;

	for (; used < count && bytes; used++) {
		if (parts[used].iov_len > bytes)
			parts[used].iov_len = bytes;
		bytes -= parts[used].iov_len;
	}
	return used;
}

static ssize_t write_parts(const struct stdout_way *way, struct iovec *parts, int count)
{
	struct pollfd pollfd = {.fd = way->fd, .events = POLLOUT};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};

	switch (way->manner) {
	case MANNER_SOCKET:
		return sendmsg(way->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	case MANNER_CAREFUL:
		if (poll(&pollfd, 1, 0) != 1) {
			errno = EAGAIN;
			return -1;
		}
		count = shorten(parts, count, PIPE_BUF);
		break;
	case MANNER_OWN:
		break;
	}
	return writev(way->fd, parts, count);
}

/* Of the first records so many bytes were written, with what was written of them before. */
static void settle(struct output *output, struct iovec *records, int count, uint64_t bytes)
{
	uint64_t before = output->account->file_length, whole = 0, next;
	int done = 0;

	while (done < count && records[done].iov_len <= before + bytes - whole)
		whole += records[done++].iov_len;
	output->account->file_length = before + bytes - whole;
	if (done) {
		queue_peek(&output->queue, *output->queue.tail, records, done, SIZE_MAX, &next);
		output_written(output, (uint32_t)done, bytes, next);
	} else {
		output->account->bytes_written += bytes;
		output->host->commit(output->host->argument);
	}
}

static void discard(struct output *output)
{
	output->account->file_length = 0;
	output_failed(output, (uint32_t)output->account->queued, *output->queue.head);
}

static void pump(struct stdout_way *way);

static void on_room(void *argument)
{
	struct stdout_way *way = argument;

	loop_event_free(way->writer);
	way->writer = NULL;
	pump(way);
}

/* Returns whether to try again at once. */
static bool fail(struct stdout_way *way, int error)
{
	if (error == EINTR)
		return true;
	if (error == EAGAIN) {
		way->writer = loop_add_writer(way->output->host->loop, way->fd, on_room, way);
		return false;
	}
	condition_set(&way->condition, way->output, false, "standard output: %s", strerror(error));
	way->is_gone = error == EPIPE || error == ECONNRESET || error == EBADF;
	if (way->is_gone)
		discard(way->output);
	return false;
}

/* One batch. False when there is no more, or it must wait. */
static bool write_batch(struct stdout_way *way)
{
	struct output *output = way->output;
	struct iovec records[BATCH_RECORDS], parts[BATCH_RECORDS];
	size_t offset = output->account->file_length;
	uint64_t next;
	int count = records_peek(output, *output->queue.tail, records, BATCH_RECORDS, BATCH_BYTES,
				 &next);
	ssize_t written;

	if (count <= 0 || offset >= records[0].iov_len) {
		output->account->file_length = 0;
		return count > 0;
	}
	memcpy(parts, records, (size_t)count * sizeof(parts[0]));
	parts[0].iov_base = (char *)parts[0].iov_base + offset;
	parts[0].iov_len -= offset;
	written = write_parts(way, parts, count);
	if (written < 0)
		return fail(way, errno);
	if (!way->condition.is_up)
		condition_set(&way->condition, output, true, "writes to standard output again");
	settle(output, records, count, (uint64_t)written);
	return true;
}

static void pump(struct stdout_way *way)
{
	if (way->writer)
		return;
	if (way->is_gone)
		discard(way->output);
	else
		while (write_batch(way))
			;
}

/* After a failure only once a second. */
static void write_records(struct output *output)
{
	struct stdout_way *way = output->own;

	if (way->condition.is_up || way->is_gone)
		pump(way);
}

static void tick(struct output *output, int64_t now_ns)
{
	struct stdout_way *way = output->own;

	condition_tick(&way->condition, output, now_ns);
	if (!queue_is_empty(&output->queue))
		pump(way);
}

static bool is_idle(const struct output *output)
{
	return !output->account->file_length;
}

static void close_output(struct output *output)
{
	struct stdout_way *way = output->own;

	loop_event_free(way->writer);
	if (way->fd != STDOUT_FILENO)
		close(way->fd);
}

const struct output_ops output_stdout = {
	.open = open_output,
	.start = start,
	.write = write_records,
	.tick = tick,
	.is_idle = is_idle,
	.close = close_output,
};
