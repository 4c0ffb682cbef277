/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "config/config.h"

/* Whether there could be statistics of this kind: counters are looked for, the memory is summed up.
 * What an aggregator makes of it is its own to check (aggregator/check.h). Reads the file of
 * suffixes. False with one line in error[CONFIG_ERROR_MAX]. */
bool aggregation_check(const struct config *config, char *error);
