/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "aggregator/outputs/condition.h"
#include "aggregator/outputs/output.h"
#include "aggregator/outputs/records.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

/*
 * Appends records to a file, which is opened and rotated by the supervisor on request. The length
 * up to which records are counted as written is committed with the queue's tail, so that a
 * successor cuts off what is behind it, and no record is torn or there twice. So nobody else may
 * append to the file. The path is asked for every second: when it leads to another file by now,
 * that one is gone on with.
 */
#define BATCH_RECORDS IOV_MAX
#define BATCH_BYTES   (1u << 20)
#define ANSWER_NS     (5 * NANOSECONDS_PER_SECOND)
#define ROTATE_AGAIN_NS \
	(60 * NANOSECONDS_PER_SECOND) /* after a rotation that failed, or that nobody answered */

struct file_way {
	struct output *output;
	struct condition condition;
	struct loop_event *writer; /* while a pipe is full */
	int fd;			   /* -1 = none */
	bool is_regular;
	bool is_adopted;  /* there was a file already: what a predecessor left is mended */
	bool is_rotating; /* asked for the next file: nothing is written until it comes */
	size_t offset;	  /* bytes of the first record that are written, and could not be cut off */
	int64_t asked_ns; /* 0 = nothing is asked for */
	int64_t refused_ns; /* when a rotation failed last, or 0 */
	int64_t born_ns;    /* of the file, by the monotonic clock */
	dev_t device;
	ino_t number;
};

static bool open_output(struct output *output, char *error)
{
	struct file_way *way = xcalloc(1, sizeof(*way));

	(void)error;
	way->output = output;
	way->fd = -1;
	output->own = way;
	return true;
}

static void ask(struct file_way *way, enum lend what)
{
	const struct output_host *host = way->output->host;

	way->asked_ns = clock_monotonic_ns();
	host->ask(host->argument, what, way->output->index);
}

static void start(struct output *output)
{
	ask(output->own, LEND_FILE);
}

static void tell_up(struct file_way *way)
{
	condition_set(&way->condition, way->output, true, "writes to %.90s",
		      way->output->config->path);
}

static void tell_down(struct file_way *way, const char *reason)
{
	condition_set(&way->condition, way->output, false, "%.90s: %.60s",
		      way->output->config->path, reason);
}

static void drop(struct file_way *way)
{
	loop_event_free(way->writer);
	way->writer = NULL;
	if (way->fd >= 0)
		close(way->fd);
	way->fd = -1;
	way->offset = 0;
}

static void commit(const struct output *output)
{
	output->host->commit(output->host->argument);
}

/* A line that somebody left without its end: ours begin on a line of their own. False when that
 * cannot be written. */
static bool end_line(int fd, uint64_t *length)
{
	char last = '\n';

	if (!*length || pread(fd, &last, 1, (off_t)*length - 1) != 1 || last == '\n')
		return true;
	if (write(fd, "\n", 1) != 1)
		return false;
	++*length;
	return true;
}

/* When a file began that has something in it already, by the wall clock. */
static uint64_t born_ns(int fd)
{
	struct statx facts;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &facts) < 0 ||
	    !(facts.stx_mask & STATX_BTIME))
		return (uint64_t)clock_wall_ns();
	return (uint64_t)facts.stx_btime.tv_sec * NANOSECONDS_PER_SECOND + facts.stx_btime.tv_nsec;
}

/* Rotation by age goes by the monotonic clock; only what a file lived before us is the wall's to
 * tell. */
static void set_age(struct file_way *way)
{
	int64_t lived_ns = clock_wall_ns() - (int64_t)way->output->account->opened_ns;

	way->born_ns = clock_monotonic_ns() - (lived_ns > 0 ? lived_ns : 0);
}

/* Goes on with the file of a predecessor, or begins to append to another one. */
static bool adopt_regular(struct file_way *way, const struct stat *status)
{
	struct output_account *account = way->output->account;
	uint64_t length = (uint64_t)status->st_size;
	bool is_same = account->file_number == status->st_ino && account->file_length <= length;

	if (is_same && !way->is_adopted && account->file_length < length &&
	    ftruncate(way->fd, (off_t)account->file_length) == 0)
		length = account->file_length;
	if (!is_same)
		account->opened_ns = length ? born_ns(way->fd) : (uint64_t)clock_wall_ns();
	if (!end_line(way->fd, &length))
		return false;
	account->file_number = status->st_ino;
	account->file_length = length;
	set_age(way);
	commit(way->output);
	return true;
}

