/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/setting.h"

/* The table of all settings: command line, usage, text form and comparison are made from it. */

#define SETTINGS_MAX 64

extern const struct setting settings[];
extern const size_t settings_count; /* at most SETTINGS_MAX */

const struct setting *schema_find(const char *name);

/* The key of a file that somebody may have meant who wrote name, or NULL. */
const struct setting *schema_find_near(const char *name);
