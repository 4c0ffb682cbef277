/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema.h"

#include <string.h>

#define NAME_MAX_LENGTH 64 /* longer ones are near nothing */
#define NEAR_DISTANCE	2  /* letters; half of the name at most */

#define AT(member) .offset = offsetof(struct config, member), .size = sizeof(config_default.member)

const struct config config_default = {
	.is_promiscuous = true,
	.share_count = 1,
	.worker_count = 1,
	.payload_max = 1500,
	.ring_mib = 128,
	.quarantine = "/var/lib/dnsflow/quarantine.pcap",
	.event_ring_mib = 8,
	.statistics =
		{
			.names = 16384,
			.domains = 8192,
			.clients = 16384,
			.tlds = 2048,
			.streams = 1,
			.memory_mib = 256,
			.tables = "hit/query\nhit/response\nlength/query\nlength/response\n"
				  "noerror/query\nnoerror/response\nnxdomain/response\n"
				  "servfail/response\nrefused/response\na/query\naaaa/query\n"
				  "https/query",
			.default_tables = "noerror/query\nnxdomain/response",
			.default_counters = "clients\ndomains\nquery\nresponse\nqps\n"
					    "response/noerror\nresponse/nxdomain",
			.max_items = 10,
			.suffix_list = "/usr/share/publicsuffix/public_suffix_list.dat",
			.query_timeout_ms = 5000,
		},
	.web.max_connections = 64,
};

const struct config_output config_output_default = {
	.sample_rate = 1,
	.filter = {.latency_ms_least = -1, .latency_ms_most = -1},
	.except = {.latency_ms_least = -1, .latency_ms_most = -1},
	.privacy = {.client_prefix4 = 32, .client_prefix6 = 128},
	.queue_mib = 4,
	.spool_mib = 64,
	.count = 10,
	.delimiter = "\n",
	.retry_s = 5,
	.facility = 3,
	.severity = 6,
	.app_name = "dnsflow",
	.interval_s = 300,
	.is_cumulative = true,
	.payload_max = 1472,
};

