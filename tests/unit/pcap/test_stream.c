/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "pcap/stream.h"
#include "tests/lib/file.h"

#define RECORDS	     500
#define START_NS     INT64_C(1700000000000000000)
#define LINK_NUMBER  113
#define FLOOD	     70000
#define BOMB_RECORDS 4000000

struct image {
	uint8_t *bytes;
	size_t length;
	size_t size;
};

static void image_add(struct image *image, const void *bytes, size_t length)
{
	assert_true(length <= image->size - image->length);
	memcpy(image->bytes + image->length, bytes, length);
	image->length += length;
}

static struct image image_new(size_t size)
{
	struct image image = {.bytes = malloc(size), .size = size};

	assert_non_null(image.bytes);
	return image;
}

static void add_words(struct image *image, const uint32_t *words, size_t count)
{
	image_add(image, words, count * sizeof(*words));
}

/* Record i: its number and a part of a text, captured at START_NS + i * 1,000,001 ns. */
static size_t make_frame(uint32_t i, uint8_t *frame)
{
	memcpy(frame, &i, sizeof(i));
	for (uint32_t j = 0; j < i % 90; j++)
		frame[4 + j] = (uint8_t)(i * j);
	return 4 + i % 90;
}

static struct image make_pcap(uint32_t count)
{
	const uint32_t head[] = {0xa1b23c4d, 4 << 16 | 2, 0, 0, 65535, LINK_NUMBER};
	struct image image = image_new(24 + count * (16 + 94) + 1);
	uint8_t frame[128];

	add_words(&image, head, 6);
	for (uint32_t i = 0; i < count; i++) {
		const int64_t time = START_NS + i * INT64_C(1000001);
		const uint32_t length = (uint32_t)make_frame(i, frame);

		add_words(&image,
			  (const uint32_t[]){(uint32_t)(time / 1000000000),
					     (uint32_t)(time % 1000000000), length, 1400},
			  4);
		image_add(&image, frame, length);
	}
	return image;
}

static void add_section(struct image *image)
{
	add_words(image, (const uint32_t[]){0x0a0d0d0a, 28, 0x1a2b3c4d, 1, ~0u, ~0u, 28}, 7);
}

/* An interface whose times count in nanoseconds (if_tsresol 9). */
static void add_interface(struct image *image)
{
	add_words(image, (const uint32_t[]){1, 32, LINK_NUMBER, 65535, 1 << 16 | 9, 9, 0, 32}, 8);
}

static void add_packet(struct image *image, uint64_t time, const uint8_t *frame, uint32_t length)
{
	const uint32_t padded = (length + 3) & ~3u, total = 32 + padded;

	add_words(image,
		  (const uint32_t[]){6, total, 0, (uint32_t)(time >> 32), (uint32_t)time, length,
				     1400},
		  7);
	image_add(image, frame, padded);
	add_words(image, &total, 1);
}

static struct image make_pcapng(uint32_t count)
{
	struct image image = image_new(256 + count * (32 + 96));
	uint8_t frame[128] = {0};

	add_section(&image);
	add_interface(&image);
	for (uint32_t i = 0; i < count; i++)
		add_packet(&image, (uint64_t)(START_NS + i * INT64_C(1000001)), frame,
			   (uint32_t)make_frame(i, frame));
	return image;
}

/* One gzip member per part, part bytes of input in each. */
static struct image make_gzip(const struct image *plain, size_t part)
{
	struct image image = image_new(plain->length / part * 40 + 2 * plain->length + 4096);
	z_stream z;

	for (size_t at = 0; at < plain->length; at += part) {
		memset(&z, 0, sizeof(z));
		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
		z.next_in = plain->bytes + at;
		z.avail_in = (uInt)(plain->length - at < part ? plain->length - at : part);
		z.next_out = image.bytes + image.length;
		z.avail_out = (uInt)(image.size - image.length);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		image.length += z.total_out;
		deflateEnd(&z);
	}
	return image;
}

