/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "tools/option/number.h"
#include "tools/read/source.h"

enum { OPTION_LISTEN = 256, OPTION_JSON, OPTION_DURATION, OPTION_VERSION };

static const struct option long_options[] = {
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"json", no_argument, NULL, OPTION_JSON},
	{"count", required_argument, NULL, 'c'},
	{"duration", required_argument, NULL, OPTION_DURATION},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

static const char usage[] =
	"usage: dnsflow-read [--listen [address:]port | -i interface | -r file] [options]\n"
	"  --listen [address:]port  receive datagrams (default: port 5300 of all addresses)\n"
	"  -i interface             capture datagrams that pass by an interface\n"
	"  -r file                  read a capture file, plain or compressed; - is standard input\n"
	"  -f expression            with -i: capture only what matches, too\n"
	"  -F expression            with -i: capture what matches, instead of\n"
	"                           \"" SOURCE_FILTER "\"\n"
	"  -s                       print statistics packets alone, each with its source's "
	"summary\n"
	"  -S                       print summaries alone, every 100,000 packets and at the end\n"
	"  --json                   print JSON, one object per line\n"
	"  -c, --count number       stop after so many data sets\n"
	"  --duration seconds       stop after so long\n"
	"  -h, --help               print this\n"
	"  --version                print the version\n";

/* "port", "192.0.2.1:port" or "[2001:db8::1]:port". */
static void listen_parse(struct endpoint *endpoint, const char *text)
{
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool is_bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
	char address[ADDRESS_TEXT_MAX] = "::";

	if (is_bracketed) {
		text++;
		length -= 2;
	}
	if (length >= sizeof(address))
		log_fatal("--listen: not an address: %s", text);
	if (length) {
		memcpy(address, text, length);
		address[length] = '\0';
	}
	if (!address_parse(address, &endpoint->address) ||
	    (length && is_bracketed != (endpoint->address.version == 6)))
		log_fatal("--listen: not an address: %s", address);
	endpoint->port = (uint16_t)number_parse("--listen", port, 1, UINT16_MAX);
}

static void __attribute__((noreturn)) print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void option_take(struct options *options, int option, const char *argument)
{
	switch (option) {
	case OPTION_LISTEN:
		listen_parse(&options->listen, argument);
		break;
	case 'i':
		options->interface = argument;
		break;
	case 'r':
		options->path = argument;
		break;
	case 'f':
		options->filter_more = argument;
		break;
	case 'F':
		options->filter = argument;
		break;
	case 's':
		options->is_stats_only = true;
		break;
	case 'S':
		options->is_summary_only = true;
		break;
	case 'c':
		options->set_count = number_parse("--count", argument, 1, INT64_MAX);
		break;
	case OPTION_JSON:
		options->is_json = true;
		break;
	case OPTION_DURATION:
		options->duration_ns = number_parse_seconds("--duration", argument);
		break;
	case OPTION_VERSION:
		print_and_exit("dnsflow-read " DNSFLOW_VERSION "\n");
	case 'h':
		print_and_exit(usage);
	default:
		exit(EXIT_FAILURE); /* getopt said why */
	}
}

static void options_check(struct options *options)
{
	bool is_listening = options->listen.address.version;

	if (!!options->interface + !!options->path + is_listening > 1)
		log_fatal("only one of --listen, -i and -r can be used");
	options->mode = options->interface ? READ_SNIFF : options->path ? READ_FILE : READ_LISTEN;
	if (options->mode == READ_LISTEN && (options->filter_more || options->filter))
		log_fatal("-f and -F need -i");
	if (options->mode == READ_LISTEN && !is_listening)
		options->listen = (struct endpoint){{.version = 6}, SOURCE_PORT};
}

void options_parse(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){0};
	while ((option = getopt_long(argc, argv, "i:r:f:F:sSc:h", long_options, NULL)) >= 0)
		option_take(options, option, optarg);
	if (optind < argc)
		log_fatal("unexpected argument: %s", argv[optind]);
	options_check(options);
}
