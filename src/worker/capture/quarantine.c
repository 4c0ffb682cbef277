/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/capture/quarantine.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cursor.h"
#include "ipc/quarantine.h"
#include "pcap/savefile.h"

#define COOKED_HEADER_SIZE 16 /* DLT_LINUX_SLL: only the protocol is known */

/* A record that went in by half is taken back, unless another worker has appended one behind it. */
static int undo(int fd, off_t end, ssize_t written)
{
	if (lseek(fd, 0, SEEK_END) == end + written && ftruncate(fd, end) < 0)
		return -errno;
	return -ENOSPC;
}

int quarantine_append(int fd, const struct frame *frame)
{
	uint8_t record[SAVEFILE_RECORD_SIZE], cooked[COOKED_HEADER_SIZE] = {0};
	uint32_t more = frame->link == LINK_COOKED ? COOKED_HEADER_SIZE : 0;
	size_t length = sizeof(record) + more + frame->bytes.length;
	struct iovec parts[] = {
		{record, sizeof(record)},
		{cooked, more},
		{(void *)frame->bytes.data, frame->bytes.length},
	};
	off_t end = lseek(fd, 0, SEEK_END);
	ssize_t written;

	if (end < 0)
		return -errno;
	if ((size_t)end + length > QUARANTINE_BYTES_MAX)
		return -EFBIG;
	be16_store(cooked + COOKED_HEADER_SIZE - 2, frame->ethertype);
	savefile_record_encode(record, frame->time_ns, (uint32_t)frame->bytes.length + more,
			       frame->wire_length + more);
	written = writev(fd, parts, 3);
	if (written < 0)
		return -errno;
	return written < (ssize_t)length ? undo(fd, end, written) : 0;
}
