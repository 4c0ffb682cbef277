/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/spool.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "aggregator/outputs/format.h"
#include "base/hash.h"

struct head {
	uint64_t length;
	uint64_t check;
};

/* Place and length are the key, so that what is left of an earlier lap is no record. */
static uint64_t checksum(uint64_t position, const void *record, size_t length)
{
	struct hash_key key = {{position, length}};

	return hash_bytes(&key, record, length);
}

typedef ssize_t (*transfer_fn)(int fd, const struct iovec *parts, int count, off_t offset);

/* All of it, in two parts where the ring ends. Moves position behind it. False with errno, ENODATA
 * where the file ends. */
static bool transfer(const struct spool *spool, transfer_fn fn, uint64_t *position, void *data,
		     size_t length)
{
	uint8_t *bytes = data;

	while (length) {
		uint64_t at = *position % spool->bytes;
		size_t most = length < spool->bytes - at ? length : (size_t)(spool->bytes - at);
		struct iovec part = {bytes, most};
		ssize_t done = fn(spool->fd, &part, 1, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done == 0)
			errno = ENODATA;
		if (done <= 0)
			return false;
		bytes += done;
		length -= (size_t)done;
		*position += (uint64_t)done;
	}
	return true;
}

int spool_open(struct spool *spool, int fd, uint64_t bytes, uint64_t *head, uint64_t *tail)
{
	if (!bytes || *head < *tail || *head - *tail > bytes)
		return -ERANGE;
	*spool = (struct spool){.fd = fd, .bytes = bytes, .head = head, .tail = tail};
	return 0;
}

/* The usual case by one call: the record and its head do not reach the end of the ring. */
static bool push_whole(const struct spool *spool, struct head *head, const void *record)
{
	struct iovec parts[] = {{head, sizeof(*head)}, {(void *)record, head->length}};

	return pwritev(spool->fd, parts, 2, (off_t)(*spool->head % spool->bytes)) ==
	       (ssize_t)(sizeof(*head) + head->length);
}

bool spool_push(struct spool *spool, const void *record, size_t length)
{
	uint64_t position = *spool->head, stride = sizeof(struct head) + length;
	struct head head = {length, checksum(position, record, length)};

	if (length > FORMAT_RECORD_MAX || stride > spool->bytes - (*spool->head - *spool->tail))
		return false;
	if (position % spool->bytes + stride <= spool->bytes) {
		if (!push_whole(spool, &head, record))
			return false;
	} else if (!transfer(spool, pwritev, &position, &head, sizeof(head)) ||
		   !transfer(spool, pwritev, &position, (void *)record, length)) {
		return false;
	}
	*spool->head += stride;
	return true;
}

static enum spool_result lose(const struct spool *spool)
{
	*spool->tail = *spool->head;
	return SPOOL_LOST;
}

/* What was not read may be there later, unless somebody has cut the file. */
static enum spool_result explain(const struct spool *spool)
{
	return errno == ENODATA ? lose(spool) : SPOOL_FAILED;
}

enum spool_result spool_pull(struct spool *spool, void *buffer, size_t size, size_t *length)
{
	uint64_t position = *spool->tail, left = *spool->head - *spool->tail;
	struct head head;

	if (!left)
		return SPOOL_EMPTY;
	if (left >= sizeof(head) && !transfer(spool, preadv, &position, &head, sizeof(head)))
		return explain(spool);
	if (left < sizeof(head) || !head.length || head.length > FORMAT_RECORD_MAX ||
	    head.length > left - sizeof(head))
		return lose(spool);
	if (head.length > size)
		return SPOOL_NO_ROOM;
	if (!transfer(spool, preadv, &position, buffer, head.length))
		return explain(spool);
	*length = head.length;
	position = *spool->tail;
	*spool->tail += sizeof(head) + head.length;
	return checksum(position, buffer, head.length) == head.check ? SPOOL_RECORD : SPOOL_DAMAGED;
}
