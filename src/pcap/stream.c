/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fd → decoder (plain, gzip, zstd) → blocks_check → FILE of fopencookie → libpcap. A decoder hands
 * out all that it could read and notes what went wrong; libpcap then sees an end of file, and
 * stream_next tells the note from a true end.
 */
#include "pcap/stream.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/clock.h"
#include "base/memory.h"

#define BUFFER_BYTES	65536
#define MESSAGE_BYTES	PCAP_ERRBUF_SIZE
#define GZIP_WINDOW	(MAX_WBITS + 16)
#define BLOCK_SECTION	0x0a0d0d0au
#define BLOCK_INTERFACE 1
#define SECTION_MAGIC	0x1a2b3c4du
#define INTERFACES_MAX	65536

/*
 * Where the pcapng blocks are in what libpcap reads. It keeps every interface of a section for
 * good, so that a small compressed file of interfaces alone could take all memory: their number is
 * bounded here.
 */
struct blocks {
	uint8_t head[12]; /* type, length and, in a section header, the byte order */
	uint32_t have;
	uint32_t skip;
	uint32_t interface_count;
	bool is_pcapng;
	bool is_swapped;
	bool is_off; /* no pcapng file, or one that libpcap is going to refuse */
};

struct decoder;

struct stream {
	int fd;
	const struct decoder *decoder;
	pcap_t *pcap;
	bool (*wait)(void *argument); /* or NULL */
	void *wait_argument;
	struct blocks blocks;
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool is_input_end;
	bool is_member_open; /* in the middle of a gzip member or a zstd frame */
	bool is_over;
	enum savefile_result failure; /* SAVEFILE_OK, or what message tells */
	char message[MESSAGE_BYTES];
	size_t at, end; /* in input */
	uint8_t input[BUFFER_BYTES];
	char output[BUFFER_BYTES];
};

/*
 * start (false: out of memory) and stop may be NULL. decode writes up to size bytes; 0 is the end,
 * or a failure that was noted.
 */
struct decoder {
	bool (*start)(struct stream *stream);
	size_t (*decode)(struct stream *stream, uint8_t *out, size_t size);
	void (*stop)(struct stream *stream);
};

static void stream_fail(struct stream *stream, enum savefile_result failure, const char *what,
			const char *why)
{
	if (stream->failure != SAVEFILE_OK)
		return;
	stream->failure = failure;
	snprintf(stream->message, sizeof(stream->message), "%s%s%s", what, why ? ": " : "",
		 why ? why : "");
}

