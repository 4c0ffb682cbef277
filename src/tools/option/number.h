/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>

/* Numbers on command lines of tools. A text that is none ends the program with a line that names
 * the option. */

/* Decimal, from min to max. */
uint64_t number_parse(const char *option, const char *text, uint64_t min, uint64_t max);

/* Seconds, perhaps with a fraction, as nanoseconds: more than 0. */
int64_t number_parse_seconds(const char *option, const char *text);
