/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcap/savefile.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/cursor.h"

#define MAGIC_MICROSECONDS 0xa1b2c3d4u
#define MAGIC_NANOSECONDS  0xa1b23c4du
#define VERSION_MAJOR	   2
#define VERSION_MINOR	   4
#define LINKTYPE_BITS	   0x03ffffffu /* above them: what a file says about frame check sequences */
#define LINKTYPE_RAW	   101
#define DLT_RAW		   12
#define EXPORT_PORT	   5300
#define EXPORT_SNAP_LENGTH 65535
#define PREFETCH_BYTES	   4096
#define CACHE_LINE	   64

struct file_header {
	uint32_t magic;
	uint16_t version_major;
	uint16_t version_minor;
	uint32_t reserved[2];
	uint32_t snap_length;
	uint32_t linktype;
};

struct record_header {
	uint32_t seconds;
	uint32_t fraction;
	uint32_t captured;
	uint32_t wire_length;
};

_Static_assert(sizeof(struct file_header) == SAVEFILE_HEADER_SIZE, "pcap file header");
_Static_assert(sizeof(struct record_header) == SAVEFILE_RECORD_SIZE, "pcap record header");

static bool magic_parse(uint32_t magic, struct savefile *file)
{
	file->is_swapped = magic == __builtin_bswap32(MAGIC_MICROSECONDS) ||
			   magic == __builtin_bswap32(MAGIC_NANOSECONDS);
	if (file->is_swapped)
		magic = __builtin_bswap32(magic);
	file->is_nanosecond = magic == MAGIC_NANOSECONDS;
	return file->is_nanosecond || magic == MAGIC_MICROSECONDS;
}

static void header_swap(struct file_header *header)
{
	header->version_major = __builtin_bswap16(header->version_major);
	header->version_minor = __builtin_bswap16(header->version_minor);
	header->snap_length = __builtin_bswap32(header->snap_length);
	header->linktype = __builtin_bswap32(header->linktype);
}

enum savefile_result savefile_open(struct savefile *file, struct slice bytes)
{
	struct file_header header = {0};

	*file = (struct savefile){.bytes = bytes};
	if (bytes.length < sizeof(header.magic))
		return SAVEFILE_FOREIGN;
	memcpy(&header.magic, bytes.data, sizeof(header.magic));
	if (!magic_parse(header.magic, file))
		return SAVEFILE_FOREIGN;
	if (bytes.length < sizeof(header))
		return SAVEFILE_CUT;
	memcpy(&header, bytes.data, sizeof(header));
	if (file->is_swapped)
		header_swap(&header);
	if (header.version_major != VERSION_MAJOR || header.version_minor != VERSION_MINOR)
		return SAVEFILE_FOREIGN; /* before 2.4 the two lengths of a record stood in another
					    order */
	file->snap_length = header.snap_length;
	file->dlt = (int)(header.linktype & LINKTYPE_BITS);
	if (file->dlt == LINKTYPE_RAW)
		file->dlt = DLT_RAW;
	return SAVEFILE_OK;
}

static void record_swap(struct record_header *header)
{
	header->seconds = __builtin_bswap32(header->seconds);
	header->fraction = __builtin_bswap32(header->fraction);
	header->captured = __builtin_bswap32(header->captured);
	header->wire_length = __builtin_bswap32(header->wire_length);
}

/*
 * A walk waits for memory, since only a record's header tells where the next one is: fetch what is
 * some records ahead. Four lines are a little more than a DNS response takes.
 */
static inline void prefetch(const uint8_t *ahead)
{
	for (int line = 0; line < 4; line++)
		__builtin_prefetch(ahead + line * CACHE_LINE);
}

enum savefile_result savefile_next(const struct savefile *file, uint64_t *offset,
				   struct savefile_record *record)
{
	struct record_header header;
	uint64_t left;

	if (*offset == file->bytes.length)
		return SAVEFILE_END;
	if (*offset > file->bytes.length)
		return SAVEFILE_CUT; /* the file has shrunk since the offset was reached */
	left = file->bytes.length - *offset;
	if (left < sizeof(header))
		return SAVEFILE_CUT;
	memcpy(&header, file->bytes.data + *offset, sizeof(header));
	if (file->is_swapped)
		record_swap(&header);
	if (header.captured > SAVEFILE_CAPTURE_MAX)
		return SAVEFILE_DAMAGED;
	if (header.captured > left - sizeof(header))
		return SAVEFILE_CUT;
	if (left > PREFETCH_BYTES)
		prefetch(file->bytes.data + *offset + PREFETCH_BYTES);
	record->frame.data = file->bytes.data + *offset + sizeof(header);
	record->frame.length = header.captured;
	record->wire_length = header.wire_length;
	record->time_ns = header.seconds * NANOSECONDS_PER_SECOND +
			  header.fraction * (file->is_nanosecond ? INT64_C(1) : INT64_C(1000));
	*offset += sizeof(header) + header.captured;
	return SAVEFILE_OK;
}

void savefile_header_encode(uint8_t out[SAVEFILE_HEADER_SIZE], int dlt)
{
	const struct file_header header = {
		.magic = MAGIC_MICROSECONDS,
		.version_major = VERSION_MAJOR,
		.version_minor = VERSION_MINOR,
		.snap_length = EXPORT_SNAP_LENGTH,
		.linktype = dlt == DLT_RAW ? LINKTYPE_RAW : (uint32_t)dlt,
	};

	memcpy(out, &header, sizeof(header));
}

void savefile_record_encode(uint8_t out[SAVEFILE_RECORD_SIZE], int64_t time_ns, uint32_t captured,
			    uint32_t wire_length)
{
	const struct record_header header = {
		.seconds = (uint32_t)(time_ns / NANOSECONDS_PER_SECOND),
		.fraction = (uint32_t)(time_ns % NANOSECONDS_PER_SECOND / 1000),
		.captured = captured,
		.wire_length = wire_length,
	};

	memcpy(out, &header, sizeof(header));
}

void savefile_datagram_head_encode(uint8_t out[SAVEFILE_DATAGRAM_HEAD], uint16_t length)
{
	const uint32_t family = AF_INET; /* DLT_NULL: in the byte order of the writer */
	uint8_t *ip = out + sizeof(family), *udp = ip + 20;

	memset(out, 0, SAVEFILE_DATAGRAM_HEAD);
	memcpy(out, &family, sizeof(family));
	ip[0] = 4 << 4 | 5;
	be16_store(ip + 2, (uint16_t)(20 + 8 + length));
	be16_store(ip + 6, IP_DF);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	be32_store(ip + 12, INADDR_LOOPBACK);
	be32_store(ip + 16, INADDR_LOOPBACK);
	be16_store(udp + 2, EXPORT_PORT);
	be16_store(udp + 4, (uint16_t)(8 + length));
}