/* Reads more input behind what is there; returns false at its end. */
static bool input_fill(struct stream *stream)
{
	ssize_t got;

	if (stream->at == stream->end)
		stream->at = stream->end = 0;
	if (!stream->is_input_end && stream->wait)
		stream->is_input_end = !stream->wait(stream->wait_argument);
	if (stream->is_input_end)
		return false;
	do {
		got = read(stream->fd, stream->input + stream->end, BUFFER_BYTES - stream->end);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		stream_fail(stream, SAVEFILE_DAMAGED, "reading failed", strerror(errno));
	if (got <= 0)
		stream->is_input_end = true;
	else
		stream->end += (size_t)got;
	return got > 0;
}

static bool input_is_empty(struct stream *stream)
{
	return stream->at == stream->end && !input_fill(stream);
}

static size_t plain_decode(struct stream *stream, uint8_t *out, size_t size)
{
	size_t length;

	if (input_is_empty(stream))
		return 0;
	length = stream->end - stream->at;
	if (length > size)
		length = size;
	memcpy(out, stream->input + stream->at, length);
	stream->at += length;
	return length;
}

static bool gzip_start(struct stream *stream)
{
	return inflateInit2(&stream->gzip, GZIP_WINDOW) == Z_OK;
}

/* Between members: true when another one begins. Zeros there are padding, as for gzip(1). */
static bool gzip_next_member(struct stream *stream)
{
	while (!input_is_empty(stream)) {
		if (stream->input[stream->at]) {
			stream->is_member_open = true;
			return inflateReset(&stream->gzip) == Z_OK;
		}
		stream->at++;
	}
	return false;
}

static size_t gzip_decode(struct stream *stream, uint8_t *out, size_t size)
{
	z_stream *gzip = &stream->gzip;
	bool is_dry;
	int result;

	gzip->next_out = out;
	gzip->avail_out = (uInt)size;
	while (gzip->avail_out == size) {
		if (!stream->is_member_open && !gzip_next_member(stream))
			break;
		/* Without input there may still be something decoded but not handed out. */
		is_dry = input_is_empty(stream);
		gzip->next_in = stream->input + stream->at;
		gzip->avail_in = (uInt)(stream->end - stream->at);
		result = inflate(gzip, Z_NO_FLUSH);
		stream->at = stream->end - gzip->avail_in;
		if (result == Z_STREAM_END) {
			stream->is_member_open = false;
		} else if (is_dry && gzip->avail_out == size) {
			stream_fail(stream, SAVEFILE_CUT, "the gzip data ends too early", NULL);
			break;
		} else if (result != Z_OK && result != Z_BUF_ERROR) {
			stream_fail(stream, SAVEFILE_DAMAGED, "the gzip data is damaged",
				    gzip->msg);
			break;
		}
	}
	return size - gzip->avail_out;
}

static void gzip_stop(struct stream *stream)
{
	inflateEnd(&stream->gzip);
}

/* A frame may ask for a window; the library refuses one above 128 MiB. */
static bool zstd_start(struct stream *stream)
{
	stream->zstd = ZSTD_createDStream();
	return stream->zstd && !ZSTD_isError(ZSTD_initDStream(stream->zstd));
}

static size_t zstd_decode(struct stream *stream, uint8_t *out, size_t size)
{
	ZSTD_outBuffer output = {.dst = out, .size = size};
	ZSTD_inBuffer input;
	bool is_dry;
	size_t hint;

	while (!output.pos) {
		is_dry = input_is_empty(stream);
		if (is_dry && !stream->is_member_open)
			break;
		input = (ZSTD_inBuffer){stream->input, stream->end, stream->at};
		hint = ZSTD_decompressStream(stream->zstd, &output, &input);
		stream->at = input.pos;
		if (ZSTD_isError(hint)) {
			stream_fail(stream, SAVEFILE_DAMAGED, "the zstd data is damaged",
				    ZSTD_getErrorName(hint));
			break;
		}
		stream->is_member_open = hint != 0;
		if (is_dry && !output.pos) {
			stream_fail(stream, SAVEFILE_CUT, "the zstd data ends too early", NULL);
			break;
		}
	}
	return output.pos;
}

static void zstd_stop(struct stream *stream)
{
	ZSTD_freeDStream(stream->zstd);
}

static const struct decoder decoder_plain = {.decode = plain_decode};
static const struct decoder decoder_gzip = {gzip_start, gzip_decode, gzip_stop};
static const struct decoder decoder_zstd = {zstd_start, zstd_decode, zstd_stop};

static uint32_t le32_load(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static const struct decoder *decoder_find(struct slice first)
{
	uint32_t magic;

	if (first.length >= 2 && first.data[0] == 0x1f && first.data[1] == 0x8b)
		return &decoder_gzip;
	if (first.length < 4)
		return &decoder_plain;
	magic = le32_load(first.data);
	if (magic == ZSTD_MAGICNUMBER ||
	    (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START)
		return &decoder_zstd;
	return &decoder_plain;
}

static uint32_t block_word(const struct blocks *blocks, uint32_t index)
{
	uint32_t word = le32_load(blocks->head + 4 * index);

	return blocks->is_swapped ? __builtin_bswap32(word) : word;
}

/* The type of a section header reads the same in both byte orders; its length does not. */
static uint32_t block_head_size(const struct blocks *blocks)
{
	return blocks->have >= 4 && le32_load(blocks->head) == BLOCK_SECTION ? 12 : 8;
}

static void block_begin(struct blocks *blocks)
{
	uint32_t length;

	if (le32_load(blocks->head) == BLOCK_SECTION) {
		blocks->is_pcapng = true;
		blocks->is_swapped = le32_load(blocks->head + 8) != SECTION_MAGIC;
		blocks->interface_count = 0;
	} else if (block_word(blocks, 0) == BLOCK_INTERFACE) {
		blocks->interface_count++;
	}
	length = block_word(blocks, 1);
	blocks->is_off = !blocks->is_pcapng || length < blocks->have;
	blocks->skip = length - blocks->have;
	blocks->have = 0;
}

/* Follows the blocks of what libpcap is about to read; false: too many interfaces. */
static bool blocks_check(struct blocks *blocks, const uint8_t *data, size_t length)
{
	size_t step;

	while (length && !blocks->is_off && blocks->interface_count <= INTERFACES_MAX) {
		step = blocks->skip < length ? blocks->skip : length;
		if (step) {
			blocks->skip -= (uint32_t)step;
		} else {
			step = 1;
			blocks->head[blocks->have++] = *data;
			if (blocks->have == block_head_size(blocks))
				block_begin(blocks);
		}
		data += step;
		length -= step;
	}
	return blocks->is_off || blocks->interface_count <= INTERFACES_MAX;
}

static ssize_t on_read(void *cookie, char *buffer, size_t size)
{
	struct stream *stream = cookie;
	size_t length;

	if (stream->failure != SAVEFILE_OK)
		return 0;
	length = stream->decoder->decode(stream, (uint8_t *)buffer, size);
	if (blocks_check(&stream->blocks, (const uint8_t *)buffer, length))
		return (ssize_t)length;
	stream_fail(stream, SAVEFILE_DAMAGED, "too many interfaces in a section", NULL);
	return 0;
}

static pcap_t *pcap_start(struct stream *stream, char *error)
{
	FILE *file = fopencookie(stream, "r", (cookie_io_functions_t){.read = on_read});
	pcap_t *pcap;

	if (!file) {
		snprintf(error, MESSAGE_BYTES, "%s", strerror(errno));
		return NULL;
	}
	setvbuf(file, stream->output, _IOFBF, sizeof(stream->output));
	pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
	if (!pcap)
		fclose(file);
	if (!pcap && stream->failure != SAVEFILE_OK)
		memcpy(error, stream->message, MESSAGE_BYTES);
	return pcap;
}

struct stream *stream_open_take(int fd, char *error)
{
	struct stream *stream = xcalloc(1, sizeof(*stream));

	stream->fd = fd;
	while (stream->end < 4 && input_fill(stream))
		;
	stream->decoder = decoder_find((struct slice){stream->input, stream->end});
	if (stream->decoder->start && !stream->decoder->start(stream))
		snprintf(error, MESSAGE_BYTES, "out of memory");
	else
		stream->pcap = pcap_start(stream, error);
	if (stream->pcap)
		return stream;
	stream_close(stream);
	return NULL;
}

int stream_dlt(const struct stream *stream)
{
	return pcap_datalink(stream->pcap);
}

void stream_on_wait(struct stream *stream, bool (*wait)(void *argument), void *argument)
{
	stream->wait = wait;
	stream->wait_argument = argument;
}

/* From a file, so perhaps impossible. libpcap gives 32-bit seconds a sign, pcap(5) none. */
static int64_t record_time_ns(const struct timeval *time)
{
	int64_t seconds = time->tv_sec, time_ns;

	if (seconds < 0 && seconds >= INT32_MIN)
		seconds += INT64_C(1) << 32;
	if (__builtin_mul_overflow(seconds, NANOSECONDS_PER_SECOND, &time_ns) ||
	    __builtin_add_overflow(time_ns, time->tv_usec, &time_ns))
		return seconds < 0 ? 0 : INT64_MAX;
	return time_ns < 0 ? 0 : time_ns;
}

enum savefile_result stream_next(struct stream *stream, struct savefile_record *record,
				 const char **message)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int got = stream->is_over ? PCAP_ERROR_BREAK : pcap_next_ex(stream->pcap, &header, &bytes);

	if (got == 1) {
		record->frame = (struct slice){bytes, header->caplen};
		record->wire_length = header->len;
		record->time_ns = record_time_ns(&header->ts);
		return SAVEFILE_OK;
	}
	stream->is_over = true;
	if (got == PCAP_ERROR)
		stream_fail(stream, feof(pcap_file(stream->pcap)) ? SAVEFILE_CUT : SAVEFILE_DAMAGED,
			    pcap_geterr(stream->pcap), NULL);
	*message = stream->message;
	return stream->failure == SAVEFILE_OK ? SAVEFILE_END : stream->failure;
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	if (stream->pcap)
		pcap_close(stream->pcap);
	if (stream->decoder->stop)
		stream->decoder->stop(stream);
	close(stream->fd);
	free(stream);
}

bool stream_is_plain(struct slice first)
{
	struct savefile file;

	return savefile_open(&file, first) != SAVEFILE_FOREIGN;
}

const char *stream_library_versions(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "zlib %s\nzstd %s", zlibVersion(), ZSTD_versionString());
	return text;
}
