/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that another process says to be lists. To come past the first checks, the input is a
 * script of changes, of six octets each, to memory that is good: a place, how many octets, and
 * what they become. When the first octet is odd it is the memory itself.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/lists.h"

#define CHANGE_SIZE 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *compile(size_t *size)
{
	static const char text[] = "||a.example^\n@@||b.a.example^\n||c.b.a.example^$important\n"
				   "0.0.0.0 d.example\n|e^\n";
	static const struct hash_key key = {{1, 2}};
	const struct lists_source sources[] = {
		{.name = "rules",
		 .format = LIST_ADBLOCK,
		 .text = {(const uint8_t *)text, sizeof(text) - 1}},
		{.name = "empty", .format = LIST_NAMES, .text = {NULL, 0}},
	};
	struct lists_report reports[2];

	return lists_compile(sources, 2, &key, reports, size);
}

static void look_up(const struct lists *lists)
{
	static const char *const names[] = {"", "\1e", "\1x\1c\1b\1a\7example", "\1d\7EXAMPLE",
					    "\1b\1a\7example"};

	lists_find(lists, "empty");
	for (uint32_t number = 0; number < lists_count(lists); number++) {
		assert(strlen(lists_name(lists, number)) < LISTS_NAME_MAX);
		assert(strlen(lists_file(lists, number)) < LISTS_TEXT_MAX);
		assert(strlen(lists_remark(lists, number)) < LISTS_TEXT_MAX);
		assert(lists_copy(lists, number).length);
		lists_entries(lists, number);
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			lists_match(
				lists, number,
				(struct slice){(const uint8_t *)names[i], strlen(names[i]) + 1});
	}
}

/* A small number, or one close to the upper end of its size. */
static void change(uint8_t *memory, size_t size, const uint8_t *step)
{
	size_t at = (step[0] | (size_t)step[1] << 8) % size;
	size_t length = (size_t)1 << (step[2] & 3);
	uint64_t value = step[3] | (uint64_t)step[4] << 8 | (uint64_t)step[5] << 16;

	if (step[2] & 4)
		value = ~value;
	if (step[2] & 8)
		at &= ~(length - 1);
	if (length > size - at)
		length = size - at;
	memcpy(memory + at, &value, length);
}

/* Of exactly the length, so that a sanitizer sees every read too far. */
static uint8_t *copy_of(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);

	memcpy(copy, bytes, length);
	return copy;
}

static uint8_t *compile_and_change(const uint8_t *data, size_t size, size_t *length)
{
	uint8_t *compiled = compile(length), *copy;

	for (size_t at = 2; at + CHANGE_SIZE <= size; at += CHANGE_SIZE)
		change(compiled, *length, data + at);
	if (data[0] & 2)
		*length -= data[1] % *length;
	copy = copy_of(compiled, *length);
	free(compiled);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lists *lists;
	size_t length = size - 2;
	uint8_t *memory;

	if (size < 2)
		return 0;
	memory = data[0] & 1 ? copy_of(data + 2, length) : compile_and_change(data, size, &length);
	lists = lists_open(memory, length);
	if (lists)
		look_up(lists);
	free(memory);
	return 0;
}