static struct image make_zstd(const struct image *plain, size_t part)
{
	struct image image = image_new(plain->length / part * 40 + 2 * plain->length + 4096);
	size_t length;

	for (size_t at = 0; at < plain->length; at += part) {
		length = plain->length - at < part ? plain->length - at : part;
		length = ZSTD_compress(image.bytes + image.length, image.size - image.length,
				       plain->bytes + at, length, 3);
		assert_false(ZSTD_isError(length));
		image.length += length;
	}
	return image;
}

static int image_fd(const struct image *image)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image->bytes, image->length), image->length);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static struct stream *image_open(const struct image *image)
{
	char error[256] = "";
	struct stream *stream = stream_open_take(image_fd(image), error);

	if (!stream)
		assert_true(strlen(error) > 0);
	return stream;
}

/* Compares all records with make_frame; returns how many there were, and how it ended. */
static uint32_t stream_walk(struct stream *stream, enum savefile_result *end, const char **message)
{
	struct savefile_record record;
	uint8_t frame[128];
	uint32_t count = 0;

	while ((*end = stream_next(stream, &record, message)) == SAVEFILE_OK) {
		assert_int_equal(record.frame.length, make_frame(count, frame));
		assert_memory_equal(record.frame.data, frame, record.frame.length);
		assert_int_equal(record.wire_length, 1400);
		assert_int_equal(record.time_ns, START_NS + count * INT64_C(1000001));
		count++;
	}
	return count;
}

static void check_whole(struct image *image, uint32_t count)
{
	struct stream *stream = image_open(image);
	enum savefile_result end;
	const char *message = NULL;

	assert_non_null(stream);
	assert_int_equal(stream_dlt(stream), LINK_NUMBER);
	assert_int_equal(stream_walk(stream, &end, &message), count);
	assert_int_equal(end, SAVEFILE_END);
	assert_int_equal(stream_next(stream, &(struct savefile_record){0}, &message), SAVEFILE_END);
	stream_close(stream);
	free(image->bytes);
}

static void test_stream_reads_pcap_and_pcapng_plain_and_compressed(void **state)
{
	struct image (*const make[])(uint32_t) = {make_pcap, make_pcapng};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct image plain = make[i](RECORDS);
		struct image gzip = make_gzip(&plain, plain.length);
		struct image members = make_gzip(&plain, 1000);
		struct image zstd = make_zstd(&plain, plain.length);
		struct image frames = make_zstd(&plain, 1000);

		check_whole(&gzip, RECORDS);
		check_whole(&members, RECORDS);
		check_whole(&zstd, RECORDS);
		check_whole(&frames, RECORDS);
		check_whole(&plain, RECORDS);
	}
}

static void test_stream_reads_zstd_behind_a_skippable_frame(void **state)
{
	struct image plain = make_pcap(RECORDS), zstd = make_zstd(&plain, 500);
	struct image whole = image_new(zstd.length + 64);

	(void)state;
	add_words(&whole, (const uint32_t[]){0x184d2a53, 8, 0, 0}, 4);
	image_add(&whole, zstd.bytes, zstd.length);
	check_whole(&whole, RECORDS);
	free(zstd.bytes);
	free(plain.bytes);
}

static void test_stream_ignores_zeros_behind_gzip_data(void **state)
{
	struct image plain = make_pcap(RECORDS), gzip = make_gzip(&plain, plain.length);

	(void)state;
	memset(gzip.bytes + gzip.length, 0, 1000);
	gzip.length += 1000;
	check_whole(&gzip, RECORDS);
	free(plain.bytes);
}