static void pump(struct file_way *way);

static void adopt(struct file_way *way, int fd, const struct stat *status)
{
	drop(way);
	way->fd = fd;
	way->device = status->st_dev;
	way->number = status->st_ino;
	way->is_regular = S_ISREG(status->st_mode);
	if (way->is_regular && !adopt_regular(way, status)) {
		tell_down(way, strerror(errno));
		drop(way);
		return;
	}
	way->is_adopted = true;
	tell_up(way);
	pump(way);
}

static bool is_ours(const struct file_way *way, const struct stat *status)
{
	return way->fd >= 0 && way->device == status->st_dev && way->number == status->st_ino;
}

static void on_not_rotated(struct file_way *way, const char *error)
{
	way->is_rotating = false;
	if (!way->refused_ns)
		log_warn("output %s: not rotated: %s", way->output->config->name, error);
	way->refused_ns = clock_monotonic_ns();
	pump(way);
}

static void on_next_file(struct file_way *way, int fd, const char *error)
{
	struct stat status;

	if (fd >= 0 && fstat(fd, &status) == 0 && !is_ours(way, &status)) {
		way->is_rotating = false;
		way->refused_ns = 0;
		adopt(way, fd, &status);
		return;
	}
	if (fd >= 0)
		close(fd);
	on_not_rotated(way, fd >= 0 ? "it is still the same file" : error);
}

static void on_file(struct file_way *way, int fd, const char *error)
{
	struct stat status;

	if (fd < 0) {
		if (way->fd < 0)
			tell_down(way, error);
	} else if (fstat(fd, &status) < 0 || is_ours(way, &status)) {
		close(fd);
	} else {
		adopt(way, fd, &status);
	}
}

static void lent(struct output *output, enum lend what, int fd, const char *error)
{
	struct file_way *way = output->own;

	if (what == LEND_FILE && way->is_rotating) {
		if (fd >= 0)
			close(fd); /* asked for before */
		return;
	}
	way->asked_ns = 0;
	if (what == LEND_NEXT_FILE)
		on_next_file(way, fd, error);
	else
		on_file(way, fd, error);
}

static bool may_rotate(const struct file_way *way)
{
	return way->is_regular && way->output->config->count > 0 && !way->offset &&
	       (!way->refused_ns || clock_monotonic_ns() - way->refused_ns > ROTATE_AGAIN_NS);
}

static void rotate(struct file_way *way)
{
	way->is_rotating = true;
	ask(way, LEND_NEXT_FILE);
}

/* How many of these records go into the file before it reaches its size: none when the next one
 * has to wait for another file. An empty file takes at least one. */
static int limit(const struct file_way *way, const struct iovec *records, int count)
{
	uint64_t most = (uint64_t)way->output->config->max_size_mib << 20;
	uint64_t length = way->output->account->file_length;
	int fitting;

	if (!most || !may_rotate(way))
		return count;
	for (fitting = 0; fitting < count; fitting++) {
		if (length && length + records[fitting].iov_len >= most)
			break;
		length += records[fitting].iov_len;
	}
	return fitting;
}

/* What was written of a record is cut off again; where that is not possible, it is gone on with. */
static void cut(struct file_way *way, size_t rest)
{
	struct stat status;

	way->offset = rest;
	if (rest && way->is_regular && fstat(way->fd, &status) == 0 &&
	    status.st_size >= (off_t)rest && ftruncate(way->fd, status.st_size - (off_t)rest) == 0)
		way->offset = 0;
}

/* So many bytes of these records were written; next is behind the last of them. Returns how many
 * records that were. */
