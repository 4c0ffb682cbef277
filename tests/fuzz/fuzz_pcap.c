/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capture files: every input is walked as a plain pcap file, and one in 64 (libpcap is slow) is
 * read as a stream too. Where both can read it, they must agree.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "pcap/savefile.h"
#include "pcap/stream.h"

#define DLT_ETHERNET  1
#define STREAM_ONE_IN 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t touched;

static void touch(struct slice bytes)
{
	for (size_t i = 0; i < bytes.length; i++)
		touched += bytes.data[i];
}

/* What is written of a record is what is read again, but for the nanoseconds. */
static void written_check(const struct savefile_record *record)
{
	const uint32_t length = SAVEFILE_DATAGRAM_HEAD;
	uint8_t bytes[SAVEFILE_HEADER_SIZE + SAVEFILE_RECORD_SIZE + SAVEFILE_DATAGRAM_HEAD];
	struct savefile_record again;
	uint64_t offset = SAVEFILE_HEADER_SIZE;
	struct savefile file;

	savefile_header_encode(bytes, DLT_ETHERNET);
	savefile_record_encode(bytes + offset, record->time_ns, length, record->wire_length);
	savefile_datagram_head_encode(bytes + offset + SAVEFILE_RECORD_SIZE,
				      (uint16_t)record->frame.length);
	assert(savefile_open(&file, (struct slice){bytes, offset + SAVEFILE_RECORD_SIZE +
								  length}) == SAVEFILE_OK);
	assert(savefile_next(&file, &offset, &again) == SAVEFILE_OK);
	assert(again.time_ns == record->time_ns / 1000 * 1000);
	assert(again.wire_length == record->wire_length && again.frame.length == length);
	assert(savefile_next(&file, &offset, &again) == SAVEFILE_END);
}

static enum savefile_result record_check(const struct savefile *file, uint64_t *offset,
					 struct savefile_record *record)
{
	const uint64_t before = *offset, size = file->bytes.length;
	enum savefile_result result = savefile_next(file, offset, record);

	if (result == SAVEFILE_OK) {
		assert(record->frame.data == file->bytes.data + before + SAVEFILE_RECORD_SIZE);
		assert(*offset == before + SAVEFILE_RECORD_SIZE + record->frame.length);
		assert(*offset <= size && record->frame.length <= SAVEFILE_CAPTURE_MAX);
		assert(record->time_ns >= 0);
		return result;
	}
	assert(*offset == before && result != SAVEFILE_FOREIGN);
	assert((result == SAVEFILE_END) == (before == size));
	return result;
}

static void walk(struct slice bytes)
{
	struct savefile_record record;
	uint64_t offset = SAVEFILE_HEADER_SIZE;
	struct savefile file;

	if (savefile_open(&file, bytes) != SAVEFILE_OK)
		return;
	assert(file.dlt >= 0);
	if (record_check(&file, &offset, &record) == SAVEFILE_OK) {
		if (record.time_ns / NANOSECONDS_PER_SECOND <= UINT32_MAX)
			written_check(&record);
		touch(record.frame);
	}
	while (record_check(&file, &offset, &record) == SAVEFILE_OK)
		touch(record.frame);
	file.bytes.length = offset - 1; /* a mapped file may shrink behind a reader's back */
	assert(savefile_next(&file, &offset, &record) == SAVEFILE_CUT);
}

/* libpcap shortens records to the snap length, and has link types with longer records. */
static bool is_comparable(struct savefile *file, struct slice bytes)
{
	return savefile_open(file, bytes) == SAVEFILE_OK && file->dlt == DLT_ETHERNET &&
	       file->snap_length >= SAVEFILE_CAPTURE_MAX && file->snap_length <= INT32_MAX;
}

/* Fractions that are none, 2^31 and more, libpcap takes as negative. */
static bool is_time_sound(const struct savefile *file, uint64_t record)
{
	return file->bytes.data[record + (file->is_swapped ? 4 : 7)] < 0x80;
}

static void record_compare(const struct savefile *file, uint64_t *offset,
			   enum savefile_result result, const struct savefile_record *record)
{
	const uint64_t before = *offset;
	struct savefile_record same;

	assert(savefile_next(file, offset, &same) == result);
	if (result != SAVEFILE_OK)
		return;
	assert(record->time_ns == same.time_ns || !is_time_sound(file, before));
	assert(record->wire_length == same.wire_length);
	assert(record->frame.length == same.frame.length);
	assert(!memcmp(record->frame.data, same.frame.data, same.frame.length));
}

static void stream_read(struct stream *stream, struct slice bytes)
{
	uint64_t offset = SAVEFILE_HEADER_SIZE;
	struct savefile_record record;
	enum savefile_result result;
	const char *message = NULL;
	struct savefile file;
	const bool is_compared = is_comparable(&file, bytes);

	if (is_compared)
		assert(stream_is_plain(bytes) && stream_dlt(stream) == file.dlt);
	do {
		result = stream_next(stream, &record, &message);
		if (is_compared)
			record_compare(&file, &offset, result, &record);
		if (result != SAVEFILE_OK)
			break;
		assert(record.time_ns >= 0);
		touch(record.frame);
	} while (true);
	assert(result == SAVEFILE_END || (result != SAVEFILE_FOREIGN && message && *message));
	assert(stream_next(stream, &record, &message) == result);
}

static void stream_check(struct slice bytes)
{
	static int memory = -1;
	char error[256] = "";
	struct stream *stream;

	if (memory < 0)
		memory = memfd_create("fuzz", MFD_CLOEXEC);
	assert(memory >= 0 && ftruncate(memory, 0) == 0 && lseek(memory, 0, SEEK_SET) == 0);
	assert(write(memory, bytes.data, bytes.length) == (ssize_t)bytes.length);
	assert(lseek(memory, 0, SEEK_SET) == 0);
	stream = stream_open_take(dup(memory), error);
	if (!stream) {
		assert(*error);
		return;
	}
	stream_read(stream, bytes);
	stream_close(stream);
}

static bool is_chosen(const uint8_t *data, size_t size)
{
	uint32_t sum = (uint32_t)size;

	for (size_t i = 0; i < size && i < 64; i++)
		sum = sum * 31 + data[i];
	return (sum ^ sum >> 16) % STREAM_ONE_IN == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice bytes = {data, size};

	walk(bytes);
	if (is_chosen(data, size))
		stream_check(bytes);
	return 0;
}