static void test_stream_reads_from_pipe_that_gives_few_bytes(void **state)
{
	struct image plain = make_pcap(50), gzip = make_gzip(&plain, 300);
	enum savefile_result end;
	struct stream *stream;
	char error[256];
	const char *message;
	int ends[2], status;
	pid_t writer;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	writer = fork();
	assert_true(writer >= 0);
	if (!writer) {
		close(ends[0]);
		for (size_t i = 0; i < gzip.length; i++)
			if (write(ends[1], gzip.bytes + i, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	stream = stream_open_take(ends[0], error);
	assert_non_null(stream);
	assert_int_equal(stream_walk(stream, &end, &message), 50);
	assert_int_equal(end, SAVEFILE_END);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	stream_close(stream);
	free(gzip.bytes);
	free(plain.bytes);
}

/* However a file is cut, what can be read is read, and the cut is told unless it hits a border. */
static void check_cuts(const struct image *whole, uint32_t count, uint32_t borders)
{
	struct image part = *whole;
	uint32_t clean = 0, before = 0, got;
	enum savefile_result end;
	struct stream *stream;
	const char *message;

	for (part.length = 0; part.length <= whole->length; part.length++) {
		stream = image_open(&part);
		if (!stream)
			continue;
		got = stream_walk(stream, &end, &message);
		assert_true(got >= before && got <= count);
		before = got;
		if (end == SAVEFILE_END)
			clean++;
		else
			assert_int_equal(end, SAVEFILE_CUT);
		if (end != SAVEFILE_END)
			assert_true(strlen(message) > 0);
		stream_close(stream);
	}
	assert_int_equal(before, count);
	assert_int_equal(clean, borders);
}

/* An owner that waits for nothing that is not there. */
static bool is_readable(void *argument)
{
	struct pollfd input = {.fd = *(const int *)argument, .events = POLLIN};

	return poll(&input, 1, 0) > 0;
}

static void test_stream_ends_where_its_owner_does_not_wait(void **state)
{
	struct image plain = make_pcap(RECORDS);
	enum savefile_result result;
	struct stream *stream;
	struct savefile_record record;
	uint32_t count = 0;
	char error[256];
	const char *message;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0); /* and nobody ever closes its writing end */
	assert_int_equal(write(ends[1], plain.bytes, plain.length), plain.length);
	stream = stream_open_take(ends[0], error);
	assert_non_null(stream);
	stream_on_wait(stream, is_readable, &ends[0]);
	while ((result = stream_next(stream, &record, &message)) == SAVEFILE_OK)
		count++;
	assert_int_equal(result, SAVEFILE_END);
	assert_int_equal(count, RECORDS);
	stream_close(stream);
	close(ends[1]);
	free(plain.bytes);
}

static void test_stream_tells_every_cut(void **state)
{
	struct image plain = make_pcap(20), ng = make_pcapng(20);
	struct image gzip = make_gzip(&plain, plain.length), zstd = make_zstd(&plain, plain.length);

	(void)state;
	check_cuts(&plain, 20, 21);
	check_cuts(&ng, 20, 21);
	check_cuts(&gzip, 20, 1);
	check_cuts(&zstd, 20, 1);
	free(zstd.bytes);
	free(gzip.bytes);
	free(ng.bytes);
	free(plain.bytes);
}

/* There is a checksum: whatever byte is wrong, the end is not taken for a good one. */
static void check_damage(struct image *image)
{
	struct savefile_record record;
	struct stream *stream;
	enum savefile_result end;
	const char *message;
	uint32_t silent = 0;

	for (size_t i = 0; i < image->length; i++) {
		image->bytes[i] ^= 0x55;
		stream = image_open(image);
		if (stream) {
			while ((end = stream_next(stream, &record, &message)) == SAVEFILE_OK)
				;
			silent += end == SAVEFILE_END;
			stream_close(stream);
		}
		image->bytes[i] ^= 0x55;
	}
	assert_true(silent <= 10); /* bytes of the gzip header that do not matter: time, system */
}

static void test_stream_tells_damage_of_gzip_data(void **state)
{
	struct image plain = make_pcap(40), gzip = make_gzip(&plain, plain.length);

	(void)state;
	check_damage(&gzip);
	free(gzip.bytes);
	free(plain.bytes);
}

static void test_stream_gives_all_before_damage_and_its_reason(void **state)
{
	struct image plain = make_pcap(RECORDS), gzip = make_gzip(&plain, plain.length);
	struct image zstd = make_zstd(&plain, plain.length);
	struct image *const damaged[] = {&gzip, &zstd};
	enum savefile_result end;
	struct stream *stream;
	const char *message = "";

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		image_add(damaged[i], "garbage", 7);
		stream = image_open(damaged[i]);
		assert_non_null(stream);
		assert_int_equal(stream_walk(stream, &end, &message), RECORDS);
		assert_int_equal(end, SAVEFILE_DAMAGED);
		assert_non_null(strstr(message, i ? "zstd" : "gzip"));
		assert_int_equal(stream_next(stream, &(struct savefile_record){0}, &message),
				 SAVEFILE_DAMAGED);
		stream_close(stream);
	}
	free(zstd.bytes);
	free(gzip.bytes);
	free(plain.bytes);
}

static void test_stream_refuses_foreign_files_with_a_reason(void **state)
{
	char error[256];
	int ends[2];

	(void)state;
	error[0] = '\0';
	assert_null(stream_open_take(open("/dev/null", O_RDONLY), error));
	assert_true(strlen(error) > 0);
	error[0] = '\0';
	assert_null(stream_open_take(open("/", O_RDONLY), error));
	assert_non_null(strstr(error, "directory"));
	error[0] = '\0';
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1],
			       "\x1f\x8b"
			       "no gzip",
			       9),
			 9);
	close(ends[1]);
	assert_null(stream_open_take(ends[0], error));
	assert_non_null(strstr(error, "gzip"));
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);
}

