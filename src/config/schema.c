/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema.h"

#include <stdio.h>
#include <string.h>

#define NEAR_DISTANCE 2 /* letters; half of the name at most */

const struct setting *schema_find(const struct schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->count; i++)
		if (!strcmp(schema->settings[i].name, name))
			return &schema->settings[i];
	return NULL;
}

size_t schema_section_length(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? (size_t)(dot - name) : 0;
}

static bool is_in_section(const struct setting *setting, const char *section, size_t length)
{
	return schema_section_length(setting->name) == length &&
	       !strncmp(setting->name, section, length);
}

const struct setting *schema_find_section(const struct schema *schema, const char *section)
{
	const size_t length = strlen(section);

	for (size_t i = 0; length && i < schema->count; i++)
		if (is_in_section(&schema->settings[i], section, length))
			return &schema->settings[i];
	return NULL;
}

static unsigned int least_of(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Letters to insert, remove or replace, by the row of the matrix that the last letter of a made. */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[SETTING_NAME_MAX], diagonal, above;
	size_t length = strlen(b);

	for (size_t i = 0; i <= length; i++)
		row[i] = (unsigned int)i;
	for (; *a; a++) {
		diagonal = row[0]++;
		for (size_t i = 1; i <= length; i++) {
			above = row[i];
			row[i] = least_of(diagonal + (*a != b[i - 1]),
					  1 + least_of(above, row[i - 1]));
			diagonal = above;
		}
	}
	return row[length];
}

/* What may stand where name stands: a key of the same section, or beside all sections their names.
 */
static bool is_candidate(const struct setting *setting, const char *name, char *candidate)
{
	const size_t section = schema_section_length(name);
	const size_t length = schema_section_length(setting->name);

	if (setting->is_private)
		return false;
	if (!section && length)
		sprintf(candidate, "%.*s", (int)length, setting->name);
	else
		strcpy(candidate, setting->name);
	return !section || is_in_section(setting, name, section);
}

void schema_explain(const struct schema *schema, const char *name, char *problem)
{
	const size_t section = schema_section_length(name), key = section ? section + 1 : 0;
	unsigned int distance, least;
	char candidate[SETTING_NAME_MAX], nearest[SETTING_NAME_MAX] = "";

	strcpy(problem, "unknown key");
	if (strlen(name) >= SETTING_NAME_MAX)
		return; /* near nothing */
	least = 1 + least_of(NEAR_DISTANCE, (unsigned int)strlen(name + key) / 2);
	for (size_t i = 0; i < schema->count; i++) {
		if (!is_candidate(&schema->settings[i], name, candidate))
			continue;
		distance = edit_distance(candidate, name);
		if (distance < least) {
			least = distance;
			strcpy(nearest, candidate);
		}
	}
	if (*nearest)
		snprintf(problem, SETTING_ERROR_MAX, "unknown key (did you mean %s?)", nearest);
}
