/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/rebinding.h"

#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "net/address_scope.h"

/* ttl: where that of a record lies, behind its type and class, before its data's length. */
static bool is_private(const uint8_t *ttl)
{
	uint16_t type = be16_load(ttl - 4), length = be16_load(ttl + 4);
	struct address address = {0};

	if (type == DNS_TYPE_A && length == 4)
		address.version = 4;
	else if (type == DNS_TYPE_AAAA && length == 16)
		address.version = 6;
	else
		return false;
	memcpy(address.bytes, ttl + 6, length);
	return address_is_private(&address);
}

bool rebinding_is_in(struct slice message, const struct response *response)
{
	if (response->is_truncated)
		return false;
	for (uint32_t i = 0; i < response->answer_count && i < response->ttl_count; i++)
		if (is_private(message.data + response->ttls[i]))
			return true;
	return false;
}
