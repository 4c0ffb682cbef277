/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "net/fragments.h"

struct frames {
	enum link_type link;
	struct fragments *fragments;
	void *memory; /* of fragments; none of it is used before the first one comes */
	uint64_t step;
	int64_t now_ns; /* time of the packets, never going back */
};

static const struct decode_options no_tunnels;

static const char *const causes[] = {
	[DECODE_BAD_LINK] = "link layer",	[DECODE_BAD_IPV4] = "IPv4 header",
	[DECODE_BAD_IPV6] = "IPv6 header",	[DECODE_BAD_UDP] = "UDP header",
	[DECODE_TOO_DEEP] = "too many headers",
};

struct frames *frames_new(enum link_type link)
{
	size_t size = fragments_memory_size(&fragments_default_limits);
	struct frames *frames = xcalloc(1, sizeof(*frames));
	struct hash_key key;

	frames->link = link;
	frames->memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (frames->memory == MAP_FAILED || random_secret(&key, sizeof(key)) < 0)
		log_fatal("no memory or no random numbers");
	frames->fragments = fragments_open(frames->memory, &fragments_default_limits, &key, 0);
	return frames;
}

void frames_free(struct frames *frames)
{
	if (!frames)
		return;
	fragments_close(frames->fragments);
	munmap(frames->memory, fragments_memory_size(&fragments_default_limits));
	free(frames);
}

static enum decode_result fragment_take(struct frames *frames, struct packet *packet,
					int64_t time_ns)
{
	struct piece_counts counts = {0};
	struct packet whole;

	if (time_ns > frames->now_ns)
		frames->now_ns = time_ns;
	while (fragments_expire(frames->fragments, ++frames->step, frames->now_ns, &counts)) {
	}
	if (!fragments_add(frames->fragments, packet, ++frames->step, frames->now_ns, &whole,
			   &counts))
		return DECODE_FRAGMENT;
	*packet = whole;
	return decode_transport(&no_tunnels, packet);
}

static enum source_result frame_fail(const struct frames *frames, enum decode_result cause,
				     struct source *source)
{
	source->error = "PARSE_ERROR";
	if (frames->link == LINK_ETHERNET)
		source->error = "ETHERNET-PARSE-FAILED";
	if (frames->link == LINK_NULL || frames->link == LINK_LOOP)
		source->error = "LOOPBACK-PARSE-FAILED";
	snprintf(source->message, SOURCE_ERROR_BYTES, "%s", causes[cause]);
	return SOURCE_BAD_FRAME;
}

enum source_result frames_take(struct frames *frames, const struct savefile_record *record,
			       struct source *source, struct datagram *datagram)
{
	bool is_cut = record->frame.length < record->wire_length;
	enum decode_result result = DECODE_BAD_LINK;
	struct network network;
	struct packet packet = {0};

	if (link_strip(frames->link, record->frame, &network))
		result = decode_network(&no_tunnels, &network, is_cut, &packet);
	if (result == DECODE_FRAGMENT)
		result = fragment_take(frames, &packet, record->time_ns);
	switch (result) {
	case DECODE_UDP:
		if (packet.destination_port != SOURCE_PORT)
			return SOURCE_OTHER;
		datagram->exporter = (struct endpoint){packet.source, packet.source_port};
		datagram->time_ns = record->time_ns;
		datagram->payload = packet.payload;
		return SOURCE_DATAGRAM;
	case DECODE_BAD_LINK:
	case DECODE_BAD_IPV4:
	case DECODE_BAD_IPV6:
	case DECODE_BAD_UDP:
	case DECODE_TOO_DEEP:
		return frame_fail(frames, result, source);
	default:
		return SOURCE_OTHER;
	}
}
