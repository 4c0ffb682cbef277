/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_BYTES	262144
#define OUTPUT_ITEM_MAX 8192 /* what one call of output_room may ask for */

/*
 * Text on its way to a descriptor, written in big chunks. After a failed write all further text is
 * swallowed: the caller looks at error between records.
 */
struct output {
	int fd;
	int error; /* errno of the write that failed, or 0 */
	size_t used;
	char text[OUTPUT_BYTES];
};

void output_init(struct output *output, int fd);
void output_flush(struct output *output);

/* Room for at least size bytes; what was written there is kept by output_keep(end). */
char *output_room(struct output *output, size_t size);
void output_keep(struct output *output, const char *end);

void output_char(struct output *output, char character);
void output_text(struct output *output, const char *text);
void output_number(struct output *output, uint64_t number);
void output_format(struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
