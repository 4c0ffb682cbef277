/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/cache_flush.h"

#include <string.h>

#include "ipc/commit.h"

void cache_flush_order(struct state_watch *watch, const struct state_head *head, struct slice name)
{
	bool has_followed = state_get(head, STATE_CACHE_EPOCH) == watch->cache_epoch;
	size_t length = has_followed ? name.length : 0;

	if (length)
		memcpy(watch->cache_name, name.data, length);
	__atomic_store_n(&watch->cache_name_length, length, __ATOMIC_RELAXED);
	__atomic_store_n(&watch->cache_epoch, watch->cache_epoch + 1, __ATOMIC_RELEASE);
}

bool cache_flush_find(const struct state_watch *watch, const struct state_head *head,
		      struct cache_flush *flush)
{
	uint64_t followed = state_get(head, STATE_CACHE_EPOCH), length;

	flush->epoch = __atomic_load_n(&watch->cache_epoch, __ATOMIC_ACQUIRE);
	length = __atomic_load_n(&watch->cache_name_length, __ATOMIC_RELAXED);
	flush->length = 0;
	if (flush->epoch == followed)
		return false;
	if (flush->epoch != followed + 1 || length > sizeof(flush->name))
		return true;
	memcpy(flush->name, watch->cache_name, length);
	if (name_wire_length((struct slice){flush->name, length}) == length)
		flush->length = (uint8_t)length;
	return true;
}

void cache_flush_commit(struct state_head *head, const struct cache_flush *flush)
{
	commit_set(head, STATE_CACHE_EPOCH, flush->epoch);
	commit_apply(head);
}
