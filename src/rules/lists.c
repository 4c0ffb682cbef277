/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/lists.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/list.h"
#include "rules/list_file.h"
#include "rules/names.h"

#define LISTS_MAGIC UINT64_C(0x327374736c00646e)

struct place {
	uint64_t offset; /* from the start of the memory to the list */
	char name[LISTS_NAME_MAX];
	char file[LISTS_TEXT_MAX];
	char remark[LISTS_TEXT_MAX];
};

/* The lists stand behind it, one after the other, at LIST_ALIGNMENT. */
struct lists {
	uint64_t magic;
	uint32_t count;
	uint32_t unused;
	struct place places[];
};

static size_t lists_head(uint32_t count)
{
	return sizeof(struct lists) + count * sizeof(struct place);
}

static const struct list *list_at(const struct lists *lists, uint32_t number)
{
	assert(number < lists->count);
	return (const struct list *)((const uint8_t *)lists + lists->places[number].offset);
}

/* The memory while it grows. */
struct growth {
	uint8_t *bytes;
	size_t length;
};

/* Room behind what is there; NULL when out of memory. */
static void *growth_reserve(struct growth *growth, size_t size)
{
	uint8_t *bytes = realloc(growth->bytes, growth->length + size + LIST_ALIGNMENT);

	if (!bytes)
		return NULL;
	growth->bytes = bytes;
	return bytes + growth->length;
}

/* Takes the room that was used, and what is left of its last unit. */
static void growth_take(struct growth *growth, size_t size)
{
	size_t padding = (LIST_ALIGNMENT - size % LIST_ALIGNMENT) % LIST_ALIGNMENT;

	memset(growth->bytes + growth->length + size, 0, padding);
	growth->length += size + padding;
}

static bool copy_append(struct growth *growth, struct slice list)
{
	const bool is_list = list_check(list.data, list.length);
	size_t size = is_list ? list_bytes((const struct list *)list.data) : 0;
	void *room = is_list ? growth_reserve(growth, size) : NULL;

	if (!room)
		return false;
	memcpy(room, list.data, size);
	growth_take(growth, size);
	return true;
}

static bool file_append(struct growth *growth, const struct lists_source *source,
			const struct hash_key *key, struct lists_report *report)
{
	struct names names = {0};
	void *room = NULL;
	size_t size = 0;

	if (list_file_read(&names, source->text, source->format, report))
		size = list_size(&names);
	if (size)
		room = growth_reserve(growth, size);
	if (room)
		growth_take(growth, list_bytes(list_build(room, &names, key)));
	names_fini(&names);
	return room;
}

static bool source_append(struct growth *growth, uint32_t number, const struct lists_source *source,
			  const struct hash_key *key, struct lists_report *report)
{
	struct place place = {.offset = growth->length};
	struct lists *lists;

	*report = (struct lists_report){0};
	if (!(source->is_copy ? copy_append(growth, source->text)
			      : file_append(growth, source, key, report)))
		return false;
	snprintf(place.name, LISTS_NAME_MAX, "%s", source->name);
	snprintf(place.file, LISTS_TEXT_MAX, "%s", source->file ? source->file : "");
	snprintf(place.remark, LISTS_TEXT_MAX, "%s", source->remark ? source->remark : "");
	lists = (struct lists *)growth->bytes;
	lists->places[number] = place;
	report->entries = list_count(list_at(lists, number));
	return true;
}

void *lists_compile(const struct lists_source *sources, uint32_t count, const struct hash_key *key,
		    struct lists_report *reports, size_t *size)
{
	struct growth growth = {.length = lists_head(count)};
	struct lists head = {.magic = LISTS_MAGIC, .count = count};

	assert(count <= LISTS_MAX);
	growth.bytes = calloc(1, growth.length);
	if (!growth.bytes)
		return NULL;
	memcpy(growth.bytes, &head, sizeof(head));
	for (uint32_t i = 0; i < count; i++) {
		if (!source_append(&growth, i, &sources[i], key, &reports[i])) {
			free(growth.bytes);
			return NULL;
		}
	}
	*size = growth.length;
	return growth.bytes;
}

static bool place_check(const struct lists *lists, size_t size, const struct place *place)
{
	return place->offset >= lists_head(lists->count) && place->offset <= size &&
	       memchr(place->name, '\0', LISTS_NAME_MAX) &&
	       memchr(place->file, '\0', LISTS_TEXT_MAX) &&
	       memchr(place->remark, '\0', LISTS_TEXT_MAX) &&
	       list_check((const uint8_t *)lists + place->offset, size - place->offset);
}

const struct lists *lists_open(const void *memory, size_t size)
{
	const struct lists *lists = memory;

	if ((uintptr_t)memory % LIST_ALIGNMENT || size < sizeof(*lists) ||
	    lists->magic != LISTS_MAGIC || lists->count > LISTS_MAX ||
	    size < lists_head(lists->count))
		return NULL;
	for (uint32_t i = 0; i < lists->count; i++)
		if (!place_check(lists, size, &lists->places[i]))
			return NULL;
	return lists;
}

uint32_t lists_count(const struct lists *lists)
{
	return lists->count;
}

int lists_find(const struct lists *lists, const char *name)
{
	for (uint32_t i = 0; i < lists->count; i++)
		if (!strcmp(lists->places[i].name, name))
			return (int)i;
	return -1;
}

const char *lists_name(const struct lists *lists, uint32_t number)
{
	assert(number < lists->count);
	return lists->places[number].name;
}

uint32_t lists_entries(const struct lists *lists, uint32_t number)
{
	return list_count(list_at(lists, number));
}

const char *lists_file(const struct lists *lists, uint32_t number)
{
	assert(number < lists->count);
	return lists->places[number].file;
}

const char *lists_remark(const struct lists *lists, uint32_t number)
{
	assert(number < lists->count);
	return lists->places[number].remark;
}

bool lists_match(const struct lists *lists, uint32_t number, struct slice name)
{
	return list_match(list_at(lists, number), name);
}

void lists_prefetch(const struct lists *lists, uint32_t number, struct slice name)
{
	list_prefetch(list_at(lists, number), name);
}

struct slice lists_copy(const struct lists *lists, uint32_t number)
{
	const struct list *list = list_at(lists, number);

	return (struct slice){(const uint8_t *)list, list_bytes(list)};
}