static void test_stream_bounds_interfaces_of_a_section(void **state)
{
	struct image ng = image_new(256 + 32 * FLOOD), gzip;
	struct savefile_record record;
	enum savefile_result end;
	struct stream *stream;
	const char *message = "";

	(void)state;
	add_section(&ng);
	add_interface(&ng);
	add_packet(&ng, 1, (const uint8_t *)"abcd", 4);
	for (uint32_t i = 0; i < FLOOD; i++)
		add_interface(&ng);
	gzip = make_gzip(&ng, ng.length);
	stream = image_open(&gzip);
	assert_non_null(stream);
	assert_int_equal(stream_next(stream, &record, &message), SAVEFILE_OK);
	end = stream_next(stream, &record, &message);
	assert_int_equal(end, SAVEFILE_DAMAGED);
	assert_non_null(strstr(message, "interfaces"));
	stream_close(stream);
	free(gzip.bytes);
	free(ng.bytes);
}

/* A section and the interfaces behind it, as a machine of the other byte order writes them. */
static void swap_section(struct image *ng, size_t start)
{
	uint32_t word;

	for (size_t at = start; at < ng->length; at += 4) {
		memcpy(&word, ng->bytes + at, 4);
		word = __builtin_bswap32(word);
		memcpy(ng->bytes + at, &word, 4);
	}
	memcpy(ng->bytes + start + 12, "\0\x01\0\0", 4); /* 16-bit fields: version */
	for (size_t at = start + 28; at < ng->length; at += 32) {
		memcpy(ng->bytes + at + 8, "\0\x71\0\0", 4);		  /* link type */
		memcpy(ng->bytes + at + 16, "\0\x09\0\x01\x09\0\0\0", 8); /* option */
	}
}

static void check_sections(bool is_swapped, uint32_t sections, uint32_t interfaces,
			   enum savefile_result expected)
{
	struct image ng = image_new((28 + 32 * interfaces) * sections);
	struct savefile_record record;
	struct stream *stream;
	const char *message = "";
	size_t start;

	for (uint32_t section = 0; section < sections; section++) {
		start = ng.length;
		add_section(&ng);
		for (uint32_t i = 0; i < interfaces; i++)
			add_interface(&ng);
		if (is_swapped)
			swap_section(&ng, start);
	}
	stream = image_open(&ng);
	assert_non_null(stream);
	assert_int_equal(stream_next(stream, &record, &message), expected);
	stream_close(stream);
	free(ng.bytes);
}

