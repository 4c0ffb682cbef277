/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/output.h"
#include "rules/filter.h"

/*
 * What the configuration says of an output's events, wanted or not, compiled (rules/filter.h).
 * Reads the file of names, so before a sandbox. NULL with one line in error[FILTER_ERROR_MAX],
 * which begins with the key of its section.
 */
struct event_filter *output_filter_new(const struct config_filter *config,
				       const struct hash_key *key, char *error);
