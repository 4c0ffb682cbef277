/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "net/address.h"

/* A set of addresses, given as prefixes of IPv4 and IPv6: 192.0.2.0/24, 2001:db8::/32, an address.
 * Kept as sorted ranges that neither overlap nor touch. */
struct prefixes;

#define PREFIXES_ERROR_MAX 192

/* list: one prefix a line; what is set behind its bits does not matter. NULL with what is wrong in
 * error[PREFIXES_ERROR_MAX]. */
struct prefixes *prefixes_new(const char *list, char *error);
void prefixes_free(struct prefixes *prefixes);

/* An address of no version is in no set. */
bool prefixes_match(const struct prefixes *prefixes, const struct address *address);