static void test_stream_counts_interfaces_per_section_in_both_orders(void **state)
{
	(void)state;
	check_sections(false, 100, 1000, SAVEFILE_END);
	check_sections(true, 100, 1000, SAVEFILE_END);
	check_sections(false, 1, 65537, SAVEFILE_DAMAGED);
	check_sections(true, 1, 65537, SAVEFILE_DAMAGED);
}

static int64_t time_of(uint64_t time, uint8_t resolution)
{
	struct image ng = image_new(1024);
	struct savefile_record record;
	struct stream *stream;
	const char *message;

	add_section(&ng);
	add_interface(&ng);
	ng.bytes[48] = resolution;
	add_packet(&ng, time, (const uint8_t *)"abcd", 4);
	stream = image_open(&ng);
	assert_non_null(stream);
	assert_int_equal(stream_next(stream, &record, &message), SAVEFILE_OK);
	stream_close(stream);
	free(ng.bytes);
	return record.time_ns;
}

static void test_stream_keeps_impossible_times_in_range(void **state)
{
	(void)state;
	assert_int_equal(time_of(1700000000, 0), INT64_C(1700000000000000000));
	assert_int_equal(time_of(UINT64_C(1) << 40, 0), INT64_MAX);
	assert_int_equal(time_of(INT64_MAX / 1000000000, 0),
			 INT64_MAX / 1000000000 * INT64_C(1000000000));
	assert_int_equal(time_of(INT64_MAX, 0), INT64_MAX);
	assert_int_equal(time_of(UINT64_MAX - (UINT64_C(1) << 40), 0), 0);
	assert_int_equal(time_of(UINT64_MAX, 9), INT64_MAX);
}

static void test_stream_takes_seconds_beyond_2038(void **state)
{
	struct image plain = make_pcap(1);
	struct savefile_record record;
	const uint32_t seconds = 0xfffffff0;
	struct stream *stream;
	const char *message;

	(void)state;
	memcpy(plain.bytes + 24, &seconds, 4);
	stream = image_open(&plain);
	assert_int_equal(stream_next(stream, &record, &message), SAVEFILE_OK);
	assert_int_equal(record.time_ns / 1000000000, 0xfffffff0);
	stream_close(stream);
	free(plain.bytes);
}

static void test_stream_reads_a_bomb_in_constant_memory(void **state)
{
	static uint8_t zeros[16 * 4096];
	const uint32_t head[] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, LINK_NUMBER};
	struct image gzip = image_new(1 << 20);
	struct rusage before, after;
	struct savefile_record record;
	enum savefile_result end;
	struct stream *stream;
	const char *message;
	uint32_t count = 0;
	z_stream z = {0};

	(void)state;
	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
	z.next_out = gzip.bytes;
	z.avail_out = (uInt)gzip.size;
	z.next_in = (Bytef *)(uintptr_t)head;
	z.avail_in = sizeof(head);
	assert_int_equal(deflate(&z, Z_NO_FLUSH), Z_OK);
	for (uint32_t i = 0; i < BOMB_RECORDS; i += 4096) {
		z.next_in = zeros;
		z.avail_in = sizeof(zeros);
		assert_int_equal(deflate(&z, Z_NO_FLUSH), Z_OK);
	}
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	gzip.length = z.total_out;
	deflateEnd(&z);
	stream = image_open(&gzip);
	getrusage(RUSAGE_SELF, &before);
	while ((end = stream_next(stream, &record, &message)) == SAVEFILE_OK)
		count++;
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(end, SAVEFILE_END);
	assert_true(count >= BOMB_RECORDS);
	assert_true(after.ru_maxrss - before.ru_maxrss < 8192);
	stream_close(stream);
	free(gzip.bytes);
}

