/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dnsflow records of what responses say, over UDP. The queue holds sets (record/set.h); they are
 * packed into datagrams when they are sent, as spec/dnsflow.md 5.4 has it, and none waits longer
 * than to the next tick. A datagram that cannot be sent is lost, with its number.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aggregator/outputs/condition.h"
#include "aggregator/outputs/output.h"
#include "aggregator/outputs/records.h"
#include "base/memory.h"
#include "record/set.h"

#define BATCH_RECORDS	1024
#define BATCH_DATAGRAMS 32
#define SEND_BUFFER	(1 << 20)

/* One datagram, which begins with these parts. */
struct parcel {
	uint8_t header[RECORD_HEADER_SIZE];
	struct iovec parts[1 + RECORD_SETS_MAX];
	int sets;
	uint32_t length;
};

struct records_way {
	struct output *output;
	struct condition condition;
	struct loop_event *writer; /* while there is no room */
	struct sockaddr_storage target;
	socklen_t target_length;
	int fd;
	struct dns_answer answer;
	struct parcel parcels[BATCH_DATAGRAMS];
	struct mmsghdr messages[BATCH_DATAGRAMS];
	struct iovec records[BATCH_RECORDS];
};

/* Unconnected: a connected socket would tell of a refusal instead of sending. */
static bool open_output(struct output *output, char *error)
{
	struct records_way *way = xcalloc(1, sizeof(*way));
	int size = SEND_BUFFER;

	output->own = way;
	way->output = output;
	way->target_length = endpoint_to_sockaddr(&output->config->endpoint, &way->target);
	way->fd = socket(way->target.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (way->fd < 0) {
		snprintf(error, CONFIG_ERROR_MAX, "%s", strerror(errno));
		return false;
	}
	setsockopt(way->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return true;
}

static void tell_up(struct records_way *way)
{
	condition_set(&way->condition, way->output, true, "sends to %.90s",
		      way->output->config->address);
}

static void tell_down(struct records_way *way, const char *reason)
{
	condition_set(&way->condition, way->output, false, "%.90s: %.50s",
		      way->output->config->address, reason);
}

static void start(struct output *output)
{
	tell_up(output->own);
}

/* All names to what may be told of them. */
static void cut_names(const struct privacy *privacy, struct dns_answer *answer)
{
	uint32_t from = 0, to = 0;

	while (from < answer->names_length) {
		struct slice rest = {answer->names + from, answer->names_length - from}, kept;

		rest.length = name_wire_length(rest);
		from += (uint32_t)rest.length;
		kept = privacy_cut_name(privacy, rest);
		memmove(answer->names + to, kept.data, kept.length);
		to += (uint32_t)kept.length;
	}
	answer->names_length = to;
}

/* A set has one version for both addresses: beside an IPv6 one, IPv4 is written as such. */
static struct address as_ip6(const struct address *address)
{
	struct address mapped = {.version = 6, .bytes = {[10] = 0xff, [11] = 0xff}};

	memcpy(mapped.bytes + 12, address->bytes, 4);
	return mapped;
}

static size_t encode(struct output *output, const struct event *shown, struct slice message,
		     uint8_t *out)
{
	struct records_way *way = output->own;
	struct dns_answer *answer = &way->answer;
	struct address client = shown->query_address, resolver = shown->response_address;

	if (event_is_query(shown) || !client.version || !resolver.version ||
	    dns_answer_parse(message, message.length < shown->length, answer) != DNS_RECORDED)
		return OUTPUT_NOTHING;
	if (answer->names_length > DNS_ANSWER_NAMES_BYTES)
		return OUTPUT_TOO_BIG;
	if (output->privacy)
		cut_names(output->privacy, answer);
	if (record_estimate(answer) > RECORD_ESTIMATE_MAX)
		return OUTPUT_TOO_BIG;
	if (client.version != resolver.version) {
		client = client.version == 4 ? as_ip6(&client) : client;
		resolver = resolver.version == 4 ? as_ip6(&resolver) : resolver;
	}
	return record_set_encode(out, &client, &resolver, answer);
}

/* Takes sets from the front of records until a datagram is full; returns how many. */
static int pack(struct parcel *parcel, const struct iovec *records, int count, uint32_t most)
{
	uint32_t target = most < RECORD_PAYLOAD_TARGET ? most : RECORD_PAYLOAD_TARGET;

	parcel->length = RECORD_HEADER_SIZE;
	parcel->parts[0] = (struct iovec){parcel->header, RECORD_HEADER_SIZE};
	for (parcel->sets = 0; parcel->sets < count; parcel->sets++) {
		const struct iovec *record = &records[parcel->sets];

		if (parcel->sets == RECORD_SETS_MAX || parcel->length >= target ||
		    (parcel->sets && parcel->length + record->iov_len > most))
			break;
		parcel->parts[1 + parcel->sets] = *record;
		parcel->length += (uint32_t)record->iov_len;
	}
	return parcel->sets;
}

/* Would nothing more go into it? */
static bool is_full(const struct parcel *parcel, int packed, int count)
{
	return packed < count || parcel->sets == RECORD_SETS_MAX ||
	       parcel->length >= RECORD_PAYLOAD_TARGET;
}

/* Makes datagrams of these records; the last one only if it is full or must go. */
static int pack_all(struct records_way *way, int count, bool must_go)
{
	const struct output *output = way->output;
	uint32_t sequence = (uint32_t)output->account->sequence;
	int made = 0, packed = 0;

	while (made < BATCH_DATAGRAMS && packed < count) {
		struct parcel *parcel = &way->parcels[made];

		packed += pack(parcel, way->records + packed, count - packed,
			       output->config->payload_max);
		if (!must_go && !is_full(parcel, packed, count))
			break;
		record_header_encode(parcel->header, (uint8_t)parcel->sets, 0,
				     sequence + (uint32_t)++made);
		way->messages[made - 1].msg_hdr = (struct msghdr){
			.msg_name = &way->target,
			.msg_namelen = way->target_length,
			.msg_iov = parcel->parts,
			.msg_iovlen = 1 + (size_t)parcel->sets,
		};
	}
	return made;
}

/* The records of the first datagrams, and where the queue goes on behind them. */
static uint32_t count_records(struct records_way *way, int datagrams, uint64_t *next)
{
	struct queue *queue = &way->output->queue;
	int records = 0;

	for (int i = 0; i < datagrams; i++)
		records += way->parcels[i].sets;
	queue_peek(queue, *queue->tail, way->records, records, SIZE_MAX, next);
	return (uint32_t)records;
}

static void settle(struct records_way *way, int sent)
{
	uint64_t bytes = 0, next;
	uint32_t records = count_records(way, sent, &next);

	for (int i = 0; i < sent; i++)
		bytes += way->parcels[i].length;
	way->output->account->sequence += (uint32_t)sent;
	output_written(way->output, records, bytes, next);
	if (!way->condition.is_up)
		tell_up(way);
}

static void pump(struct records_way *way, bool must_go);

static void on_room(void *argument)
{
	struct records_way *way = argument;

	loop_event_free(way->writer);
	way->writer = NULL;
	pump(way, false);
}

/* The first datagram could not be sent. Returns whether to go on. */
static bool fail(struct records_way *way, int error)
{
	uint32_t records;
	uint64_t next;

	if (error == EINTR)
		return true;
	if (error == EAGAIN)
		way->writer = loop_add_writer(way->output->host->loop, way->fd, on_room, way);
	if (error == EAGAIN || error == ENOBUFS)
		return false;
	records = count_records(way, 1, &next);
	way->output->account->sequence++;
	output_failed(way->output, records, next);
	tell_down(way, strerror(error));
	return true;
}

/* One batch; false when there is no more, or it must wait. */
static bool send_batch(struct records_way *way, bool must_go)
{
	struct output *output = way->output;
	uint64_t next;
	int made, sent,
		count = records_peek(output, *output->queue.tail, way->records, BATCH_RECORDS,
				     BATCH_DATAGRAMS * RECORD_PAYLOAD_TARGET, &next);

	made = count > 0 ? pack_all(way, count, must_go) : 0;
	if (!made)
		return false;
	sent = sendmmsg(way->fd, way->messages, (unsigned int)made, 0);
	if (sent < 0)
		return fail(way, errno);
	settle(way, sent);
	return true;
}

static void pump(struct records_way *way, bool must_go)
{
	while (!way->writer && send_batch(way, must_go))
		;
}

static void write_records(struct output *output)
{
	pump(output->own, false);
}

static void tick(struct output *output, int64_t now_ns)
{
	struct records_way *way = output->own;

	condition_tick(&way->condition, output, now_ns);
	pump(way, true);
}

static bool is_idle(const struct output *output)
{
	(void)output;
	return true;
}

static void close_output(struct output *output)
{
	struct records_way *way = output->own;

	loop_event_free(way->writer);
	if (way->fd >= 0)
		close(way->fd);
}

const struct output_ops output_records = {
	.open = open_output,
	.start = start,
	.write = write_records,
	.tick = tick,
	.is_idle = is_idle,
	.close = close_output,
	.encode = encode,
};
