/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/decode.h"

#define AT(member) .offset = offsetof(struct config, member), .size = sizeof(config_default.member)

const struct config config_default = {
	.is_promiscuous = true,
	.share_count = 1,
	.worker_count = 1,
	.payload_max = 1500,
	.ring_mib = 128,
};

const char *const setting_tunnel_names[] = {"gre",  "erspan", "vxlan",	"geneve", "gtpu",
					    "ipip", "6in4",   "teredo", NULL};

const struct setting settings[] = {
	{"interface", 'i', SETTING_TEXT, AT(interface), .argument = "NAME", .heading = "Input",
	 .help = "capture live on this interface (default: the first that is up, not loopback); "
		 "\"any\" for all"},
	{"read", 'r', SETTING_TEXT, AT(read_file), .argument = "FILE",
	 .help = "read a capture file instead: pcap, pcapng, also gzip or zstd; \"-\" is standard "
		 "input"},
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
	 .help = "kernel ring of all workers together (default 128, at least 32 for each)"},

	{"destination", 'u', SETTING_DESTINATIONS, AT(destinations), .argument = "HOST[:PORT]",
	 .heading = "Output",
	 .help = "send records to this address or name, up to 10 times (port 5300)"},
	{"write", 'w', SETTING_TEXT, AT(write_file), .argument = "FILE",
	 .help = "write the datagrams into a pcap file instead; with several workers FILE.0, "
		 "FILE.1, ..."},
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
	 .help = "be share I of N daemons that divide the traffic (1/2, 2/2)"},
	{"user", 0, SETTING_TEXT, AT(user), .argument = "NAME",
	 .help = "unprivileged user of the workers (default dnsflow, else nobody)"},
	{"pid-file", 'P', SETTING_TEXT, AT(pid_file), .argument = "FILE",
	 .help = "write the process id here and keep the file locked"},
	{"verbose", 0, SETTING_FLAG, AT(is_verbose),
	 .help = "log more, and at the end every counter that is not zero"},

	{"input", 0, SETTING_INPUT, AT(input)},
	{"jmirror-last", 0, SETTING_FLAG, AT(is_jmirror_last)},
	{"uid", 0, SETTING_NUMBER, AT(uid), .most = UINT32_MAX},
	{"gid", 0, SETTING_NUMBER, AT(gid), .most = UINT32_MAX},
};

const size_t settings_count = sizeof(settings) / sizeof(settings[0]);

const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < settings_count; i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

static bool fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(char *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, CONFIG_ERROR_MAX, format, arguments);
	va_end(arguments);
	return false;
}

/* Base 0 as strtol knows it: decimal, 0x.., 0..; nothing may follow. */
static bool parse_number(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || value < least || value > most)
		return false;
	*number = (uint32_t)value;
	return true;
}

static uint32_t default_number(const struct setting *setting)
{
	return *(const uint32_t *)(const void *)((const char *)&config_default + setting->offset);
}

static bool parse_text(char *out, const struct setting *setting, const char *value, char *error)
{
	if (strlen(value) >= setting->size)
		return fail(error, "%s is too long (at most %zu characters)", setting->name,
			    setting->size - 1);
	strcpy(out, value);
	return true;
}

static bool parse_port(struct config *config, const char *value, char *error)
{
	uint32_t port;

	if (!parse_number(value, 0, 65535, &port))
		return fail(error, "invalid port: %s (0 to 65535)", value);
	for (uint32_t i = 0; i < config->port_count; i++)
		if (config->ports[i] == port)
			return true;
	if (config->port_count == CONFIG_PORTS_MAX)
		return fail(error, "too many ports (at most %d)", CONFIG_PORTS_MAX);
	config->ports[config->port_count++] = (uint16_t)port;
	return true;
}

