/* SPDX-License-Identifier: BSD-3-Clause */
/* One line of counters each interval (spec 5.5), to standard output or to a file as theirs. */
#include <string.h>

#include "aggregator/outputs/output.h"
#include "base/clock.h"

#define LINE_MAX_BYTES 1024

static const struct output_ops *way_of(const struct output *output)
{
	return *output->config->path ? &output_file : &output_stdout;
}

static bool open_output(struct output *output, char *error)
{
	return way_of(output)->open(output, error);
}

static void start(struct output *output)
{
	way_of(output)->start(output);
}

static void write_records(struct output *output)
{
	way_of(output)->write(output);
}

static void push_line(struct output *output)
{
	const struct output_host *host = output->host;
	char line[LINE_MAX_BYTES];
	size_t length = host->metrics_line(host->argument, output->config->is_cumulative, line,
					   sizeof(line) - 1);

	line[length] = '\n';
	output_push(output, line, length + 1);
}

static void tick(struct output *output, int64_t now_ns)
{
	int64_t interval_ns = output->config->interval_s * NANOSECONDS_PER_SECOND;

	if (!output->due_ns)
		output->due_ns = now_ns + interval_ns;
	if (now_ns >= output->due_ns) {
		push_line(output);
		output->due_ns += (1 + (now_ns - output->due_ns) / interval_ns) * interval_ns;
	}
	way_of(output)->tick(output, now_ns);
}

static void lent(struct output *output, enum lend what, int fd, const char *error)
{
	way_of(output)->lent(output, what, fd, error);
}

static bool is_idle(const struct output *output)
{
	return way_of(output)->is_idle(output);
}

static void close_output(struct output *output)
{
	way_of(output)->close(output);
}

const struct output_ops output_metrics = {
	.open = open_output,
	.start = start,
	.write = write_records,
	.tick = tick,
	.lent = lent,
	.is_idle = is_idle,
	.close = close_output,
};
