/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/export/export.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "ipc/commit.h"

/* No set is smaller (the root's name and one IPv4 address), so a segment with less room than this
 * is full. */
#define ESTIMATE_LEAST (RECORD_SET_FIXED_SIZE + 1 + 4)

void export_open(struct export *export, const struct config *config, struct state_head *head,
		 struct body *body)
{
	uint32_t payload_max = config->segment_size ? config->segment_size : config->payload_max;
	uint32_t target =
		config->segment_size ? payload_max - ESTIMATE_LEAST : RECORD_PAYLOAD_TARGET;

	*export = (struct export){
		.config = config,
		.head = head,
		.body = body,
		.sink = *config->write_file ? &sink_file : &sink_udp,
		.waits = config->input != CONFIG_INPUT_LIVE,
		.payload_max = payload_max,
		.target = target < payload_max ? target : payload_max,
	};
	if (!state_get(head, STATE_OPEN_LENGTH)) {
		commit_set(head, STATE_OPEN_LENGTH, RECORD_HEADER_SIZE);
		commit_apply(head);
	}
	export->sink->open(export);
}

/* Sealing moves the open datagram into the next slot, which must be free. */
static void free_slot(struct export *export)
{
	while (export_pending(export) >= EXPORT_SLOTS - 1)
		if (!export->sink->send(export, export->waits ? SINK_WAIT : SINK_TRY))
			export->sink->send(export, SINK_ABANDON);
}

static void commit_sealed(struct export *export, uint32_t length, uint32_t sets, bool is_stats)
{
	struct state_head *head = export->head;
	uint64_t sequence = state_get(head, STATE_SEQUENCE);
	struct export_slot *slot = export_slot(export, sequence);

	slot->time_ns = export->now_ns;
	slot->length = length;
	slot->sets = sets;
	slot->is_stats = is_stats;
	free_slot(export);
	commit_set(head, STATE_SEQUENCE, sequence + 1);
	commit_set(head, STATE_OPEN_LENGTH, RECORD_HEADER_SIZE);
	commit_set(head, STATE_OPEN_SETS, 0);
	commit_add(head, is_stats ? COUNTER_DATAGRAMS_STATS : COUNTER_DATAGRAMS_DATA, 1);
	commit_apply(head);
}

void export_flush(struct export *export)
{
	uint32_t length = (uint32_t)state_get(export->head, STATE_OPEN_LENGTH);
	uint32_t sets = (uint32_t)state_get(export->head, STATE_OPEN_SETS);
	uint64_t sequence = state_get(export->head, STATE_SEQUENCE);
	uint8_t *payload = export_slot(export, sequence)->payload;

	if (!sets)
		return;
	record_header_encode(payload, (uint8_t)sets, 0, (uint32_t)sequence);
	if (length < export->config->segment_size) {
		memset(payload + length, 0, export->config->segment_size - length);
		length = export->config->segment_size;
	}
	export->flushed_ns = export->now_ns;
	commit_sealed(export, length, sets, false);
}

void export_stats(struct export *export, const struct record_stats *stats)
{
	uint64_t sequence;

	export_flush(export);
	sequence = state_get(export->head, STATE_SEQUENCE);
	record_stats_encode(export_slot(export, sequence)->payload, (uint32_t)sequence, stats);
	commit_sealed(export, RECORD_STATS_SIZE, 1, true);
}

void export_reserve(struct export *export, uint32_t estimate)
{
	uint32_t length = (uint32_t)state_get(export->head, STATE_OPEN_LENGTH);

	/* Spec 5.4, rule 2. A set that is too large for any datagram but its own goes alone. */
	if (estimate + length >= export->payload_max)
		export_flush(export);
}

void export_stage(struct export *export, const struct address *client,
		  const struct address *resolver, const struct dns_answer *answer)
{
	struct state_head *head = export->head;
	uint32_t length = (uint32_t)state_get(head, STATE_OPEN_LENGTH);
	uint8_t *payload = export_slot(export, state_get(head, STATE_SEQUENCE))->payload;

	length += record_set_encode(payload + length, client, resolver, answer);
	commit_set(head, STATE_OPEN_LENGTH, length);
	commit_set(head, STATE_OPEN_SETS, state_get(head, STATE_OPEN_SETS) + 1);
}

void export_settle(struct export *export)
{
	if (state_get(export->head, STATE_OPEN_LENGTH) < export->target &&
	    state_get(export->head, STATE_OPEN_SETS) < RECORD_SETS_MAX)
		return;
	export_flush(export);
	if (export_pending(export) >= EXPORT_BATCH_SLOTS)
		export->sink->send(export, export->waits ? SINK_WAIT : SINK_TRY);
}

void export_send(struct export *export)
{
	while (export_pending(export) &&
	       export->sink->send(export, export->waits ? SINK_WAIT : SINK_TRY))
		;
}

void export_finish(struct export *export, int timeout_ms)
{
	int64_t deadline = clock_monotonic_ns() + timeout_ms * NANOSECONDS_PER_MILLISECOND;

	export_flush(export);
	while (export_pending(export)) {
		if (export->sink->send(export, SINK_TRY))
			continue;
		if (clock_monotonic_ns() > deadline)
			export->sink->send(export, SINK_ABANDON);
		else
			poll(NULL, 0, 1);
	}
	if (export->sink->finish)
		export->sink->finish(export);
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

void export_outcome_fail(struct export_outcome *outcome, int error, uint32_t datagrams)
{
	outcome->failed[error_counter(error) - COUNTER_SENDS_FAILED_FULL] += datagrams;
}

void export_outcome_stage(struct export *export, const struct export_outcome *outcome)
{
	struct state_head *head = export->head;

	commit_set(head, STATE_SENT, state_get(head, STATE_SENT) + outcome->slot_count);
	commit_add_some(head, COUNTER_SENDS, outcome->sends);
	commit_add_some(head, COUNTER_RECORDS_SENT, outcome->records_sent);
	commit_add_some(head, COUNTER_RECORDS_DROPPED, outcome->records_dropped);
	for (int i = 0; i <= COUNTER_SENDS_FAILED_OTHER - COUNTER_SENDS_FAILED_FULL; i++)
		commit_add_some(head, (enum counter)(COUNTER_SENDS_FAILED_FULL + i),
				outcome->failed[i]);
}
