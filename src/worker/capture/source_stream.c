/* SPDX-License-Identifier: BSD-3-Clause */
/* What can only be read in order: pcapng, compressed files, pipes. The cursor is the number of
 * packets done. */
#include <stdio.h>

#include "worker/capture/source.h"

#define RECORDS_PER_TURN 256

static enum source_state next_record(struct source *source, struct savefile_record *record)
{
	const char *message = "";
	enum savefile_result result = stream_next(source->stream.stream, record, &message);

	if (result == SAVEFILE_OK)
		source->stream.packet_count++;
	if (result == SAVEFILE_OK || result == SAVEFILE_END)
		return result == SAVEFILE_OK ? SOURCE_BUSY : SOURCE_END;
	snprintf(source->error, sizeof(source->error),
		 "%.180s; the %llu packets before it were read", message,
		 (unsigned long long)source->stream.packet_count);
	return SOURCE_DAMAGED;
}

static bool open_stream(struct source *source, const struct config *config)
{
	uint64_t done = state_get(source->capture->head, STATE_PACKET);
	struct savefile_record record;

	source->stream.stream = stream_open_take(source->fd, source->error);
	if (!source->stream.stream ||
	    !source_set_dlt(source, config, stream_dlt(source->stream.stream)))
		return false;
	while (source->stream.packet_count < done)
		if (next_record(source, &record) != SOURCE_BUSY)
			return false;
	return true;
}

static enum source_state turn_stream(struct source *source)
{
	struct savefile_record record;
	enum source_state state = SOURCE_BUSY;

	for (int i = 0; i < RECORDS_PER_TURN && state == SOURCE_BUSY; i++) {
		state = next_record(source, &record);
		if (state == SOURCE_BUSY) {
			source->capture->next_packet = source->stream.packet_count;
			source_take_record(source, &record);
		}
	}
	return state;
}

const struct source_ops source_stream = {.open = open_stream, .turn = turn_stream};
