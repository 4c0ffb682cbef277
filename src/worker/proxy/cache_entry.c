/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/cache_entry.h"

#include "dns/message.h"

static uint8_t *put(uint8_t *at, const void *bytes, size_t length)
{
	if (length)
		memcpy(at, bytes, length);
	return at + length;
}

void cache_entry_write(struct cache_entry *entry, uint64_t hash, const struct cache_key *key,
		       const struct cache_answer *answer, uint32_t now_s)
{
	uint8_t *at;

	entry->hash = hash;
	entry->what = cache_entry_what(key);
	entry->group = key->group;
	entry->born_s = now_s;
	entry->ttl_s = answer->ttl_s;
	entry->extended_error = answer->extended_error;
	entry->rcode = answer->rcode;
	entry->ttl_count = answer->ttl_count;
	entry->message_length = (uint16_t)answer->message.length;
	put(entry->name, key->name.data, key->name.length);
	at = entry->name + CACHE_ENTRY_ROUND(key->name.length, 2u);
	at = put(at, answer->ttls, answer->ttl_count * sizeof(*answer->ttls));
	put(at, answer->message.data, answer->message.length);
	/* Servers are asked in any case of letters; kept in the key's, it is told apart at once. */
	if (answer->message.length >= DNS_HEADER_SIZE + key->name.length)
		put(at + DNS_HEADER_SIZE, key->name.data, key->name.length);
}

/* Labels are followed no further than the name reaches. */
bool cache_entry_is_within(const struct cache_entry *entry, struct slice name)
{
	struct slice left = cache_entry_name(entry);

	while (left.length > name.length && left.data[0] < left.length) {
		size_t label = 1u + left.data[0];

		left = (struct slice){left.data + label, left.length - label};
	}
	return left.length == name.length && !memcmp(left.data, name.data, name.length);
}
