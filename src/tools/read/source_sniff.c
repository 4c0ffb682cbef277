/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/source.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "pcap/sniffer.h"
#include "tools/read/frames.h"

struct sniff_source {
	struct source source;
	struct sniffer *sniffer;
	struct frames *frames;
};

static enum source_result sniff_next(struct source *source, struct datagram *datagram)
{
	struct sniff_source *sniff = (struct sniff_source *)source;
	struct savefile_record record;

	switch (sniffer_next(sniff->sniffer, &record)) {
	case SNIFFER_FRAME:
		return frames_take(sniff->frames, &record, source, datagram);
	case SNIFFER_IDLE:
		return SOURCE_IDLE;
	default:
		snprintf(source->message, SOURCE_ERROR_BYTES, "capture failed: %.200s",
			 sniffer_error(sniff->sniffer));
		return SOURCE_FAILED;
	}
}

static uint64_t sniff_dropped(struct source *source)
{
	struct sniff_source *sniff = (struct sniff_source *)source;

	return sniffer_dropped(sniff->sniffer);
}

static void sniff_close(struct source *source)
{
	struct sniff_source *sniff = (struct sniff_source *)source;

	frames_free(sniff->frames);
	sniffer_close(sniff->sniffer);
	free(sniff);
}

static const struct source_ops sniff_ops = {
	.next = sniff_next,
	.dropped = sniff_dropped,
	.close = sniff_close,
};

struct source *source_open_sniff(const char *interface, const char *filter,
				 char error[SOURCE_ERROR_BYTES])
{
	struct sniffer *sniffer = sniffer_open(interface, filter, error);
	struct sniff_source *sniff;
	enum link_type link;

	if (!sniffer)
		return NULL;
	link = link_type_of_dlt(sniffer_dlt(sniffer));
	if (link == LINK_UNSUPPORTED) {
		snprintf(error, SOURCE_ERROR_BYTES, "%s: unsupported link type %d", interface,
			 sniffer_dlt(sniffer));
		sniffer_close(sniffer);
		return NULL;
	}
	sniff = xcalloc(1, sizeof(*sniff));
	sniff->source = (struct source){.ops = &sniff_ops, .fd = sniffer_fd(sniffer)};
	sniff->sniffer = sniffer;
	sniff->frames = frames_new(link);
	return &sniff->source;
}
