/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "record/reader.h"
#include "tools/read/exporter.h"
#include "tools/read/output.h"

/* Where a set or statistics come from. */
struct print_origin {
	const struct exporter *exporter;
	int64_t time_ns;
	uint32_t sequence;
	uint8_t version;
};

struct print_summary {
	const struct exporters *exporters;
	uint64_t receiver_dropped; /* datagrams that the kernel dropped before us */
};

/* A form of output. Names are escaped: nothing from the wire reaches a terminal raw. */
struct print {
	void (*start)(struct output *output);
	void (*set)(struct output *output, const struct print_origin *origin,
		    const struct record_set *set);
	void (*stats)(struct output *output, const struct print_origin *origin,
		      const struct record_stats *stats);
	void (*error)(struct output *output, const char *error, const char *detail);
	void (*exporter)(struct output *output, const struct exporter *exporter);
	void (*summary)(struct output *output, const struct print_summary *summary);
	void (*separator)(struct output *output); /* behind a summary that is not the last */
};

extern const struct print print_text; /* spec section 11.2 */
extern const struct print print_json; /* one object per line */

#define PRINT_NAME_MAX (4 * (DNS_NAME_TEXT_MAX + 1))

/*
 * Takes the first name off and writes its escaped text, without NUL, to text[PRINT_NAME_MAX];
 * returns its length.
 */
size_t print_name_take(struct slice *names, bool is_text, char *text);

/* Writes an address of 4 or 16 bytes. */
void print_address(struct output *output, const uint8_t *bytes, size_t size);
