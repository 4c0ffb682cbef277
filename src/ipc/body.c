/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/body.h"

#include "base/hash.h"
#include "net/fragments.h"
#include "net/streams.h"

static size_t aligned(size_t size)
{
	return (size + 63) & ~(size_t)63;
}

void *body_fragments(struct body *body)
{
	return (char *)body + aligned(sizeof(*body));
}

void *body_streams(struct body *body)
{
	return (char *)body_fragments(body) +
	       aligned(fragments_memory_size(&fragments_default_limits));
}

size_t body_size(void)
{
	return aligned(sizeof(struct body)) +
	       aligned(fragments_memory_size(&fragments_default_limits)) +
	       aligned(streams_memory_size(&streams_default_limits));
}

uint64_t body_layout(void)
{
	static const struct hash_key key;
	const uint64_t shape[] = {
		BODY_VERSION,
		sizeof(struct body),
		sizeof(struct outbox_slot),
		offsetof(struct outbox_slot, payload),
		offsetof(struct outbox_batch, destinations),
		offsetof(struct outbox_batch, messages),
		offsetof(struct body, batch),
		OUTBOX_SLOTS,
		fragments_layout(&fragments_default_limits),
		streams_layout(&streams_default_limits),
		body_size(),
	};

	return hash_bytes(&key, shape, sizeof(shape)) | 1; /* never 0 */
}
