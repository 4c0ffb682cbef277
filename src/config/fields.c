/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/fields.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

#define NAME(number, name) [CONFIG_FIELD_##number] = (name),
static const char *const names[] = {CONFIG_FIELDS(NAME)};

const char *fields_name(enum config_field number)
{
	return names[number];
}

static enum config_field find(struct slice name)
{
	enum config_field i = 0;

	while (i < CONFIG_FIELD_COUNT &&
	       (strlen(names[i]) != name.length || memcmp(names[i], name.data, name.length) != 0))
		i++;
	return i;
}

/* Takes the first name of a list. */
static struct slice take_name(const char **list)
{
	struct slice name = {(const uint8_t *)*list, strcspn(*list, "\n")};

	*list += name.length;
	*list += **list == '\n';
	return name;
}

enum config_field fields_take(const char **list)
{
	return find(take_name(list));
}

bool fields_has(const char *list, enum config_field number)
{
	while (*list)
		if (fields_take(&list) == number)
			return true;
	return false;
}

/* Letters that two names share at the front and at the back. */
static size_t count_shared(const char *a, struct slice b)
{
	size_t length = strlen(a), least = length < b.length ? length : b.length;
	size_t front = 0, back = 0;

	while (front < least && a[front] == (char)b.data[front])
		front++;
	while (back < least - front && a[length - 1 - back] == (char)b.data[b.length - 1 - back])
		back++;
	return front + back;
}

static const char *nearest(struct slice name)
{
	size_t most = 0, shared;
	const char *found = names[0];

	for (int i = 0; i < CONFIG_FIELD_COUNT; i++) {
		shared = count_shared(names[i], name);
		if (shared > most) {
			most = shared;
			found = names[i];
		}
	}
	return found;
}

bool fields_check(const char *list, char *problem)
{
	bool is_there[CONFIG_FIELD_COUNT] = {false};

	while (*list) {
		struct slice name = take_name(&list);
		enum config_field number = find(name);

		if (number == CONFIG_FIELD_COUNT) {
			snprintf(problem, FIELDS_PROBLEM_MAX,
				 "there is no field \"%.*s\"; is \"%s\" meant?",
				 name.length < 64 ? (int)name.length : 64, (const char *)name.data,
				 nearest(name));
			return false;
		}
		if (is_there[number]) {
			snprintf(problem, FIELDS_PROBLEM_MAX, "field \"%s\" is there twice",
				 names[number]);
			return false;
		}
		is_there[number] = true;
	}
	return true;
}
