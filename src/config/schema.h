/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/setting.h"

/* The tables of all settings: command line, usage, text form and comparison are made from them.
 * Settings of one section stand together. */

#define SETTINGS_MAX 96

struct schema {
	const struct setting *settings;
	size_t count; /* at most SETTINGS_MAX */
};

extern const struct schema schema_config; /* of struct config */
extern const struct schema schema_output; /* of struct config_output; "type" is the first */

const struct setting *schema_find(const struct schema *schema, const char *name);

/* The first setting of a section. */
const struct setting *schema_find_section(const struct schema *schema, const char *section);

/* The length of the section's name in that of a setting: 0 for one that is in none. */
size_t schema_section_length(const char *name);

/*
 * Writes what is wrong with an unknown name into problem[SETTING_ERROR_MAX], with the name of a key
 * in the same section that somebody may have meant.
 */
void schema_explain(const struct schema *schema, const char *name, char *problem);
