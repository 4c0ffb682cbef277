/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "aggregator/outputs/output.h"
#include "aggregator/outputs/sender.h"
#include "base/memory.h"

/* Records with a delimiter, over TCP or TLS. */

static int frame(void *argument, uint32_t number, const struct iovec *record, struct iovec *parts)
{
	const struct output *output = argument;
	const char *delimiter = output->config->delimiter;

	(void)number;
	parts[0] = *record;
	parts[1] = (struct iovec){(void *)delimiter, strlen(delimiter)};
	return 2;
}

static bool open_output(struct output *output, char *error)
{
	output->own = xcalloc(1, sizeof(struct sender));
	return sender_init(output->own, output, error);
}

static void start(struct output *output)
{
	sender_start(output->own, frame, output);
}

static void write_records(struct output *output)
{
	sender_write(output->own);
}

static void tick(struct output *output, int64_t now_ns)
{
	sender_tick(output->own, now_ns);
}

static bool is_idle(const struct output *output)
{
	return sender_is_idle(output->own);
}

static void close_output(struct output *output)
{
	sender_fini(output->own);
}

const struct output_ops output_tcp = {
	.open = open_output,
	.start = start,
	.write = write_records,
	.tick = tick,
	.is_idle = is_idle,
	.close = close_output,
};
