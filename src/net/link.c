/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/link.h"

#include <linux/if_ether.h>

#include "base/cursor.h"

enum link_type link_type_of_dlt(int dlt)
{
	switch (dlt) {
	case 0:
		return LINK_NULL;
	case 1:
		return LINK_ETHERNET;
	case 12:  /* DLT_RAW */
	case 101: /* LINKTYPE_RAW */
	case 228: /* LINKTYPE_IPV4 */
	case 229: /* LINKTYPE_IPV6 */
		return LINK_RAW;
	case 108:
		return LINK_LOOP;
	case 113:
		return LINK_SLL;
	case 276:
		return LINK_SLL2;
	default:
		return LINK_UNSUPPORTED;
	}
}

/* Every BSD has its own number for IPv6; Linux, 10, writes such files through tools that were
 * ported. */
static uint16_t ethertype_of_family(uint32_t family)
{
	switch (family) {
	case 2:
		return ETH_P_IP;
	case 10:
	case 24:
	case 28:
	case 30:
		return ETH_P_IPV6;
	default:
		return 0;
	}
}

static bool strip(struct slice frame, size_t header, size_t type_at, struct network *network)
{
	if (__builtin_expect(frame.length < header, 0))
		return false;
	network->ethertype = be16_load(frame.data + type_at);
	network->bytes = (struct slice){frame.data + header, frame.length - header};
	return true;
}

static bool strip_family(struct slice frame, bool is_any_order, struct network *network)
{
	uint32_t family;

	if (frame.length < 4)
		return false;
	family = be32_load(frame.data);
	if (is_any_order && family > UINT16_MAX)
		family = __builtin_bswap32(family);
	network->ethertype = ethertype_of_family(family);
	network->bytes = (struct slice){frame.data + 4, frame.length - 4};
	return true;
}

bool link_strip(enum link_type type, struct slice frame, struct network *network)
{
	switch (type) {
	case LINK_ETHERNET:
		return strip(frame, 14, 12, network);
	case LINK_COOKED:
		network->bytes = frame;
		return true;
	case LINK_SLL:
		return strip(frame, 16, 14, network);
	case LINK_SLL2:
		return strip(frame, 20, 0, network);
	case LINK_NULL:
		return strip_family(frame, true, network);
	case LINK_LOOP:
		return strip_family(frame, false, network);
	case LINK_RAW:
		network->ethertype = link_ip_ethertype(frame);
		network->bytes = frame;
		return frame.length > 0;
	case LINK_UNSUPPORTED:
		break;
	}
	return false;
}
