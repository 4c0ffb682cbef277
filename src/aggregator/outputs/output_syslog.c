/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aggregator/outputs/datagrams.h"
#include "aggregator/outputs/output.h"
#include "aggregator/outputs/sender.h"
#include "aggregator/outputs/syslog.h"
#include "base/clock.h"
#include "base/memory.h"

#define STAMP_NS NANOSECONDS_PER_MILLISECOND
#define BATCH	 64

_Static_assert(BATCH >= SENDER_BATCH && BATCH >= DATAGRAMS_BATCH, "each record has its own room");

/*
 * Syslog. UDP and the datagram socket of the machine: a record a datagram. TCP and TLS: octet
 * counting (RFC 6587 3.4.1, RFC 5425), so that any octet may be in a message. A stream socket of
 * the machine: lines.
 */
struct syslog_way {
	struct output *output;
	struct datagrams datagrams; /* either these */
	struct sender sender;	    /* or this one */
	bool is_stream;
	char host_name[256];
	int64_t stamped_ns; /* wall clock */
	size_t header_length;
	char header[SYSLOG_HEADER_MAX];
	char counts[BATCH][24];
	char *escaped; /* 2 * FORMAT_RECORD_MAX for each record of a batch; NULL when no record has
			  newlines */
};

static bool open_output(struct output *output, char *error)
{
	const struct config_output *config = output->config;
	struct syslog_way *way = xcalloc(1, sizeof(*way));

	output->own = way;
	way->output = output;
	way->is_stream =
		config->transport == OUTPUT_OVER_TCP || config->transport == OUTPUT_OVER_TLS;
	tzset(); /* reads the time zone's file */
	if (*config->host_name)
		snprintf(way->host_name, sizeof(way->host_name), "%s", config->host_name);
	else if (gethostname(way->host_name, sizeof(way->host_name) - 1) < 0)
		*way->host_name = '\0';
	if (config->format == OUTPUT_YAML)
		way->escaped = xmalloc((size_t)2 * FORMAT_RECORD_MAX * BATCH);
	return sender_init(&way->sender, output, error);
}

static struct iovec escape(struct syslog_way *way, uint32_t number, const struct iovec *record)
{
	char *room;

	if (!way->escaped)
		return *record;
	room = way->escaped + (size_t)2 * FORMAT_RECORD_MAX * number;
	return (struct iovec){room, syslog_escape(record, room)};
}

/* One header for all records of a batch, and of a millisecond. */
static struct iovec stamp(struct syslog_way *way, uint32_t number)
{
	int64_t now_ns = number ? way->stamped_ns : clock_wall_ns();

	if (now_ns / STAMP_NS != way->stamped_ns / STAMP_NS) {
		way->stamped_ns = now_ns;
		way->header_length = syslog_format_header(way->output->config, way->host_name,
							  (long)getpid(), now_ns, way->header);
	}
	return (struct iovec){way->header, way->header_length};
}

static int frame_datagram(void *argument, uint32_t number, const struct iovec *record,
			  struct iovec *parts)
{
	struct syslog_way *way = argument;

	parts[0] = stamp(way, number);
	parts[1] = escape(way, number, record);
	return 2;
}

static int frame_stream(void *argument, uint32_t number, const struct iovec *record,
			struct iovec *parts)
{
	struct syslog_way *way = argument;
	struct iovec text = escape(way, number, record);
	struct iovec header = stamp(way, number);
	int length;

	if (way->output->config->transport == OUTPUT_OVER_UNIX) {
		parts[0] = header;
		parts[1] = text;
		parts[2] = (struct iovec){"\n", 1};
		return 3;
	}
	length = snprintf(way->counts[number], sizeof(way->counts[number]), "%zu ",
			  header.iov_len + text.iov_len);
	parts[0] = (struct iovec){way->counts[number], (size_t)length};
	parts[1] = header;
	parts[2] = text;
	return 3;
}

static void start_stream(void *argument)
{
	struct syslog_way *way = argument;

	way->is_stream = true;
	sender_start(&way->sender, frame_stream, way);
}

static void start(struct output *output)
{
	struct syslog_way *way = output->own;

	if (way->is_stream)
		start_stream(way);
	else
		datagrams_start(&way->datagrams, output, frame_datagram, start_stream, way);
}

static void write_records(struct output *output)
{
	struct syslog_way *way = output->own;

	if (way->is_stream)
		sender_write(&way->sender);
	else
		datagrams_write(&way->datagrams);
}

static void tick(struct output *output, int64_t now_ns)
{
	struct syslog_way *way = output->own;

	if (way->is_stream)
		sender_tick(&way->sender, now_ns);
	else
		datagrams_tick(&way->datagrams, now_ns);
}

static bool is_idle(const struct output *output)
{
	const struct syslog_way *way = output->own;

	return sender_is_idle(&way->sender);
}

static void close_output(struct output *output)
{
	struct syslog_way *way = output->own;

	datagrams_stop(&way->datagrams);
	sender_fini(&way->sender);
	free(way->escaped);
}

const struct output_ops output_syslog = {
	.open = open_output,
	.start = start,
	.write = write_records,
	.tick = tick,
	.is_idle = is_idle,
	.close = close_output,
};
