/* SPDX-License-Identifier: BSD-3-Clause */
/* A record of a ring that nobody trusts. What is taken from it is written again the same. */
#include <assert.h>
#include <string.h>

#include "dns/name.h"
#include "ipc/event_codec.h"
#include "ipc/ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t encoded[RING_RECORD_MAX], again[RING_RECORD_MAX];
	char text[DNS_NAME_TEXT_MAX];
	struct event event;
	uint32_t length;

	if (size > RING_RECORD_MAX || !event_decode((struct slice){data, size}, &event))
		return 0;
	length = event_encoded_length(&event);
	assert(length == size);
	event_encode(&event, encoded);
	assert(event_decode((struct slice){encoded, length}, &event));
	event_encode(&event, again);
	assert(!memcmp(encoded, again, length));
	if (event.qname.length)
		assert(name_format(event.qname.data, text) == strlen(text));
	assert(strcmp(event_kind_name(event.kind), "-"));
	assert(strcmp(event_protocol_name(event.protocol), "-"));
	return 0;
}