const struct setting settings[] = {
	{"interface", 'i', SETTING_TEXT, AT(interface), .argument = "NAME", .heading = "Input",
	 .help = "capture live on this interface (default: the first that is up, not loopback); "
		 "\"any\" for all",
	 .needs_restart = true},
	{"read", 'r', SETTING_TEXT, AT(read_file), .argument = "FILE",
	 .help = "read a capture file instead: pcap, pcapng, also gzip or zstd; \"-\" is standard "
		 "input",
	 .needs_restart = true},
	{"filter", 'f', SETTING_TEXT, AT(filter), .argument = "EXPRESSION",
	 .help = "capture what this pcap filter accepts, in place of the generated filter"},
	{"port", 'd', SETTING_PORTS, AT(ports), .argument = "PORT",
	 .help = "source port of DNS responses, up to 10 times (default 53)"},
	{"mdns", 'Y', SETTING_FLAG, AT(is_mdns), .help = "also source port 5353 (multicast DNS)"},
	{"no-promiscuous", 'p', SETTING_FLAG, AT(is_promiscuous),
	 .help = "leave the interface out of promiscuous mode"},
	{"sample", 's', SETTING_NUMBER, AT(sample_rate), .most = 65535, .argument = "N",
	 .help = "keep one packet in N, chosen at random (0 and 1: all)"},
	{"pcap-port", 'X', SETTING_NUMBER, AT(pcap_port), .most = 65535, .argument = "PORT",
	 .help = "UDP to this port carries pcap records: look inside"},
	{"jmirror-port", 'J', SETTING_NUMBER, AT(jmirror_port), .most = 65535, .argument = "PORT",
	 .help = "UDP to this port is Juniper jmirror (often 30030): look inside"},
	{"tunnels", 0, SETTING_TUNNELS, AT(tunnels), .argument = "LIST",
	 .help = "tunnels to look into: none, all, or some of "
		 "gre,erspan,vxlan,geneve,gtpu,ipip,6in4,\n"
		 "teredo (default: none live, all from files)"},
	{"ring-size", 0, SETTING_NUMBER, AT(ring_mib), .least = 1, .most = 65536, .argument = "MIB",
	 .help = "kernel ring of all workers together (default 128, at least 32 for each)",
	 .needs_restart = true},

	{"destination", 'u', SETTING_DESTINATIONS, AT(destinations), .argument = "HOST[:PORT]",
	 .heading = "Output",
	 .help = "send records to this address or name, up to 10 times (port 5300)",
	 .refusal = "invalid ip: "},
	{"write", 'w', SETTING_TEXT, AT(write_file), .argument = "FILE",
	 .help = "write the datagrams into a pcap file instead; with several workers FILE.0, "
		 "FILE.1, ...",
	 .needs_restart = true},
	{"max-payload", 0, SETTING_NUMBER, AT(payload_max), .least = 256, .most = 1500,
	 .argument = "BYTES",
	 .help = "largest UDP payload (default 1500; 1472 avoids IP fragments on Ethernet)"},
	{"segments", 0, SETTING_NUMBER, AT(segment_size), .least = 256, .most = 1500,
	 .argument = "BYTES",
	 .help = "fill datagrams to this one size and send many by one call, at a third of the "
		 "cost"},

	{"workers", 'M', SETTING_NUMBER, AT(worker_count), .most = CONFIG_WORKERS_MAX,
	 .argument = "N", .heading = "Processes",
	 .help = "capture workers, each pinned to a CPU; 0: half of the CPUs (default 1)"},
	{"checksum-split", 'c', SETTING_CHECKSUM, AT(split),
	 .help = "split among workers by UDP checksum: more even than by client address"},
	{"split", 0, SETTING_SPLIT, AT(split), .argument = "HOW",
	 .help = "destination (default), checksum (as -c) or flow (both directions together)"},
	{"share", 'm', SETTING_SHARE, AT(share_index), .argument = "I/N",
	 .help = "be share I of N daemons that divide the traffic (1/2, 2/2)",
	 .refusal = "invalid multiproc option -- "},
	{"user", 0, SETTING_TEXT, AT(user), .argument = "NAME",
	 .help = "unprivileged user of the workers (default dnsflow, else nobody)",
	 .needs_restart = true},
	{"pid-file", 'P', SETTING_TEXT, AT(pid_file), .argument = "FILE",
	 .help = "write the process id here and keep the file locked", .needs_restart = true},
	{"quarantine", 0, SETTING_TEXT, AT(quarantine), .argument = "FILE",
	 .help = "keep packets that ended a worker in this pcap file\n"
		 "(default /var/lib/dnsflow/quarantine.pcap)",
	 .needs_restart = true},
	{"control", 0, SETTING_TEXT, AT(control), .argument = "PATH",
	 .help = "socket for dnsflowctl, or none (default /run/dnsflow.sock; none with -r)",
	 .needs_restart = true},
	{"keep-state", 0, SETTING_FLAG, AT(keeps_state),
	 .help = "at the end leave rings, sockets and counters to the service manager, for the "
		 "next start"},
	{"config", 0, SETTING_TEXT, AT(config_file), .argument = "FILE",
	 .help = "take options from this YAML file; the command line has the last word",
	 .is_private = true, .needs_restart = true},
	{"verbose", 0, SETTING_FLAG, AT(is_verbose),
	 .help = "log more, and at the end every counter that is not zero"},

	{"input", 0, SETTING_INPUT, AT(input), .is_private = true, .needs_restart = true},
	{"link", 0, SETTING_NUMBER, AT(link), .most = UINT32_MAX, .is_private = true},
	{"jmirror-last", 0, SETTING_FLAG, AT(is_jmirror_last), .is_private = true},
	{"uid", 0, SETTING_NUMBER, AT(uid), .most = UINT32_MAX, .is_private = true,
	 .needs_restart = true},
	{"gid", 0, SETTING_NUMBER, AT(gid), .most = UINT32_MAX, .is_private = true,
	 .needs_restart = true},
};

const size_t settings_count = sizeof(settings) / sizeof(settings[0]);

_Static_assert(sizeof(settings) / sizeof(settings[0]) <= SETTINGS_MAX,
	       "sets of settings are arrays");

const struct setting *schema_find(const char *name)
{
	for (size_t i = 0; i < settings_count; i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

static unsigned int least_of(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Letters to insert, remove or replace, by the row of the matrix that the last letter of a made. */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[NAME_MAX_LENGTH + 1], diagonal, above;
	size_t length = strlen(b);

	for (size_t i = 0; i <= length; i++)
		row[i] = (unsigned int)i;
	for (; *a; a++) {
		diagonal = row[0]++;
		for (size_t i = 1; i <= length; i++) {
			above = row[i];
			row[i] = least_of(diagonal + (*a != b[i - 1]),
					  1 + least_of(above, row[i - 1]));
			diagonal = above;
		}
	}
	return row[length];
}

const struct setting *schema_find_near(const char *name)
{
	unsigned int distance, least = 1 + least_of(NEAR_DISTANCE, (unsigned int)strlen(name) / 2);
	const struct setting *nearest = NULL;

	if (strlen(name) > NAME_MAX_LENGTH)
		return NULL;
	for (size_t i = 0; i < settings_count; i++) {
		distance = settings[i].is_private ? least : edit_distance(settings[i].name, name);
		if (distance < least) {
			least = distance;
			nearest = &settings[i];
		}
	}
	return nearest;
}
