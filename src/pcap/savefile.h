/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

/* Plain pcap savefiles (pcap(5): both byte orders, microseconds and nanoseconds), read from memory
 * and written as bytes: pure. */

#define SAVEFILE_HEADER_SIZE 24
#define SAVEFILE_RECORD_SIZE 16
#define SAVEFILE_CAPTURE_MAX 262144 /* a larger captured length is damage */

struct savefile {
	struct slice bytes; /* the whole file, borrowed */
	int dlt;
	uint32_t snap_length;
	bool is_swapped;
	bool is_nanosecond;
};

/* One record: its bytes are borrowed from the file. */
struct savefile_record {
	struct slice frame;
	uint32_t wire_length;
	int64_t time_ns;
};

enum savefile_result {
	SAVEFILE_OK,
	SAVEFILE_END,	  /* exactly at the end */
	SAVEFILE_CUT,	  /* the file ends inside a record */
	SAVEFILE_DAMAGED, /* a captured length that cannot be */
	SAVEFILE_FOREIGN, /* not a plain pcap file: savefile_open only */
};

enum savefile_result savefile_open(struct savefile *file, struct slice bytes);

/* The record at *offset (SAVEFILE_HEADER_SIZE for the first), which is then moved behind it. */
enum savefile_result savefile_next(const struct savefile *file, uint64_t *offset,
				   struct savefile_record *record);

/* Writes the file header in host byte order, microseconds, snap length 65535. */
void savefile_header_encode(uint8_t out[SAVEFILE_HEADER_SIZE], int dlt);
void savefile_record_encode(uint8_t out[SAVEFILE_RECORD_SIZE], int64_t time_ns, uint32_t captured,
			    uint32_t wire_length);

/* Spec section 6: DLT_NULL family, IPv4 and UDP header of a datagram of length bytes to port 5300,
 * 32 bytes in all. */
#define SAVEFILE_DATAGRAM_HEAD 32
void savefile_datagram_head_encode(uint8_t out[SAVEFILE_DATAGRAM_HEAD], uint16_t length);
