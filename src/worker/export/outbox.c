/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/export/outbox.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ipc/commit.h"

/* No set is smaller (the root's name and one IPv4 address), so a segment with less room than this
 * is full. */
#define ESTIMATE_LEAST (RECORD_SET_FIXED_SIZE + 1 + 4)

#define FAILURE_NOTICE_INTERVAL_NS (60 * NANOSECONDS_PER_SECOND)

void outbox_open(struct outbox *outbox, const struct config *config, struct state_head *head,
		 struct body *body)
{
	uint32_t payload_max = config->segment_size ? config->segment_size : config->payload_max;
	uint32_t target =
		config->segment_size ? payload_max - ESTIMATE_LEAST : RECORD_PAYLOAD_TARGET;

	*outbox = (struct outbox){
		.config = config,
		.head = head,
		.body = body,
		.sink = *config->write_file ? &sink_file : &sink_udp,
		.waits = config_reads_file(config),
		.payload_max = payload_max,
		.target = target < payload_max ? target : payload_max,
	};
	if (!state_get(head, STATE_OPEN_LENGTH)) {
		commit_set(head, STATE_OPEN_LENGTH, RECORD_HEADER_SIZE);
		commit_apply(head);
	}
	outbox->sink->open(outbox);
}

/* Sealing moves the open datagram into the next slot, which must be free. */
static void free_slot(struct outbox *outbox)
{
	while (outbox_pending(outbox) >= OUTBOX_SLOTS - 1)
		if (!outbox->sink->send(outbox, outbox->waits ? SINK_WAIT : SINK_TRY))
			outbox->sink->send(outbox, SINK_ABANDON);
}

static void commit_sealed(struct outbox *outbox, uint32_t length, uint32_t sets, bool is_stats)
{
	struct state_head *head = outbox->head;
	uint64_t sequence = state_get(head, STATE_SEQUENCE);
	struct outbox_slot *slot = outbox_slot(outbox, sequence);

	slot->time_ns = outbox->now_ns;
	slot->length = length;
	slot->sets = sets;
	slot->is_stats = is_stats;
	free_slot(outbox);
	commit_set(head, STATE_SEQUENCE, sequence + 1);
	commit_set(head, STATE_OPEN_LENGTH, RECORD_HEADER_SIZE);
	commit_set(head, STATE_OPEN_SETS, 0);
	commit_set(head, STATE_WAITING, state_get(head, STATE_WAITING) + (is_stats ? 0 : sets));
	commit_add(head, is_stats ? COUNTER_DATAGRAMS_STATS : COUNTER_DATAGRAMS_DATA, 1);
	commit_apply(head);
}

void outbox_flush(struct outbox *outbox)
{
	uint32_t length = (uint32_t)state_get(outbox->head, STATE_OPEN_LENGTH);
	uint32_t sets = (uint32_t)state_get(outbox->head, STATE_OPEN_SETS);
	uint64_t sequence = state_get(outbox->head, STATE_SEQUENCE);
	uint8_t *payload = outbox_slot(outbox, sequence)->payload;

	if (!sets)
		return;
	record_header_encode(payload, (uint8_t)sets, 0, (uint32_t)sequence);
	if (length < outbox->config->segment_size) {
		memset(payload + length, 0, outbox->config->segment_size - length);
		length = outbox->config->segment_size;
	}
	outbox->flushed_ns = outbox->now_ns;
	commit_sealed(outbox, length, sets, false);
}

void outbox_stats(struct outbox *outbox, const struct record_stats *stats)
{
	uint64_t sequence;

	outbox_flush(outbox);
	sequence = state_get(outbox->head, STATE_SEQUENCE);
	record_stats_encode(outbox_slot(outbox, sequence)->payload, (uint32_t)sequence, stats);
	commit_sealed(outbox, RECORD_STATS_SIZE, 1, true);
}

void outbox_reserve(struct outbox *outbox, uint32_t estimate)
{
	uint32_t length = (uint32_t)state_get(outbox->head, STATE_OPEN_LENGTH);

	/* Spec 5.4, rule 2. A set that is too large for any datagram but its own goes alone. */
	if (estimate + length >= outbox->payload_max)
		outbox_flush(outbox);
}