static void test_stream_is_plain_knows_the_four_magics(void **state)
{
	const uint32_t magics[] = {0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1,
				   0x0a0d0d0a, 0xfd2fb528, 0x00088b1f, 0};

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(stream_is_plain((struct slice){(const uint8_t *)&magics[i], 4}),
				 i < 4);
	assert_false(stream_is_plain((struct slice){(const uint8_t *)&magics[0], 3}));
}

static void compare_with_savefile(const char *path)
{
	struct savefile_record a, b;
	uint64_t offset = SAVEFILE_HEADER_SIZE;
	enum savefile_result walked, streamed;
	struct savefile file;
	struct stream *stream;
	struct slice bytes;
	const char *message;
	char error[256];

	assert_int_equal(file_map(path, &bytes), 0);
	stream = stream_open_take(open(path, O_RDONLY | O_CLOEXEC), error);
	assert_non_null(stream);
	if (savefile_open(&file, bytes) == SAVEFILE_FOREIGN) { /* one is pcapng */
		assert_false(stream_is_plain(bytes));
		while ((streamed = stream_next(stream, &b, &message)) == SAVEFILE_OK)
			;
		assert_int_equal(streamed, SAVEFILE_END);
		goto out;
	}
	assert_int_equal(stream_dlt(stream), file.dlt);
	do {
		walked = savefile_next(&file, &offset, &a);
		streamed = stream_next(stream, &b, &message);
		assert_int_equal(walked, streamed);
		if (walked != SAVEFILE_OK)
			break;
		assert_int_equal(a.time_ns, b.time_ns);
		assert_int_equal(a.wire_length, b.wire_length);
		assert_int_equal(a.frame.length, b.frame.length);
		assert_memory_equal(a.frame.data, b.frame.data, a.frame.length);
	} while (true);
out:
	stream_close(stream);
	munmap((void *)(uintptr_t)bytes.data, bytes.length);
}

static void test_stream_and_savefile_agree_on_public_captures(void **state)
{
	const char *shared = getenv("DNSFLOW_SHARED") ? getenv("DNSFLOW_SHARED") : "../shared";
	struct dirent *entry;
	char path[4096];
	DIR *folder;

	(void)state;
	snprintf(path, sizeof(path), "%s/conformance/pcap", shared);
	folder = opendir(path);
	if (!folder) {
		print_message("# skipped: no captures in %s (DNSFLOW_SHARED)\n", path);
		skip();
	}
	while ((entry = readdir(folder))) {
		if (!strstr(entry->d_name, ".pcap"))
			continue;
		snprintf(path, sizeof(path), "%s/conformance/pcap/%s", shared, entry->d_name);
		compare_with_savefile(path);
	}
	closedir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream_reads_pcap_and_pcapng_plain_and_compressed),
		cmocka_unit_test(test_stream_reads_zstd_behind_a_skippable_frame),
		cmocka_unit_test(test_stream_ignores_zeros_behind_gzip_data),
		cmocka_unit_test(test_stream_reads_from_pipe_that_gives_few_bytes),
		cmocka_unit_test(test_stream_ends_where_its_owner_does_not_wait),
		cmocka_unit_test(test_stream_tells_every_cut),
		cmocka_unit_test(test_stream_tells_damage_of_gzip_data),
		cmocka_unit_test(test_stream_gives_all_before_damage_and_its_reason),
		cmocka_unit_test(test_stream_refuses_foreign_files_with_a_reason),
		cmocka_unit_test(test_stream_bounds_interfaces_of_a_section),
		cmocka_unit_test(test_stream_counts_interfaces_per_section_in_both_orders),
		cmocka_unit_test(test_stream_keeps_impossible_times_in_range),
		cmocka_unit_test(test_stream_takes_seconds_beyond_2038),
		cmocka_unit_test(test_stream_reads_a_bomb_in_constant_memory),
		cmocka_unit_test(test_stream_is_plain_knows_the_four_magics),
		cmocka_unit_test(test_stream_and_savefile_agree_on_public_captures),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
