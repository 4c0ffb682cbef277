/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes sealed datagrams as records of a DLT_NULL savefile (spec/dnsflow.md section 6). Writes go
 * to the committed length of the file, so that what a killed process had half written is written
 * over; into a pipe they go one after the other.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ipc/child.h"
#include "ipc/commit.h"
#include "worker/export/export.h"

#define DLT_NULL_NUMBER 0

/* Writes behind the committed length; 0 or an errno. */
static int write_all(const struct export *export, const uint8_t *bytes, size_t length)
{
	uint64_t offset = state_get(export->head, STATE_FILE_LENGTH);

	while (length) {
		ssize_t written = export->file.is_seekable
					  ? pwrite(export->file.fd, bytes, length, (off_t)offset)
					  : write(export->file.fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return errno;
		bytes += written;
		offset += (uint64_t)written;
		length -= (size_t)written;
	}
	return 0;
}

static void open_file(struct export *export)
{
	uint8_t header[SAVEFILE_HEADER_SIZE];
	int error;

	export->file.fd = CHILD_FD_OUTPUT;
	export->file.is_seekable = lseek(CHILD_FD_OUTPUT, 0, SEEK_CUR) >= 0;
	if (state_get(export->head, STATE_FILE_LENGTH))
		return;
	savefile_header_encode(header, DLT_NULL_NUMBER);
	error = write_all(export, header, sizeof(header));
	if (error) {
		export->write_error = error;
		return;
	}
	commit_set(export->head, STATE_FILE_LENGTH, sizeof(header));
	commit_apply(export->head);
}

static size_t encode_slot(uint8_t *out, const struct export_slot *slot)
{
	uint32_t length = SAVEFILE_DATAGRAM_HEAD + slot->length;

	savefile_record_encode(out, slot->time_ns, length, length);
	savefile_datagram_head_encode(out + SAVEFILE_RECORD_SIZE, (uint16_t)slot->length);
	memcpy(out + SAVEFILE_RECORD_SIZE + SAVEFILE_DATAGRAM_HEAD, slot->payload, slot->length);
	return SAVEFILE_RECORD_SIZE + length;
}

static bool send_file(struct export *export, enum sink_patience patience)
{
	uint32_t pending = export_pending(export), records = 0;
	struct export_outcome outcome = {0};
	uint64_t first = state_get(export->head, STATE_SENT);
	size_t length = 0;
	int error;

	(void)patience; /* a disk either takes it or fails */
	if (!pending)
		return false;
	outcome.slot_count = pending < EXPORT_BATCH_SLOTS ? pending : EXPORT_BATCH_SLOTS;
	for (uint32_t i = 0; i < outcome.slot_count; i++) {
		const struct export_slot *slot = export_slot(export, first + i);

		length += encode_slot(export->file.buffer + length, slot);
		records += slot->is_stats ? 0 : slot->sets;
	}
	error = write_all(export, export->file.buffer, length);
	if (error) {
		export->write_error = error;
		outcome.records_dropped = records;
		export_outcome_fail(&outcome, error, outcome.slot_count);
	} else {
		outcome.records_sent = records;
		outcome.sends = outcome.slot_count;
		commit_set(export->head, STATE_FILE_LENGTH,
			   state_get(export->head, STATE_FILE_LENGTH) + length);
	}
	export_outcome_stage(export, &outcome);
	commit_apply(export->head);
	return true;
}

static void finish_file(struct export *export)
{
	/* Half a record that a failed write left behind would be damage to a reader. A device has
	 * no length to set. */
	if (export->write_error && export->file.is_seekable &&
	    ftruncate(export->file.fd, (off_t)state_get(export->head, STATE_FILE_LENGTH)) < 0 &&
	    errno != EINVAL)
		export->write_error = errno;
}

const struct sink_ops sink_file = {.open = open_file, .send = send_file, .finish = finish_file};