void outbox_stage(struct outbox *outbox, const struct address *client,
		  const struct address *resolver, const struct dns_answer *answer)
{
	struct state_head *head = outbox->head;
	uint32_t length = (uint32_t)state_get(head, STATE_OPEN_LENGTH);
	uint8_t *payload = outbox_slot(outbox, state_get(head, STATE_SEQUENCE))->payload;

	length += record_set_encode(payload + length, client, resolver, answer);
	commit_set(head, STATE_OPEN_LENGTH, length);
	commit_set(head, STATE_OPEN_SETS, state_get(head, STATE_OPEN_SETS) + 1);
}

void outbox_settle(struct outbox *outbox)
{
	if (state_get(outbox->head, STATE_OPEN_LENGTH) < outbox->target &&
	    state_get(outbox->head, STATE_OPEN_SETS) < RECORD_SETS_MAX)
		return;
	outbox_flush(outbox);
	if (outbox_pending(outbox) >= OUTBOX_BATCH_SLOTS)
		outbox->sink->send(outbox, outbox->waits ? SINK_WAIT : SINK_TRY);
}

void outbox_send(struct outbox *outbox)
{
	while (outbox_pending(outbox) &&
	       outbox->sink->send(outbox, outbox->waits ? SINK_WAIT : SINK_TRY))
		;
}

void outbox_finish(struct outbox *outbox, int timeout_ms)
{
	int64_t deadline = clock_monotonic_ns() + timeout_ms * NANOSECONDS_PER_MILLISECOND;

	outbox_flush(outbox);
	while (outbox_pending(outbox)) {
		if (outbox->sink->send(outbox, SINK_TRY))
			continue;
		if (clock_monotonic_ns() > deadline)
			outbox->sink->send(outbox, SINK_ABANDON);
		else
			poll(NULL, 0, 1);
	}
	if (outbox->sink->finish)
		outbox->sink->finish(outbox);
}

static enum counter error_counter(int error)
{
	switch (error) {
	case EAGAIN:
	case ENOBUFS:
		return COUNTER_SENDS_FAILED_FULL;
	case ECONNREFUSED:
		return COUNTER_SENDS_FAILED_REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
		return COUNTER_SENDS_FAILED_UNREACHABLE;
	case EMSGSIZE:
		return COUNTER_SENDS_FAILED_SIZE;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return COUNTER_SENDS_FAILED_SPACE;
	default:
		return COUNTER_SENDS_FAILED_OTHER;
	}
}

void outbox_outcome_fail(struct outbox *outbox, struct outbox_outcome *outcome, int error,
			 uint32_t datagrams)
{
	outcome->failed[error_counter(error) - COUNTER_SENDS_FAILED_FULL] += datagrams;
	if (outbox->failure_told_ns &&
	    outbox->now_ns - outbox->failure_told_ns < FAILURE_NOTICE_INTERVAL_NS)
		return;
	outbox->failure_told_ns = outbox->now_ns;
	snprintf(outbox->notice, sizeof(outbox->notice),
		 "datagrams cannot be %s: %s; those that are lost are counted",
		 *outbox->config->write_file ? "written" : "sent", strerror(error));
}

void outbox_outcome_stage(struct outbox *outbox, const struct outbox_outcome *outcome)
{
	struct state_head *head = outbox->head;

	commit_set(head, STATE_SENT, state_get(head, STATE_SENT) + outcome->slot_count);
	commit_set(head, STATE_WAITING,
		   state_get(head, STATE_WAITING) - outcome->records_sent -
			   outcome->records_dropped);
	commit_add(head, COUNTER_DATAGRAMS_DONE, outcome->slot_count);
	commit_add(head, COUNTER_SENDS_DUE,
		   (uint64_t)outcome->slot_count * outcome->destination_count);
	commit_add_some(head, COUNTER_SENDS, outcome->sends);
	commit_add_some(head, COUNTER_RECORDS_SENT, outcome->records_sent);
	commit_add_some(head, COUNTER_RECORDS_DROPPED, outcome->records_dropped);
	for (int i = 0; i <= COUNTER_SENDS_FAILED_OTHER - COUNTER_SENDS_FAILED_FULL; i++)
		commit_add_some(head, (enum counter)(COUNTER_SENDS_FAILED_FULL + i),
				outcome->failed[i]);
}
