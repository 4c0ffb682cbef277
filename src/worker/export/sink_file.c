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
#include "worker/export/outbox.h"

#define DLT_NULL_NUMBER 0

/* Writes behind the committed length; 0 or an errno. */
static int write_all(const struct outbox *outbox, const uint8_t *bytes, size_t length)
{
	uint64_t offset = state_get(outbox->head, STATE_FILE_LENGTH);

	while (length) {
		ssize_t written = outbox->file.is_seekable
					  ? pwrite(outbox->file.fd, bytes, length, (off_t)offset)
					  : write(outbox->file.fd, bytes, length);

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

static void open_file(struct outbox *outbox)
{
	uint8_t header[SAVEFILE_HEADER_SIZE];
	int error;

	outbox->file.fd = CHILD_FD_OUTPUT;
	outbox->file.is_seekable = lseek(CHILD_FD_OUTPUT, 0, SEEK_CUR) >= 0;
	if (state_get(outbox->head, STATE_FILE_LENGTH))
		return;
	savefile_header_encode(header, DLT_NULL_NUMBER);
	error = write_all(outbox, header, sizeof(header));
	if (error) {
		outbox->write_error = error;
		return;
	}
	commit_set(outbox->head, STATE_FILE_LENGTH, sizeof(header));
	commit_apply(outbox->head);
}

static size_t encode_slot(uint8_t *out, const struct outbox_slot *slot)
{
	uint32_t length = SAVEFILE_DATAGRAM_HEAD + slot->length;

	savefile_record_encode(out, slot->time_ns, length, length);
	savefile_datagram_head_encode(out + SAVEFILE_RECORD_SIZE, (uint16_t)slot->length);
	memcpy(out + SAVEFILE_RECORD_SIZE + SAVEFILE_DATAGRAM_HEAD, slot->payload, slot->length);
	return SAVEFILE_RECORD_SIZE + length;
}

static bool send_file(struct outbox *outbox, enum sink_patience patience)
{
	uint32_t pending = outbox_pending(outbox), records = 0;
	struct outbox_outcome outcome = {.destination_count = 1};
	uint64_t first = state_get(outbox->head, STATE_SENT);
	size_t length = 0;
	int error;

	(void)patience; /* a disk either takes it or fails */
	if (!pending)
		return false;
	outcome.slot_count = pending < OUTBOX_BATCH_SLOTS ? pending : OUTBOX_BATCH_SLOTS;
	for (uint32_t i = 0; i < outcome.slot_count; i++) {
		const struct outbox_slot *slot = outbox_slot(outbox, first + i);

		length += encode_slot(outbox->file.buffer + length, slot);
		records += slot->is_stats ? 0 : slot->sets;
	}
	error = write_all(outbox, outbox->file.buffer, length);
	if (error) {
		outbox->write_error = error;
		outcome.records_dropped = records;
		outbox_outcome_fail(outbox, &outcome, error, outcome.slot_count);
	} else {
		outcome.records_sent = records;
		outcome.sends = outcome.slot_count;
		commit_set(outbox->head, STATE_FILE_LENGTH,
			   state_get(outbox->head, STATE_FILE_LENGTH) + length);
	}
	outbox_outcome_stage(outbox, &outcome);
	commit_apply(outbox->head);
	return true;
}

static void finish_file(struct outbox *outbox)
{
	/* Half a record that a failed write left behind would be damage to a reader. A device has
	 * no length to set. */
	if (outbox->write_error && outbox->file.is_seekable &&
	    ftruncate(outbox->file.fd, (off_t)state_get(outbox->head, STATE_FILE_LENGTH)) < 0 &&
	    errno != EINVAL)
		outbox->write_error = errno;
}

const struct sink_ops sink_file = {.open = open_file, .send = send_file, .finish = finish_file};
