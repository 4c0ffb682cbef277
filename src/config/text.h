/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "base/slice.h"
#include "config/config.h"

/*
 * The text form of a configuration, in YAML or JSON: "key: value" or "key: [value, value]", keys
 * named as the long options. An option "section.key" is "key: value" in the mapping "section:";
 * "outputs:" is a list of mappings.
 */

/* The longest text that is read or printed, in bytes: there rules may be six times as long. */
#define CONFIG_PRINTED_MAX (4 * 1024 * 1024)

enum config_text {
	CONFIG_TEXT_FILE,	 /* written by a person */
	CONFIG_TEXT_HANDED_OVER, /* by the preflight, with what only it may set: every setting */
};

/*
 * Reads a text over the defaults. name stands before the position of what is wrong.
 * false with one line "name:line:column: key: problem" in error[CONFIG_ERROR_MAX]; true with one or
 * two lines there that are worth warnings, an LF between them, or "".
 */
bool config_parse(struct config *config, enum config_text kind, const char *name, struct slice text,
		  char *error);

/* What comes from a file, or from who wrote it, goes into one line: controls become '?'. */
void text_mask_controls(char *line);
