/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "base/slice.h"
#include "config/config.h"

/* The text form of a configuration, in YAML: "key: value" or "key: [value, value]", keys named as
 * the long options. */

/* The longest text that is read, in bytes, and more than any configuration prints. */
#define CONFIG_PRINTED_MAX (256 * 1024)

enum config_text {
	CONFIG_TEXT_FILE,	 /* written by a person */
	CONFIG_TEXT_HANDED_OVER, /* by the preflight, with what only it may set: every setting */
};

/*
 * Reads a text over the defaults. name stands before the position of what is wrong.
 * false with one line "name:line:column: key: problem" in error[CONFIG_ERROR_MAX].
 */
bool config_parse(struct config *config, enum config_text kind, const char *name, struct slice text,
		  char *error);

/*
 * The inverse; a file does not keep which of pcap-port and jmirror-port came last. Returns the
 * length without the NUL behind it, or -ENOSPC.
 */
int config_print(const struct config *config, enum config_text kind, char *text, size_t size);

const char *config_library_version(void);
