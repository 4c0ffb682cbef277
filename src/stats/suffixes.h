/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

/*
 * The public suffix list (publicsuffix.org/list): where the registered domain of a name begins. Its
 * rules are kept as keyed hashes, each label's with that of the labels behind it, so that a name
 * costs one probe for each of its last labels and one that fails.
 */
struct suffixes;

/* From the text of the list; lines that are no rule are skipped. Names beyond ASCII are taken in
 * their IDNA form. With an empty text every last label is a suffix, and none a known TLD. */
struct suffixes *suffixes_new(struct slice text);
void suffixes_free(struct suffixes *suffixes);

/* Where parts of a name (uncompressed wire form) begin, in octets from its front. */
struct suffixes_split {
	uint8_t registered; /* the public suffix and one label more; 0 for a public suffix itself */
	uint8_t tld;	    /* the last label; that of the root label for the root */
	bool is_known;	    /* the last label is a top level domain that the list knows */
};

struct suffixes_split suffixes_split(const struct suffixes *suffixes, struct slice wire_name);

/* Of suffixes_split, the first. */
uint32_t suffixes_registered(const struct suffixes *suffixes, struct slice wire_name);

/* Is this last label (without its length octet, any case) a top level domain that the list knows?
 */
bool suffixes_is_tld(const struct suffixes *suffixes, struct slice label);

uint32_t suffixes_count(const struct suffixes *suffixes);
