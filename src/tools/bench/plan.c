/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/plan.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "dns/code.h"
#include "dns/message.h"
#include "tools/bench/flight.h"
#include "tools/option/number.h"

#define PORT_DEFAULT	    53
#define UDP_SOCKETS_DEFAULT 32
#define TCP_SOCKETS_DEFAULT 8 /* servers allow few: unbound 10 */
#define TIMEOUT_DEFAULT_MS  1000
#define TIMEOUT_MAX_MS	    3600000
#define RATE_MAX	    100000000

enum {
	OPTION_NAMES = 256,
	OPTION_TYPE,
	OPTION_TCP,
	OPTION_SOCKETS,
	OPTION_TIMEOUT,
	OPTION_DURATION,
	OPTION_RATE,
	OPTION_PROGRESS,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{"server", required_argument, NULL, 's'},
	{"concurrency", required_argument, NULL, 'n'},
	{"limit", required_argument, NULL, 'l'},
	{"benchmark", no_argument, NULL, 'b'},
	{"names", required_argument, NULL, OPTION_NAMES},
	{"type", required_argument, NULL, OPTION_TYPE},
	{"tcp", no_argument, NULL, OPTION_TCP},
	{"sockets", required_argument, NULL, OPTION_SOCKETS},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"duration", required_argument, NULL, OPTION_DURATION},
	{"rate", required_argument, NULL, OPTION_RATE},
	{"progress", no_argument, NULL, OPTION_PROGRESS},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

static const char usage[] =
	"usage: dnsflow-bench -s address[:port] [options]\n"
	"  -s, --server address[:port]  the server to benchmark: 192.0.2.1:5300, [2001:db8::1]:53\n"
	"                               (port 53 when none is given)\n"
	"  -n, --concurrency number     queries in flight (1)\n"
	"  -l, --limit number           queries in all, going round the names when there are "
	"fewer\n"
	"                               (0: each name once)\n"
	"  --names file                 ask these, a name or rank,name a line; - is standard "
	"input\n"
	"  --type type                  what to ask for (A)\n"
	"  --tcp                        over TCP\n"
	"  --sockets number             UDP sockets (32) or TCP connections (8) to ask from\n"
	"  --timeout milliseconds       to wait for an answer (1000)\n"
	"  --duration seconds           go round the names for so long\n"
	"  --rate number                queries a second (0: as fast as answers come)\n"
	"  --progress                   tell every second how it goes, also where no terminal is\n"
	"  -b, --benchmark              nothing: for those who are used to Sentry\n"
	"  -h, --help                   print this\n"
	"  --version                    print the version\n";

static void server_parse(struct endpoint *server, const char *text)
{
	if (!config_parse_endpoint(text, server))
		log_fatal("--server: neither address nor address:port: %s", text);
	if (!server->address.version)
		log_fatal("server name must be an ip not DNS name, you gave us: %s", text);
	if (!server->port)
		server->port = PORT_DEFAULT;
}

static void __attribute__((noreturn)) print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void option_take(struct plan *plan, int option, const char *argument)
{
	switch (option) {
	case 's':
		server_parse(&plan->server, argument);
		break;
	case 'n':
		plan->concurrency =
			(uint32_t)number_parse("--concurrency", argument, 1, PLAN_CONCURRENCY_MAX);
		break;
	case 'l':
		plan->limit = number_parse("--limit", argument, 0, INT64_MAX);
		break;
	case 'b':
		break;
	case OPTION_NAMES:
		plan->names = argument;
		break;
	case OPTION_TYPE:
		if (!dns_type_parse(argument, &plan->type) || !plan->type)
			log_fatal("--type: not a type: %s", argument);
		break;
	case OPTION_TCP:
		plan->is_tcp = true;
		break;
	case OPTION_SOCKETS:
		plan->sockets = (uint32_t)number_parse("--sockets", argument, 1, PLAN_SOCKETS_MAX);
		break;
	case OPTION_TIMEOUT:
		plan->timeout_ns = NANOSECONDS_PER_MILLISECOND *
				   (int64_t)number_parse("--timeout", argument, 1, TIMEOUT_MAX_MS);
		break;
	case OPTION_DURATION:
		plan->duration_ns = number_parse_seconds("--duration", argument);
		break;
	case OPTION_RATE:
		plan->rate = number_parse("--rate", argument, 0, RATE_MAX);
		break;
	case OPTION_PROGRESS:
		plan->wants_progress = true;
		break;
	case OPTION_VERSION:
		print_and_exit("dnsflow-bench " DNSFLOW_VERSION "\n");
	case 'h':
		print_and_exit(usage);
	default:
		exit(EXIT_FAILURE); /* getopt said why */
	}
}

/* Spec 1: this one on standard output, as it stands. */
static void __attribute__((noreturn)) server_demand(void)
{
	puts("please specify the server to benchmark with --server");
	exit(EXIT_FAILURE);
}

static void plan_check(struct plan *plan)
{
	if (!plan->server.address.version)
		server_demand();
	if (!plan->sockets)
		plan->sockets = plan->is_tcp ? TCP_SOCKETS_DEFAULT : UDP_SOCKETS_DEFAULT;
	if (plan->sockets > plan->concurrency)
		plan->sockets = plan->concurrency;
	if (plan->concurrency > plan->sockets * (uint64_t)FLIGHT_LANE_MAX)
		log_fatal("--sockets: %u are too few for %u queries in flight, of which each takes "
			  "%u",
			  plan->sockets, plan->concurrency, FLIGHT_LANE_MAX);
}

void plan_parse(struct plan *plan, int argc, char **argv)
{
	int option;

	*plan = (struct plan){
		.concurrency = 1,
		.type = DNS_TYPE_A,
		.timeout_ns = TIMEOUT_DEFAULT_MS * NANOSECONDS_PER_MILLISECOND,
		.wants_progress = isatty(STDERR_FILENO),
	};
	while ((option = getopt_long(argc, argv, "s:n:l:bh", long_options, NULL)) >= 0)
		option_take(plan, option, optarg);
	if (optind < argc)
		log_fatal("unexpected argument: %s", argv[optind]);
	plan_check(plan);
}
