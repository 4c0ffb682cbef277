/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/output.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NUMBER_MAX 20

void output_init(struct output *output, int fd)
{
	output->fd = fd;
	output->error = 0;
	output->used = 0;
}

void output_flush(struct output *output)
{
	size_t at = 0;
	ssize_t written;

	while (at < output->used && !output->error) {
		written = write(output->fd, output->text + at, output->used - at);
		if (written >= 0)
			at += (size_t)written;
		else if (errno != EINTR)
			output->error = errno;
	}
	output->used = 0;
}

char *output_room(struct output *output, size_t size)
{
	assert(size <= OUTPUT_ITEM_MAX);
	if (size > OUTPUT_BYTES - output->used)
		output_flush(output);
	return output->text + output->used;
}

void output_keep(struct output *output, const char *end)
{
	output->used = (size_t)(end - output->text);
}

void output_char(struct output *output, char character)
{
	*output_room(output, 1) = character;
	output->used++;
}

void output_text(struct output *output, const char *text)
{
	size_t length = strlen(text);

	memcpy(output_room(output, length), text, length);
	output->used += length;
}

void output_number(struct output *output, uint64_t number)
{
	char digits[NUMBER_MAX], *at = digits + NUMBER_MAX;

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	memcpy(output_room(output, NUMBER_MAX), at, (size_t)(digits + NUMBER_MAX - at));
	output->used += (size_t)(digits + NUMBER_MAX - at);
}

void output_format(struct output *output, const char *format, ...)
{
	char *room = output_room(output, OUTPUT_ITEM_MAX);
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(room, OUTPUT_ITEM_MAX, format, arguments);
	va_end(arguments);
	assert(length >= 0 && length < OUTPUT_ITEM_MAX);
	output->used += (size_t)length;
}
