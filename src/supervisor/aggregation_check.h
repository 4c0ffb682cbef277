/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "config/config.h"

/* Whether an aggregator could begin with this: its filters are compiled, its counters looked for,
 * its memory is summed up. Reads files of names and of suffixes. False with one line in
 * error[CONFIG_ERROR_MAX]. */
bool aggregation_check(const struct config *config, char *error);
