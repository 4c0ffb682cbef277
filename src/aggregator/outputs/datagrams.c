/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/datagrams.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "aggregator/outputs/records.h"
#include "base/clock.h"

#define PAUSE_LEAST_NS (100 * NANOSECONDS_PER_MILLISECOND)
#define BATCH_BYTES    (1u << 20)
#define SEND_BUFFER    (1 << 20)
#define REFUSALS_MAX   2 /* in a second */

static void on_timer(void *argument);

static void drop(struct datagrams *datagrams)
{
	loop_event_free(datagrams->writer);
	datagrams->writer = NULL;
	if (datagrams->fd >= 0)
		close(datagrams->fd);
	datagrams->fd = -1;
}

static void tell_up(struct datagrams *datagrams)
{
	condition_set(&datagrams->condition, datagrams->output, true, "connected to %.90s",
		      datagrams->output->config->address);
}

static void tell_down(struct datagrams *datagrams, const char *reason)
{
	condition_set(&datagrams->condition, datagrams->output, false, "%.90s: %.50s",
		      datagrams->output->config->address, reason);
}

static void lose(struct datagrams *datagrams, int error)
{
	const struct config_output *config = datagrams->output->config;
	int64_t most_ns = (config->retry_s ? config->retry_s : 1) * NANOSECONDS_PER_SECOND;

	drop(datagrams);
	tell_down(datagrams, strerror(error));
	if (datagrams->pause_ns > most_ns)
		datagrams->pause_ns = most_ns;
	loop_timer_set(datagrams->timer, datagrams->pause_ns);
	datagrams->pause_ns *= 2;
}

static socklen_t target(const struct config_output *config, struct sockaddr_storage *address)
{
	struct sockaddr_un *local = (struct sockaddr_un *)address;
	size_t length = strlen(config->address);

	if (config->transport != OUTPUT_OVER_UNIX)
		return config->endpoint.address.version
			       ? endpoint_to_sockaddr(&config->endpoint, address)
			       : 0;
	*local = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (length >= sizeof(local->sun_path))
		return 0;
	memcpy(local->sun_path, config->address, length);
	return sizeof(*local);
}

/* 0 or errno. */
static int open_socket(struct datagrams *datagrams)
{
	struct sockaddr_storage address;
	socklen_t length = target(datagrams->output->config, &address);
	int size = SEND_BUFFER;

	if (!length)
		return EDESTADDRREQ;
	datagrams->fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (datagrams->fd < 0)
		return errno;
	setsockopt(datagrams->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return connect(datagrams->fd, (struct sockaddr *)&address, length) < 0 ? errno : 0;
}

static void attempt(struct datagrams *datagrams)
{
	int error = open_socket(datagrams);

	if (error == EPROTOTYPE && datagrams->on_stream) {
		drop(datagrams);
		datagrams->on_stream(datagrams->argument);
	} else if (error) {
		lose(datagrams, error);
	} else {
		tell_up(datagrams);
		datagrams_write(datagrams);
	}
}

static void on_timer(void *argument)
{
	attempt(argument);
}

void datagrams_start(struct datagrams *datagrams, struct output *output, datagrams_frame_fn frame,
		     void (*on_stream)(void *argument), void *argument)
{
	*datagrams = (struct datagrams){
		.output = output,
		.frame = frame,
		.on_stream = on_stream,
		.argument = argument,
		.fd = -1,
		.pause_ns = PAUSE_LEAST_NS,
	};
	datagrams->timer = loop_add_timer(output->host->loop, on_timer, datagrams);
	loop_timer_set(datagrams->timer, 0);
}

void datagrams_stop(struct datagrams *datagrams)
{
	if (!datagrams->output)
		return;
	drop(datagrams);
	loop_event_free(datagrams->timer);
	datagrams->output = NULL;
}

static void on_room(void *argument)
{
	struct datagrams *datagrams = argument;

	loop_event_free(datagrams->writer);
	datagrams->writer = NULL;
	datagrams_write(datagrams);
}

/* The first datagram could not be sent. Returns whether to go on. */
static bool fail(struct datagrams *datagrams, int error, uint64_t next)
{
	if (error == EINTR)
		return true;
	if (error == ENOBUFS)
		return false;
	if (error == EAGAIN) {
		datagrams->writer = loop_add_writer(datagrams->output->host->loop, datagrams->fd,
						    on_room, datagrams);
		return false;
	}
	if (error == EMSGSIZE) {
		output_failed(datagrams->output, 1, next);
		return true;
	}
	if (datagrams->output->config->transport == OUTPUT_OVER_UDP && error == ECONNREFUSED) {
		/* Told instead of sending: of an earlier one. Once more, then next second. */
		tell_down(datagrams, strerror(error));
		return ++datagrams->refusals < REFUSALS_MAX;
	}
	lose(datagrams, error);
	return false;
}

/* One batch; false when there is no more, or it must wait. */
static bool write_batch(struct datagrams *datagrams)
{
	struct output *output = datagrams->output;
	struct iovec records[DATAGRAMS_BATCH], parts[DATAGRAMS_BATCH][DATAGRAMS_PARTS_MAX];
	struct mmsghdr messages[DATAGRAMS_BATCH] = {0};
	uint64_t next, bytes = 0;
	int sent, count = records_peek(output, *output->queue.tail, records, DATAGRAMS_BATCH,
				       BATCH_BYTES, &next);

	if (count <= 0)
		return false;
	for (int i = 0; i < count; i++) {
		struct iovec record = {records[i].iov_base, records[i].iov_len - 1};
		int part_count =
			datagrams->frame(datagrams->argument, (uint32_t)i, &record, parts[i]);

		messages[i].msg_hdr.msg_iov = parts[i];
		messages[i].msg_hdr.msg_iovlen = (size_t)part_count;
	}
	sent = sendmmsg(datagrams->fd, messages, (unsigned int)count, 0);
	if (sent < 0) {
		int error = errno;

		queue_peek(&output->queue, *output->queue.tail, records, 1, SIZE_MAX, &next);
		return fail(datagrams, error, next);
	}
	if (sent < count)
		queue_peek(&output->queue, *output->queue.tail, records, sent, SIZE_MAX, &next);
	for (int i = 0; i < sent; i++)
		bytes += messages[i].msg_len;
	output_written(output, (uint32_t)sent, bytes, next);
	datagrams->pause_ns = PAUSE_LEAST_NS;
	return true;
}

void datagrams_write(struct datagrams *datagrams)
{
	if (!datagrams->output || datagrams->fd < 0 || datagrams->writer ||
	    datagrams->refusals == REFUSALS_MAX)
		return;
	while (write_batch(datagrams))
		;
}

void datagrams_tick(struct datagrams *datagrams, int64_t now_ns)
{
	if (datagrams->fd >= 0 && !datagrams->refusals && !datagrams->condition.is_up)
		tell_up(datagrams);
	datagrams->refusals = 0;
	condition_tick(&datagrams->condition, datagrams->output, now_ns);
	datagrams_write(datagrams);
}
