/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "base/slice.h"
#include "dns/name.h"

/*
 * The text of a name that patterns of rules see: absolute, and as Sentry's library writes it
 * (spec/sentry.md 5). Printable ASCII stands for itself, behind a backslash if it is one of
 * " $ ( ) . ; @ \ inside a label; a blank and all other octets are \DDD. name_parse() reads it.
 * Events and logs write names otherwise: name_format().
 */
#define SUBJECT_MAX DNS_NAME_TEXT_MAX /* octets: each of a name escaped, and the root's dot */

/* wire: valid and uncompressed. The text, which has no NUL, lies in text[SUBJECT_MAX]. */
struct slice subject_format(const uint8_t *wire, char *text);
