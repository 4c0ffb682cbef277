/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/capture/source.h"

#include <stdio.h>

#include "base/memory.h"

bool source_open(struct source *source, const struct config *config, struct capture *capture,
		 const struct state_watch *watch, int fd)
{
	static const struct source_ops *const inputs[] = {
		[CONFIG_INPUT_LIVE] = &source_ring,
		[CONFIG_INPUT_MAPPED] = &source_mapped,
		[CONFIG_INPUT_STREAM] = &source_stream,
		[CONFIG_INPUT_NONE] = &source_none,
	};

	*source = (struct source){
		.ops = inputs[config->input],
		.capture = capture,
		.watch = watch,
		.fd = fd,
	};
	return source->ops->open(source, config);
}

bool source_set_dlt(struct source *source, const struct config *config, int dlt)
{
	char error[256];

	source->link = link_type_of_dlt(dlt);
	if (source->link == LINK_UNSUPPORTED) {
		snprintf(source->error, sizeof(source->error), "Unsupported datalink: %d", dlt);
		return false;
	}
	if (!*config->filter)
		return true;
	source->capture->filter = xmalloc(sizeof(*source->capture->filter));
	if (!filter_compile(config->filter, dlt, source->capture->filter, error))
		return true;
	snprintf(source->error, sizeof(source->error), "filter: %.200s", error);
	return false;
}

void source_take_record(struct source *source, const struct savefile_record *record)
{
	struct capture *capture = source->capture;
	struct frame frame = {
		.bytes = record->frame,
		.time_ns = record->time_ns,
		.wire_length = record->wire_length,
		.link = source->link,
	};

	if (record->time_ns > capture->now_ns)
		capture->now_ns = record->time_ns;
	capture->outbox->now_ns = capture->now_ns;
	if (capture->observer)
		observer_tick(capture->observer, capture->now_ns);
	capture_frame(capture, &frame);
}
