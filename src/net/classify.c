/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/classify.h"

#include <string.h>

#include "base/cursor.h"
#include "net/decode.h"

struct classify_view {
	struct slice bytes;
};

static inline int classify_load(const struct classify_view *view, __u32 offset, void *to,
				__u32 length)
{
	if (__builtin_expect((size_t)offset + length > view->bytes.length, 0))
		return -1;
	memcpy(to, view->bytes.data + offset, length);
	return 0;
}

#include "bpf/classify.h"

struct classification classify_network(const struct capture_settings *settings,
				       const struct network *network)
{
	struct classify_view view = {network->bytes};
	struct classification result;

	result.is_admitted = classify(&view, network->ethertype, settings, &result.key);
	return result;
}

static void load_address(const struct address *address, __u64 words[2])
{
	if (address->version == 4)
		words[0] = be32_load(address->bytes);
	else
		memcpy(words, address->bytes, sizeof(address->bytes));
}

uint32_t classify_addresses(const struct address *source, const struct address *destination)
{
	struct classify_packet packet = {0};

	load_address(source, packet.source);
	load_address(destination, packet.destination);
	return classify_addresses_key(&packet);
}
