/* SPDX-License-Identifier: BSD-3-Clause */
/* dnsflow-read: receives dnsflow datagrams, or finds them in a capture, and prints them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "tools/option/stop.h"
#include "tools/read/options.h"
#include "tools/read/output.h"
#include "tools/read/print.h"
#include "tools/read/session.h"
#include "tools/read/source.h"

static struct output output;

/* What is captured: the default, with -f too, or -F alone. The caller frees it. */
static char *filter_new(const struct options *options)
{
	char *filter;

	if (!options->filter_more)
		return xstrdup(options->filter ? options->filter : SOURCE_FILTER);
	if (asprintf(&filter, "(" SOURCE_FILTER ") and (%s)", options->filter_more) < 0)
		log_fatal("out of memory");
	return filter;
}

static struct source *source_open(const struct options *options, const char *filter, char *error)
{
	switch (options->mode) {
	case READ_SNIFF:
		return source_open_sniff(options->interface, filter, error);
	case READ_FILE:
		return source_open_file(options->path, error);
	default:
		return source_open_listen(&options->listen, error);
	}
}

/* Spec 11.1: a file is read unfiltered. */
static void filter_refuse(const struct options *options)
{
	const char *line = "\nERROR: Only support default filter " SOURCE_FILTER
			   " when reading from PCAP.\n\n";

	if (!options->is_json)
		output_text(&output, line);
	else
		print_json.error(&output, "ERROR",
				 "Only support default filter " SOURCE_FILTER
				 " when reading from PCAP.");
	output_flush(&output);
	exit(EXIT_FAILURE);
}

static void start_tell(const struct options *options, const char *filter)
{
	char endpoint[ENDPOINT_TEXT_MAX];

	if (options->mode == READ_LISTEN)
		log_info("listening on %s", endpoint_format(&options->listen, endpoint));
	if (options->mode != READ_SNIFF)
		return;
	if (options->is_json)
		log_info("Listening on %s: %s", options->interface, filter);
	else
		output_format(&output, "Listening on %.64s: %.4096s\n", options->interface, filter);
	output_flush(&output);
}

int main(int argc, char **argv)
{
	char error[SOURCE_ERROR_BYTES];
	struct options options;
	struct source *source;
	char *filter;
	int status;

	log_set_role("dnsflow-read");
	options_parse(&options, argc, argv);
	filter = filter_new(&options);
	output_init(&output, STDOUT_FILENO);
	if (stop_open() < 0)
		log_fatal("signals cannot be handled");
	(options.is_json ? &print_json : &print_text)->start(&output);
	if (options.mode == READ_FILE && strcmp(filter, SOURCE_FILTER))
		filter_refuse(&options);
	source = source_open(&options, filter, error);
	if (!source && stop_is_wanted())
		return EXIT_SUCCESS; /* it was still waiting for the head of a pipe */
	if (!source)
		log_fatal("%s", error);
	start_tell(&options, filter);
	status = session_run(&options, source, &output);
	source->ops->close(source);
	free(filter);
	return status;
}
