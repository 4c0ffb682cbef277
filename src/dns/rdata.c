/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns/rdata.h"

const struct rdata_layout rdata_layouts[RDATA_TYPES] = {
	[2] = {.names = 1, .is_compressible = true},		  /* NS */
	[3] = {.names = 1, .is_compressible = true},		  /* MD */
	[4] = {.names = 1, .is_compressible = true},		  /* MF */
	[5] = {.names = 1, .is_compressible = true},		  /* CNAME */
	[6] = {.names = 2, .tail = 20, .is_compressible = true},  /* SOA */
	[7] = {.names = 1, .is_compressible = true},		  /* MB */
	[8] = {.names = 1, .is_compressible = true},		  /* MG */
	[9] = {.names = 1, .is_compressible = true},		  /* MR */
	[12] = {.names = 1, .is_compressible = true},		  /* PTR */
	[14] = {.names = 2, .is_compressible = true},		  /* MINFO */
	[15] = {.fixed = 2, .names = 1, .is_compressible = true}, /* MX */
	[17] = {.names = 2},					  /* RP */
	[18] = {.fixed = 2, .names = 1},			  /* AFSDB */
	[21] = {.fixed = 2, .names = 1},			  /* RT */
	[24] = {.fixed = 18, .names = 1, .tail = RDATA_ANY_TAIL}, /* SIG */
	[26] = {.fixed = 2, .names = 2},			  /* PX */
	[30] = {.names = 1, .tail = RDATA_ANY_TAIL},		  /* NXT */
	[33] = {.fixed = 6, .names = 1},			  /* SRV */
	[35] = {.fixed = 4, .strings = 3, .names = 1},		  /* NAPTR */
	[36] = {.fixed = 2, .names = 1},			  /* KX */
	[39] = {.names = 1},					  /* DNAME */
};

size_t rdata_first_name(const struct rdata_layout *layout, struct slice message, size_t offset)
{
	size_t at = offset + layout->fixed;

	for (unsigned left = layout->strings; left; left--) {
		if (at >= message.length)
			return 0;
		at += 1u + message.data[at];
	}
	return at < message.length ? at : 0;
}
