/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/event_codec.h"

#include <assert.h>
#include <string.h>

#include "dns/name.h"
#include "ipc/ring.h"

#define PART_ALIGNMENT 8

/* Behind it: name, identity and message, each filled with zeros to whole words. */
struct event_head {
	int64_t time_ns;
	int64_t latency_ns;
	uint8_t query_address[16];
	uint8_t response_address[16];
	uint32_t length;
	uint32_t message_length;
	uint16_t query_port;
	uint16_t response_port;
	uint16_t id;
	uint16_t flags;
	uint16_t rcode;
	uint16_t type;
	uint16_t class;
	uint16_t rule;
	uint8_t query_version;
	uint8_t response_version;
	uint8_t kind;
	uint8_t protocol;
	uint8_t verdict;
	uint8_t is_unanswered;
	uint8_t qname_length;
	uint8_t identity_length;
};

_Static_assert(sizeof(struct event_head) == 80, "both sides of a ring agree on it");

static inline size_t part_size(size_t length)
{
	return (length + PART_ALIGNMENT - 1) & ~(size_t)(PART_ALIGNMENT - 1);
}

_Static_assert(sizeof(struct event_head) + DNS_NAME_MAX + EVENT_IDENTITY_MAX + EVENT_MESSAGE_MAX +
			       3 * PART_ALIGNMENT <=
		       RING_RECORD_MAX,
	       "every event fits into a record");

uint32_t event_encoded_length(const struct event *event)
{
	return (uint32_t)(sizeof(struct event_head) + part_size(event->qname.length) +
			  part_size(event->identity.length) + part_size(event->message.length));
}

static inline uint8_t *part_put(uint8_t *out, struct slice part)
{
	size_t size = part_size(part.length);

	if (!size)
		return out;
	memset(out + size - PART_ALIGNMENT, 0, PART_ALIGNMENT);
	memcpy(out, part.data, part.length);
	return out + size;
}

void event_encode(const struct event *event, uint8_t *out)
{
	struct event_head head = {
		.time_ns = event->time_ns,
		.latency_ns = event->latency_ns,
		.length = event->length,
		.message_length = (uint32_t)event->message.length,
		.query_port = event->query_port,
		.response_port = event->response_port,
		.id = event->id,
		.flags = event->flags,
		.rcode = event->rcode,
		.type = event->type,
		.class = event->class,
		.rule = event->rule,
		.query_version = event->query_address.version,
		.response_version = event->response_address.version,
		.kind = event->kind,
		.protocol = event->protocol,
		.verdict = event->verdict,
		.is_unanswered = event->is_unanswered,
		.qname_length = (uint8_t)event->qname.length,
		.identity_length = (uint8_t)event->identity.length,
	};

	assert(event->qname.length <= DNS_NAME_MAX);
	assert(event->identity.length <= EVENT_IDENTITY_MAX);
	assert(event->message.length <= EVENT_MESSAGE_MAX);
	memcpy(head.query_address, event->query_address.bytes, sizeof(head.query_address));
	memcpy(head.response_address, event->response_address.bytes, sizeof(head.response_address));
	memcpy(out, &head, sizeof(head));
	out = part_put(out + sizeof(head), event->qname);
	out = part_put(out, event->identity);
	part_put(out, event->message);
}

static inline bool address_get(const uint8_t *bytes, uint8_t version, struct address *address)
{
	static const uint8_t zeros[16];

	memcpy(address->bytes, bytes, sizeof(address->bytes));
	address->version = version;
	switch (version) {
	case 6:
		return true;
	case 4:
		return !memcmp(bytes + 4, zeros, 12);
	case 0:
		return !memcmp(bytes, zeros, 16);
	default:
		return false;
	}
}

static inline bool is_head_valid(const struct event_head *head, size_t record_length)
{
	return head->kind >= EVENT_AUTH_QUERY && head->kind < EVENT_KIND_END &&
	       head->protocol >= EVENT_UDP && head->protocol < EVENT_PROTOCOL_END &&
	       head->verdict < EVENT_VERDICT_END && head->is_unanswered <= 1 &&
	       head->message_length <= EVENT_MESSAGE_MAX &&
	       record_length == sizeof(*head) + part_size(head->qname_length) +
					part_size(head->identity_length) +
					part_size(head->message_length);
}

static inline struct slice part_get(const uint8_t **at, size_t length)
{
	struct slice part = {*at, length};

	*at += part_size(length);
	return part;
}

bool event_decode(struct slice record, struct event *event)
{
	const uint8_t *at = record.data + sizeof(struct event_head);
	struct event_head head;

	if (record.length < sizeof(head))
		return false;
	memcpy(&head, record.data, sizeof(head));
	if (!is_head_valid(&head, record.length) ||
	    !address_get(head.query_address, head.query_version, &event->query_address) ||
	    !address_get(head.response_address, head.response_version, &event->response_address))
		return false;
	event->time_ns = head.time_ns;
	event->latency_ns = head.latency_ns;
	event->query_port = head.query_port;
	event->response_port = head.response_port;
	event->id = head.id;
	event->flags = head.flags;
	event->rcode = head.rcode;
	event->type = head.type;
	event->class = head.class;
	event->rule = head.rule;
	event->kind = head.kind;
	event->protocol = head.protocol;
	event->verdict = head.verdict;
	event->is_unanswered = head.is_unanswered;
	event->length = head.length;
	event->qname = part_get(&at, head.qname_length);
	event->identity = part_get(&at, head.identity_length);
	event->message = part_get(&at, head.message_length);
	return name_wire_length(event->qname) == event->qname.length;
}