bool config_split_host_port(const char *text, char *host, size_t host_size, uint16_t *port)
{
	const char *end = text + strlen(text), *colon = strrchr(text, ':');
	uint32_t number = CONFIG_DEFAULT_PORT;
	struct address address;

	if (*text == '[') {
		end = strchr(text++, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		colon = end[1] ? end + 1 : NULL;
	} else if (address_parse(text, &address)) {
		colon = NULL;
	} else if (colon) {
		end = colon;
	}
	if (colon && !parse_number(colon + 1, 1, 65535, &number))
		return false;
	if (end <= text || (size_t)(end - text) >= host_size)
		return false;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	*port = (uint16_t)number;
	return true;
}

/* A name has letters, digits, '-', '.', '_' and at least one letter: "1.2.3" is a mistyped address,
 * not a name. */
static bool is_host_name(const char *host)
{
	bool has_letter = false;

	for (; *host; host++) {
		bool is_letter = (*host | 0x20) >= 'a' && (*host | 0x20) <= 'z';

		if (!is_letter && !(*host >= '0' && *host <= '9') && !strchr("-._", *host))
			return false;
		has_letter |= is_letter;
	}
	return has_letter;
}

static bool parse_destination(struct config *config, const char *value, char *error)
{
	struct config_destination *destination = &config->destinations[config->destination_count];
	char host[256];
	uint16_t port;

	if (config->destination_count == CONFIG_DESTINATIONS_MAX)
		return fail(error, "too many udp dsts (at most %d)", CONFIG_DESTINATIONS_MAX);
	if (strlen(value) >= sizeof(destination->text) ||
	    !config_split_host_port(value, host, sizeof(host), &port))
		return fail(
			error,
			"invalid ip: %s (give an address or a name, with :PORT if it is not %d)",
			value, CONFIG_DEFAULT_PORT);
	strcpy(destination->text, value);
	destination->endpoint.port = port;
	if (!address_parse(host, &destination->endpoint.address) && !is_host_name(host))
		return fail(error, "invalid ip: %s (neither an address nor a host name)", value);
	config->destination_count++;
	return true;
}

static bool parse_share(struct config *config, const char *value, char *error)
{
	unsigned int index, count;
	char excess;

	if (sscanf(value, "%u/%u%c", &index, &count, &excess) != 2 || !index || index > count ||
	    strspn(value, "0123456789/") != strlen(value))
		return fail(
			error,
			"invalid multiproc option -- %s (share i of n is written i/n, 1 <= i <= n)",
			value);
	config->share_index = index - 1;
	config->share_count = count;
	return true;
}

static bool parse_word(const char *value, const char *const *words, uint32_t *found)
{
	for (*found = 0; words[*found]; ++*found)
		if (!strcmp(words[*found], value))
			return true;
	return false;
}

static const char *const split_words[] = {"destination", "checksum", "flow", NULL};
static const char *const input_words[] = {"live", "mapped", "stream", NULL};

static bool parse_tunnels(struct config *config, const char *value, char *error)
{
	uint32_t mask = 0, bit;
	char word[16];

	config->are_tunnels_set = true;
	if (!strcmp(value, "none") || !strcmp(value, "all")) {
		config->tunnels = *value == 'a' ? TUNNEL_ALL : 0;
		return true;
	}
	for (const char *at = value; *at;) {
		size_t length = strcspn(at, ",");

		snprintf(word, sizeof(word), "%.*s", (int)length, at);
		if (!parse_word(word, setting_tunnel_names, &bit))
			return fail(error,
				    "unknown tunnel: %s (none, all, gre, erspan, vxlan, geneve, "
				    "gtpu, ipip, 6in4, teredo)",
				    word);
		mask |= 1u << bit;
		at += length + (at[length] == ',');
	}
	config->tunnels = mask;
	return true;
}

bool setting_parse(struct config *config, const struct setting *setting, const char *value,
		   char *error)
{
	char *member = (char *)config + setting->offset;
	uint32_t number;

	switch (setting->kind) {
	case SETTING_FLAG:
		*(bool *)member = !strcmp(value, "true");
		return *(bool *)member || !strcmp(value, "false") ||
		       fail(error, "%s is true or false", setting->name);
	case SETTING_TEXT:
		return parse_text(member, setting, value, error);
	case SETTING_NUMBER:
		/* A default may lie outside of the range: 0 for off. */
		if (!parse_number(value, setting->least, setting->most, &number) &&
		    !parse_number(value, default_number(setting), default_number(setting), &number))
			return fail(error, "invalid %s: %s (a number from %u to %u)", setting->name,
				    value, setting->least, setting->most);
		*(uint32_t *)member = number;
		return true;
	case SETTING_DESTINATIONS:
		return parse_destination(config, value, error);
	case SETTING_PORTS:
		return parse_port(config, value, error);
	case SETTING_SHARE:
		return parse_share(config, value, error);
	case SETTING_SPLIT:
	case SETTING_CHECKSUM:
		if (!parse_word(value, split_words, &number))
			return fail(error, "invalid split: %s (destination, checksum or flow)",
				    value);
		config->split = number;
		return true;
	case SETTING_TUNNELS:
		return parse_tunnels(config, value, error);
	case SETTING_INPUT:
		if (!parse_word(value, input_words, &number))
			return fail(error, "invalid input: %s", value);
		config->input = number;
		return true;
	}
	return fail(error, "unknown setting %s", setting->name);
}
