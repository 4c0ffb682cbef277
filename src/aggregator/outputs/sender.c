/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/sender.h"

#include <stdio.h>
#include <string.h>

#include "aggregator/outputs/records.h"
#include "base/clock.h"

#define BATCH_BYTES (64u << 10)
#define LOOK_NS	    (20 * NANOSECONDS_PER_MILLISECOND)

static bool is_tls(const struct config_output *config)
{
	return config->transport == OUTPUT_OVER_TLS;
}

/* The name that the certificate must have: as configured, or the host of the address. */
static void name_server(struct sender *sender)
{
	const struct config_output *config = sender->output->config;
	uint16_t port;

	if (*config->server_name)
		snprintf(sender->server_name, sizeof(sender->server_name), "%s",
			 config->server_name);
	else if (!config_split_host_port(config->address, sender->server_name,
					 sizeof(sender->server_name), &port))
		*sender->server_name = '\0';
}

bool sender_init(struct sender *sender, struct output *output, char *error)
{
	const struct config_output *config = output->config;
	char problem[TLS_ERROR_MAX];

	*sender = (struct sender){.output = output};
	if (!is_tls(config))
		return true;
	name_server(sender);
	sender->tls = tls_context_new_client(config->ca_file, config->certificate, config->key,
					     config->is_unverified, problem);
	if (!sender->tls)
		snprintf(error, CONFIG_ERROR_MAX, "%s", problem);
	return sender->tls;
}

void sender_fini(struct sender *sender)
{
	connection_free(sender->connection);
	loop_event_free(sender->timer);
	tls_context_free(sender->tls);
	*sender = (struct sender){0};
}

/* Takes out of the queue what has arrived. */
static void settle(struct sender *sender)
{
	uint64_t held = connection_unacknowledged(sender->connection);
	uint64_t arrived = held < sender->written ? sender->written - held : 0;
	uint32_t records = 0;
	uint64_t bytes = 0, next = 0;

	while (sender->count && sender->flights[sender->first].end <= arrived) {
		const struct sender_flight *flight = &sender->flights[sender->first];

		records += flight->records;
		bytes += flight->bytes;
		next = flight->next;
		sender->first = (sender->first + 1) % SENDER_FLIGHTS_MAX;
		sender->count--;
	}
	if (records)
		output_written(sender->output, records, bytes, next);
	if (sender->count)
		loop_timer_set(sender->timer, LOOK_NS);
}

/* When all places are taken, the last flight grows: it is acknowledged later. */
static void note(struct sender *sender, uint32_t records, uint64_t bytes, uint64_t next)
{
	struct sender_flight *flight;

	if (sender->count == SENDER_FLIGHTS_MAX)
		sender->count--;
	else
		sender->flights[(sender->first + sender->count) % SENDER_FLIGHTS_MAX] =
			(struct sender_flight){0};
	flight = &sender->flights[(sender->first + sender->count) % SENDER_FLIGHTS_MAX];
	sender->count++;
	sender->written += bytes;
	flight->end = sender->written;
	flight->next = next;
	flight->records += records;
	flight->bytes += bytes;
}

static size_t length_of(const struct iovec *parts, int count)
{
	size_t length = 0;

	for (int i = 0; i < count; i++)
		length += parts[i].iov_len;
	return length;
}

/* As many of these records as there is room for, by one call. Returns how many, and their bytes. */
static int hand_over(struct sender *sender, const struct iovec *records, int count, size_t *bytes)
{
	struct iovec parts[SENDER_BATCH * SENDER_PARTS_MAX];
	size_t room = connection_room(sender->connection), length;
	int part_count = 0, sent;

	*bytes = 0;
	for (sent = 0; sent < count; sent++) {
		struct iovec record = {records[sent].iov_base, records[sent].iov_len - 1};
		int added = sender->frame(sender->argument, (uint32_t)sent, &record,
					  parts + part_count);

		length = length_of(parts + part_count, added);
		if (length > room - *bytes)
			break;
		*bytes += length;
		part_count += added;
	}
	return sent && connection_write(sender->connection, parts, part_count) ? sent : 0;
}

/* One batch; false when there is no more, or no more room. */
static bool write_batch(struct sender *sender)
{
	struct queue *queue = &sender->output->queue;
	struct iovec records[SENDER_BATCH];
	uint64_t next;
	int count = records_peek(sender->output, sender->next, records, SENDER_BATCH, BATCH_BYTES,
				 &next);
	size_t bytes;
	int sent;

	if (count < 0) {
		sender->first = sender->count = 0;
		sender->next = *queue->tail;
		return false;
	}
	sent = hand_over(sender, records, count, &bytes);
	if (!sent)
		return false;
	if (sent < count)
		queue_peek(queue, sender->next, records, sent, SIZE_MAX, &next);
	note(sender, (uint32_t)sent, bytes, next);
	sender->next = next;
	return sent == count;
}

void sender_write(struct sender *sender)
{
	if (!sender->connection || !connection_room(sender->connection))
		return;
	while (write_batch(sender))
		;
	settle(sender);
}

static const char *target(const struct sender *sender)
{
	return sender->output->config->address;
}

static void on_up(void *argument)
{
	struct sender *sender = argument;

	sender->next = *sender->output->queue.tail;
	sender->written = 0;
	condition_set(&sender->condition, sender->output, true, "connected to %.120s",
		      target(sender));
	sender_write(sender);
}

static void on_room(void *argument)
{
	sender_write(argument);
}

static void on_down(void *argument, const char *reason)
{
	struct sender *sender = argument;

	sender->first = sender->count = 0;
	condition_set(&sender->condition, sender->output, false, "%.90s %s: %.50s", target(sender),
		      sender->condition.is_up ? "lost" : "not connected", reason);
}

static void on_look(void *argument)
{
	settle(argument);
}

void sender_start(struct sender *sender, sender_frame_fn frame, void *argument)
{
	static const struct connection_ops ops = {on_up, on_room, on_down};
	const struct config_output *config = sender->output->config;
	const struct connection_plan plan = {
		.endpoint = config->endpoint,
		.path = config->transport == OUTPUT_OVER_UNIX ? config->address : NULL,
		.tls = sender->tls,
		.server_name = sender->server_name,
		.pause_most_ns = (config->retry_s ? config->retry_s : 1) * NANOSECONDS_PER_SECOND,
		.ops = &ops,
		.argument = sender,
	};

	sender->frame = frame;
	sender->argument = argument;
	sender->timer = loop_add_timer(sender->output->host->loop, on_look, sender);
	sender->connection = connection_new(sender->output->host->loop, &plan);
}

void sender_tick(struct sender *sender, int64_t now_ns)
{
	condition_tick(&sender->condition, sender->output, now_ns);
}

bool sender_is_idle(const struct sender *sender)
{
	return !sender->count;
}