static int settle(struct file_way *way, const struct iovec *records, int count, uint64_t next,
		  size_t bytes)
{
	struct output *output = way->output;
	struct iovec again[BATCH_RECORDS];
	size_t whole = 0;
	int done = 0;

	while (done < count && records[done].iov_len <= bytes - whole)
		whole += records[done++].iov_len;
	if (!done) {
		cut(way, way->offset + bytes);
		return 0;
	}
	if (done < count)
		queue_peek(&output->queue, *output->queue.tail, again, done, SIZE_MAX, &next);
	output->account->file_length += way->offset + whole;
	output_written(output, (uint32_t)done, way->offset + whole, next);
	cut(way, bytes - whole);
	return done;
}

static void on_room(void *argument)
{
	struct file_way *way = argument;

	loop_event_free(way->writer);
	way->writer = NULL;
	pump(way);
}

/* Returns whether to try again at once. */
static bool fail(struct file_way *way, int error)
{
	if (error == EINTR)
		return true;
	if (error == EAGAIN) {
		way->writer = loop_add_writer(way->output->host->loop, way->fd, on_room, way);
		return false;
	}
	tell_down(way, strerror(error));
	if (!way->is_regular)
		drop(way); /* a pipe whose reader has gone: asked for again in a second */
	return false;
}

/* One batch. False when there is no more, or it must wait. */
static bool write_batch(struct file_way *way)
{
	struct output *output = way->output;
	struct iovec records[BATCH_RECORDS];
	uint64_t next;
	int fitting, count = records_peek(output, *output->queue.tail, records, BATCH_RECORDS,
					  BATCH_BYTES, &next);
	ssize_t written;

	if (count <= 0) {
		way->offset = 0;
		return false;
	}
	fitting = limit(way, records, count);
	if (!fitting) {
		rotate(way);
		return false;
	}
	if (fitting < count)
		queue_peek(&output->queue, *output->queue.tail, records, fitting, SIZE_MAX, &next);
	records[0].iov_base = (char *)records[0].iov_base + way->offset;
	records[0].iov_len -= way->offset;
	written = writev(way->fd, records, fitting);
	if (written < 0)
		return fail(way, errno);
	/* A file that takes a part of a record only is at its end: it would take it forever. */
	if (!settle(way, records, fitting, next, (size_t)written) && way->is_regular)
		return fail(way, ENOSPC);
	if (!way->condition.is_up)
		tell_up(way);
	return true;
}

static void pump(struct file_way *way)
{
	if (way->fd < 0 || way->writer || way->is_rotating)
		return;
	while (write_batch(way))
		;
}

/* After a failure only once a second. */
static void write_records(struct output *output)
{
	struct file_way *way = output->own;

	if (way->condition.is_up)
		pump(way);
}

/* Somebody else may have cut the file (copytruncate), or appended to it. */
static void measure(struct file_way *way)
{
	struct stat status;

	if (way->is_regular && fstat(way->fd, &status) == 0)
		way->output->account->file_length = (uint64_t)status.st_size - way->offset;
}

static bool is_old(const struct file_way *way, int64_t now_ns)
{
	int64_t most_ns = way->output->config->max_age_s * NANOSECONDS_PER_SECOND;

	return most_ns && way->output->account->file_length && now_ns - way->born_ns >= most_ns;
}

static void tick(struct output *output, int64_t now_ns)
{
	struct file_way *way = output->own;
	int64_t most_ns = way->is_rotating ? ROTATE_AGAIN_NS : ANSWER_NS;

	condition_tick(&way->condition, output, now_ns);
	if (way->fd >= 0)
		measure(way);
	if (way->asked_ns && now_ns - way->asked_ns < most_ns)
		return;
	way->is_rotating = false;
	pump(way);
	if (way->fd >= 0 && !way->is_rotating && may_rotate(way) && is_old(way, now_ns))
		rotate(way);
	if (!way->is_rotating)
		ask(way, LEND_FILE);
}

static bool is_idle(const struct output *output)
{
	const struct file_way *way = output->own;

	return !way->offset;
}

static void close_output(struct output *output)
{
	struct file_way *way = output->own;

	drop(way);
}

const struct output_ops output_file = {
	.open = open_output,
	.start = start,
	.write = write_records,
	.tick = tick,
	.lent = lent,
	.is_idle = is_idle,
	.close = close_output,
};
