/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "config/output.h"
#include "dns/event.h"
#include "stats/suffixes.h"

/* What an output does not tell: changes an event before it is formatted. */
struct privacy;

/* Reads the key file, so before the sandbox. config and suffixes are borrowed. NULL with one line
 * in error[CONFIG_ERROR_MAX]. */
struct privacy *privacy_new(const struct config_privacy *config, const struct suffixes *suffixes,
			    char *error);
void privacy_free(struct privacy *privacy);

/* Is there anything to do? */
bool privacy_is_needed(const struct config_privacy *config);

/*
 * Changes the event, whose slices may afterwards point into memory of privacy, until the next call.
 * The client is the query address: cut to its prefix first, then disguised; a hashed one becomes an
 * address in fd00::/8. A message that shows more than it may, or that cannot be walked to take the
 * client subnet out, becomes empty.
 */
void privacy_apply(struct privacy *privacy, struct event *event);

/* What may be told of a name in wire form: all of it, or its registered domain. */
struct slice privacy_cut_name(const struct privacy *privacy, struct slice wire_name);
