/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "pcap/savefile.h"

#define FRAME "0123456789"

struct image {
	uint8_t bytes[256];
	size_t length;
};

static void put32(struct image *image, uint32_t value, bool is_swapped)
{
	value = is_swapped ? __builtin_bswap32(value) : value;
	memcpy(image->bytes + image->length, &value, sizeof(value));
	image->length += sizeof(value);
}

static void put16(struct image *image, uint16_t value, bool is_swapped)
{
	value = is_swapped ? __builtin_bswap16(value) : value;
	memcpy(image->bytes + image->length, &value, sizeof(value));
	image->length += sizeof(value);
}

static void put_header(struct image *image, uint32_t magic, uint32_t linktype, bool is_swapped)
{
	image->length = 0;
	put32(image, magic, is_swapped);
	put16(image, 2, is_swapped);
	put16(image, 4, is_swapped);
	put32(image, 0, is_swapped);
	put32(image, 0, is_swapped);
	put32(image, 65535, is_swapped);
	put32(image, linktype, is_swapped);
}

static void put_record(struct image *image, uint32_t seconds, uint32_t fraction, bool is_swapped)
{
	put32(image, seconds, is_swapped);
	put32(image, fraction, is_swapped);
	put32(image, strlen(FRAME), is_swapped);
	put32(image, 1500, is_swapped);
	memcpy(image->bytes + image->length, FRAME, strlen(FRAME));
	image->length += strlen(FRAME);
}

static struct slice image_slice(const struct image *image)
{
	return (struct slice){image->bytes, image->length};
}

static void check_kind(uint32_t magic, bool is_swapped, int64_t fraction_ns)
{
	struct savefile_record record;
	uint64_t offset = SAVEFILE_HEADER_SIZE;
	struct savefile file;
	struct image image;

	put_header(&image, magic, 113, is_swapped);
	put_record(&image, 0x80000000, 999999, is_swapped);
	put_record(&image, 1, 2, is_swapped);
	assert_int_equal(savefile_open(&file, image_slice(&image)), SAVEFILE_OK);
	assert_int_equal(file.dlt, 113);
	assert_int_equal(file.snap_length, 65535);
	assert_int_equal(savefile_next(&file, &offset, &record), SAVEFILE_OK);
	assert_int_equal(offset, SAVEFILE_HEADER_SIZE + SAVEFILE_RECORD_SIZE + strlen(FRAME));
	assert_int_equal(record.time_ns, 0x80000000 * INT64_C(1000000000) + 999999 * fraction_ns);
	assert_int_equal(record.wire_length, 1500);
	assert_int_equal(record.frame.length, strlen(FRAME));
	assert_memory_equal(record.frame.data, FRAME, strlen(FRAME));
	assert_int_equal(savefile_next(&file, &offset, &record), SAVEFILE_OK);
	assert_int_equal(record.time_ns, 1000000000 + 2 * fraction_ns);
	assert_int_equal(savefile_next(&file, &offset, &record), SAVEFILE_END);
	assert_int_equal(savefile_next(&file, &offset, &record), SAVEFILE_END);
	assert_int_equal(offset, image.length);
	offset++;
	assert_int_equal(savefile_next(&file, &offset, &record), SAVEFILE_CUT);
}

static void test_savefile_reads_both_orders_and_both_precisions(void **state)
{
	(void)state;
	check_kind(0xa1b2c3d4, false, 1000);
	check_kind(0xa1b2c3d4, true, 1000);
	check_kind(0xa1b23c4d, false, 1);
	check_kind(0xa1b23c4d, true, 1);
}

static void test_savefile_takes_linktype_from_its_low_bits(void **state)
{
	struct savefile file;
	struct image image;

	(void)state;
	put_header(&image, 0xa1b2c3d4, 0x24000001, false); /* 4 bytes of frame check sequence */
	assert_int_equal(savefile_open(&file, image_slice(&image)), SAVEFILE_OK);
	assert_int_equal(file.dlt, 1);
	put_header(&image, 0xa1b2c3d4, 101, false);
	assert_int_equal(savefile_open(&file, image_slice(&image)), SAVEFILE_OK);
	assert_int_equal(file.dlt, 12);
}

static void test_savefile_every_cut_is_told(void **state)
{
	const size_t first = SAVEFILE_HEADER_SIZE + SAVEFILE_RECORD_SIZE + strlen(FRAME);
	struct savefile_record record;
	struct savefile file;
	struct image image;
	uint64_t offset;
	uint8_t *copy;

	(void)state;
	put_header(&image, 0xa1b2c3d4, 1, false);
	put_record(&image, 1, 1, false);
	put_record(&image, 2, 2, false);
	for (size_t length = 0; length <= image.length; length++) {
		copy = malloc(length ? length : 1); /* a sanitizer sees a read beyond it */
		assert_non_null(copy);
		memcpy(copy, image.bytes, length);
		enum savefile_result opened = savefile_open(&file, (struct slice){copy, length});

		if (length < 4) {
			assert_int_equal(opened, SAVEFILE_FOREIGN);
		} else if (length < SAVEFILE_HEADER_SIZE) {
			assert_int_equal(opened, SAVEFILE_CUT);
		} else {
			assert_int_equal(opened, SAVEFILE_OK);
			offset = SAVEFILE_HEADER_SIZE;
			while ((opened = savefile_next(&file, &offset, &record)) == SAVEFILE_OK)
				;
			assert_true(offset <= length);
			assert_int_equal(opened, length == SAVEFILE_HEADER_SIZE ||
								 length == first ||
								 length == image.length
							 ? SAVEFILE_END
							 : SAVEFILE_CUT);
		}
		free(copy);
	}
}

