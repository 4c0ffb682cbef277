/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

/*
 * The public suffix list (publicsuffix.org/list): where the registered domain of a name begins. Its
 * rules are kept as keyed hashes of their lower-case wire names, so that a name costs one probe for
 * each of its last labels.
 */
struct suffixes;

/* From the text of the list; lines that are no rule are skipped. Names beyond ASCII are taken in
 * their IDNA form where the list has it, else left out. With an empty text every last label is a
 * suffix. */
struct suffixes *suffixes_new(struct slice text);
void suffixes_free(struct suffixes *suffixes);

/* How many octets from its front a name (uncompressed wire form) has before its registered domain,
 * that is the public suffix and one label more; a name that is itself a public suffix has 0. */
uint32_t suffixes_registered(const struct suffixes *suffixes, struct slice wire_name);

/* Is this last label (without its length octet, any case) a top level domain that the list knows?
 */
bool suffixes_is_tld(const struct suffixes *suffixes, struct slice label);

uint32_t suffixes_count(const struct suffixes *suffixes);
