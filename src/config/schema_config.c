/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema.h"

#define AT(member)                                                                        \
	.offset = offsetof(struct config, member), .size = sizeof(config_default.member), \
	.usual = &config_default.member

const struct config config_default = {
	.split = CONFIG_SPLIT_AUTO,
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

static const char *const split_words[] = {"destination", "checksum", "flow", "auto", NULL};
/* In the order of their bits. */
static const char *const tunnel_words[] = {"gre",  "erspan", "vxlan",  "geneve", "gtpu",
					   "ipip", "6in4",   "teredo", NULL};
static const char *const input_words[] = {"live", "mapped", "stream", NULL};

static const struct setting settings[] = {
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
	{"pcap-port", 'X', SETTING_TUNNEL_PORT, AT(pcap_port), .most = 65535, .argument = "PORT",
	 .help = "UDP to this port carries pcap records: look inside"},
	{"jmirror-port", 'J', SETTING_TUNNEL_PORT, AT(jmirror_port), .most = 65535,
	 .argument = "PORT",
	 .help = "UDP to this port is Juniper jmirror (often 30030): look inside"},
	{"tunnels", 0, SETTING_TUNNELS, AT(tunnels), .words = tunnel_words, .argument = "LIST",
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

	{"identity", 0, SETTING_TEXT, AT(identity), .argument = "NAME", .heading = "Events",
	 .help = "what the captured stream is called (default: the interface or file)"},
	{"own-address", 0, SETTING_LIST, AT(own_address), .argument = "ADDRESS",
	 .help = "address of the server that is watched; tells client from resolver messages"},
	{"event-ring", 0, SETTING_POWER, AT(event_ring_mib), .least = 1, .most = 1024,
	 .argument = "MIB", .help = "memory for events of each worker, a power of two (default 8)",
	 .needs_restart = true},
	{"outputs", 0, SETTING_OUTPUTS, AT(outputs), .option = "output",
	 .argument = "TYPE[,KEY=VALUE]...",
	 .help = "write events: stdout, file, tcp, syslog, metrics or records, up to 16 times;\n"
		 "keys as in dnsflow.conf(5), with \\, for a comma in a value"},

	{"statistics.enable", 0, SETTING_FLAG, AT(statistics.is_enabled), .heading = "Statistics",
	 .help = "count even if neither the web API nor an output needs it"},
	{"statistics.names", 0, SETTING_NUMBER, AT(statistics.names), .least = 16, .most = 1 << 24,
	 .argument = "N", .help = "names in the table of the most frequent (default 16384)"},
	{"statistics.domains", 0, SETTING_NUMBER, AT(statistics.domains), .least = 16,
	 .most = 1 << 24, .argument = "N", .help = "registered domains in theirs (default 8192)"},
	{"statistics.clients", 0, SETTING_NUMBER, AT(statistics.clients), .least = 16,
	 .most = 1 << 24, .argument = "N", .help = "clients in theirs (default 16384)"},
	{"statistics.tlds", 0, SETTING_NUMBER, AT(statistics.tlds), .least = 16, .most = 1 << 24,
	 .argument = "N", .help = "top-level domains in theirs (default 2048)"},
	{"statistics.streams", 0, SETTING_NUMBER, AT(statistics.streams), .least = 1, .most = 63,
	 .argument = "N", .help = "streams of other servers that are told apart (default 1)"},
	{"statistics.memory", 0, SETTING_NUMBER, AT(statistics.memory_mib), .least = 16,
	 .most = 1048576, .argument = "MIB",
	 .help = "the most that the aggregator may use (default 256)"},
	{"statistics.tables", 0, SETTING_LIST, AT(statistics.tables), .argument = "WHAT/DIRECTION",
	 .help = "what is counted for each name, such as nxdomain/response"},
	{"statistics.default-tables", 0, SETTING_LIST, AT(statistics.default_tables),
	 .argument = "WHAT/DIRECTION", .help = "of those, what /tables shows unasked"},
	{"statistics.default-counters", 0, SETTING_LIST, AT(statistics.default_counters),
	 .argument = "COUNTER", .help = "what /counters shows unasked"},
	{"statistics.max-items", 0, SETTING_NUMBER, AT(statistics.max_items), .least = 1,
	 .most = 1000, .argument = "N", .help = "lines of a table unless asked (default 10)"},
	{"statistics.keep-case", 0, SETTING_FLAG, AT(statistics.keeps_case),
	 .help = "names that differ in case alone are different"},
	{"statistics.public-suffix-list", 0, SETTING_TEXT, AT(statistics.suffix_list),
	 .argument = "FILE", .help = "tells registered domains"},
	{"statistics.query-timeout", 0, SETTING_NUMBER, AT(statistics.query_timeout_ms),
	 .least = 10, .most = 600000, .argument = "MS",
	 .help = "a query without response for so long is unanswered (default 5000)"},

	{"web.listen", 0, SETTING_TEXT, AT(web.listen), .argument = "[ADDRESS:]PORT",
	 .heading = "Web API",
	 .help = "serve counters, tables and metrics over HTTP, on loopback unless it asks who is "
		 "there"},
	{"web.endpoint", 0, SETTING_ENDPOINT, AT(web.endpoint), .is_private = true},
	{"web.login", 0, SETTING_TEXT, AT(web.login), .argument = "NAME",
	 .help = "user of HTTP Basic authentication"},
	{"web.password-file", 0, SETTING_TEXT, AT(web.password_file), .argument = "FILE",
	 .help = "holds that user's password"},
	{"web.api-key-file", 0, SETTING_TEXT, AT(web.api_key_file), .argument = "FILE",
	 .help = "holds the key that X-API-Key must have"},
	{"web.certificate", 0, SETTING_TEXT, AT(web.certificate), .argument = "FILE",
	 .help = "speak HTTPS with this chain, in PEM"},
	{"web.key", 0, SETTING_TEXT, AT(web.key), .argument = "FILE", .help = "and this key"},
	{"web.hosts", 0, SETTING_LIST, AT(web.hosts), .argument = "NAME",
	 .help = "name by which it may be asked, beside its address"},
	{"web.max-connections", 0, SETTING_NUMBER, AT(web.max_connections), .least = 1,
	 .most = 1024, .argument = "N", .help = "at one time (default 64)"},

	{"geoip.city-database", 0, SETTING_TEXT, AT(geoip.city_database), .argument = "FILE",
	 .heading = "GeoIP", .help = "country and city of clients, from this MaxMind file"},
	{"geoip.asn-database", 0, SETTING_TEXT, AT(geoip.asn_database), .argument = "FILE",
	 .help = "autonomous systems of clients"},
	{"geoip.country-iso", 0, SETTING_FLAG, AT(geoip.is_country_iso),
	 .help = "countries as their two letters"},

	{"workers", 'M', SETTING_NUMBER, AT(worker_count), .most = CONFIG_WORKERS_MAX,
	 .argument = "N", .heading = "Processes",
	 .help = "capture workers, each pinned to a CPU; 0: half of the CPUs (default 1)"},
	{"checksum-split", 'c', SETTING_CHECKSUM, AT(split),
	 .help = "split among workers by UDP checksum: more even than by client address"},
	{"split", 0, SETTING_WORD, AT(split), .words = split_words, .argument = "HOW",
	 .help = "destination, checksum (as -c), flow (both directions together) or "
		 "auto\n(default: flow for statistics and outputs, else destination)"},
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

	{"input", 0, SETTING_WORD, AT(input), .words = input_words, .is_private = true,
	 .needs_restart = true},
	{"link", 0, SETTING_NUMBER, AT(link), .most = UINT32_MAX, .is_private = true},
	{"jmirror-last", 0, SETTING_FLAG, AT(is_jmirror_last), .is_private = true},
	{"uid", 0, SETTING_NUMBER, AT(uid), .most = UINT32_MAX, .is_private = true,
	 .needs_restart = true},
	{"gid", 0, SETTING_NUMBER, AT(gid), .most = UINT32_MAX, .is_private = true,
	 .needs_restart = true},
};

const struct schema schema_config = {settings, sizeof(settings) / sizeof(settings[0])};

_Static_assert(sizeof(settings) / sizeof(settings[0]) <= SETTINGS_MAX,
	       "sets of settings are arrays");