static void test_savefile_refuses_impossible_capture_length(void **state)
{
	const uint32_t lengths[] = {SAVEFILE_CAPTURE_MAX, SAVEFILE_CAPTURE_MAX + 1, 0x7fffffff,
				    0x80000000, 0xffffffff};
	struct savefile_record record;
	struct savefile file;
	struct image image;
	uint64_t offset;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		put_header(&image, 0xa1b2c3d4, 1, false);
		put_record(&image, 1, 1, false);
		memcpy(image.bytes + SAVEFILE_HEADER_SIZE + 8, &lengths[i], 4);
		assert_int_equal(savefile_open(&file, image_slice(&image)), SAVEFILE_OK);
		offset = SAVEFILE_HEADER_SIZE;
		assert_int_equal(savefile_next(&file, &offset, &record),
				 i ? SAVEFILE_DAMAGED : SAVEFILE_CUT);
		assert_int_equal(offset, SAVEFILE_HEADER_SIZE);
	}
}

static void test_savefile_does_not_open_what_is_foreign(void **state)
{
	const uint32_t magics[] = {0x0a0d0d0a, 0xa1b2cd34, 0, 0xffffffff, 0xd4c3b2a0};
	struct savefile file;
	struct image image;

	(void)state;
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++) {
		put_header(&image, magics[i], 1, false);
		assert_int_equal(savefile_open(&file, image_slice(&image)), SAVEFILE_FOREIGN);
	}
	put_header(&image, 0xa1b2c3d4, 1, false);
	image.bytes[6] = 3;
	assert_int_equal(savefile_open(&file, image_slice(&image)), SAVEFILE_FOREIGN);
	assert_int_equal(savefile_open(&file, (struct slice){NULL, 0}), SAVEFILE_FOREIGN);
}

static void test_savefile_reads_what_it_wrote(void **state)
{
	struct savefile_record record;
	uint64_t offset = SAVEFILE_HEADER_SIZE;
	struct savefile file;
	struct image image;

	(void)state;
	for (int dlt = 0; dlt < 300; dlt++) {
		savefile_header_encode(image.bytes, dlt);
		image.length = SAVEFILE_HEADER_SIZE;
		assert_int_equal(savefile_open(&file, image_slice(&image)), SAVEFILE_OK);
		assert_int_equal(file.dlt, dlt == 101 ? 12 : dlt);
	}
	savefile_header_encode(image.bytes, 0);
	savefile_record_encode(image.bytes + 24, INT64_C(1700000000123456789), 3, 70000);
	memcpy(image.bytes + 40, "abc", 3);
	image.length = 43;
	assert_int_equal(savefile_open(&file, image_slice(&image)), SAVEFILE_OK);
	assert_int_equal(file.snap_length, 65535);
	assert_int_equal(savefile_next(&file, &offset, &record), SAVEFILE_OK);
	assert_int_equal(record.time_ns, INT64_C(1700000000123456000));
	assert_int_equal(record.frame.length, 3);
	assert_int_equal(record.wire_length, 70000);
}

static void test_savefile_datagram_head_is_that_of_the_spec(void **state)
{
	static const uint8_t rest[] = {
		0x45, 0, 0x05, 0xf8, 0, 0, 0x40, 0, 64,	  17,	0,    0,    127, 0,
		0,    1, 127,  0,    0, 1, 0,	 0, 0x14, 0xb4, 0x05, 0xe4, 0,	 0,
	};
	uint8_t head[SAVEFILE_DATAGRAM_HEAD];
	const uint32_t family = 2;

	(void)state;
	memset(head, 0xff, sizeof(head));
	savefile_datagram_head_encode(head, 1500);
	assert_memory_equal(head, &family, sizeof(family));
	assert_memory_equal(head + 4, rest, sizeof(rest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_savefile_reads_both_orders_and_both_precisions),
		cmocka_unit_test(test_savefile_takes_linktype_from_its_low_bits),
		cmocka_unit_test(test_savefile_every_cut_is_told),
		cmocka_unit_test(test_savefile_refuses_impossible_capture_length),
		cmocka_unit_test(test_savefile_does_not_open_what_is_foreign),
		cmocka_unit_test(test_savefile_reads_what_it_wrote),
		cmocka_unit_test(test_savefile_datagram_head_is_that_of_the_spec),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
