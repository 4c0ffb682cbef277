/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

/*
 * How the data of a record are made, for the types whose names may be compressed by who sends them:
 * those of RFC 1035, and those that RFC 3597 4 lists besides. Data of all other types are octets
 * without a meaning. Left out is A6, whose names were never compressed (RFC 2874 3.1.1).
 */

#define RDATA_TYPES    40	 /* all of them are below */
#define RDATA_ANY_TAIL UINT8_MAX /* any number of octets, none as well */

struct rdata_layout {
	uint8_t fixed;	      /* octets, */
	uint8_t strings;      /* then character strings (RFC 1035 3.3), */
	uint8_t names;	      /* then names, */
	uint8_t tail;	      /* then octets */
	bool is_compressible; /* who writes it may compress the names, too: types of RFC 1035 */
};

extern const struct rdata_layout rdata_layouts[RDATA_TYPES];

/* NULL: octets without a meaning. */
static inline const struct rdata_layout *rdata_layout(uint16_t type)
{
	return type < RDATA_TYPES && rdata_layouts[type].names ? &rdata_layouts[type] : NULL;
}

/* Where the first name stands in a message, which ends with the data that begin at offset. 0: it
 * ends before. */
size_t rdata_first_name(const struct rdata_layout *layout, struct slice message, size_t offset);
