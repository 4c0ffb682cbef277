/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/body.h"

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
