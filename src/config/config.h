/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bpf/settings.h"
#include "config/output.h"
#include "net/address.h"

#define CONFIG_DESTINATIONS_MAX	 10
#define CONFIG_PORTS_MAX	 10
#define CONFIG_WORKERS_MAX	 64
#define CONFIG_OWN_ADDRESSES_MAX 16
#define CONFIG_TEXT_MAX		 4096
#define CONFIG_ERROR_MAX	 512
#define CONFIG_DEFAULT_PORT	 5300
#define CONFIG_CONTROL_SOCKET	 "/run/dnsflow.sock"
#define CONFIG_CONTROL_NONE	 "none"
#define CONFIG_LISTEN_MAX	 16
#define CONFIG_RULES_MAX	 (256 * 1024)
#define CONFIG_PORT_DNS		 53
#define CONFIG_SPLIT_AUTO	 3 /* behind those of enum split_by, until config_complete has chosen */

/* Where packets come from; decided by the preflight, which looks at the file. */
enum config_input {
	CONFIG_INPUT_LIVE,
	CONFIG_INPUT_MAPPED,
	CONFIG_INPUT_STREAM,
	CONFIG_INPUT_NONE, /* the proxy alone */
};

/* One -u: what was written, and the address it stands for (version 0 until resolved). */
struct config_destination {
	char text[264];
	struct endpoint endpoint;
};

/* statistics: and what becomes of pairs. Sizes are numbers of entries. */
struct config_statistics {
	bool is_enabled; /* also by web and by outputs that need them */
	uint32_t names, domains, clients, tlds;
	uint32_t streams;	      /* of other servers */
	uint32_t memory_mib;	      /* of the aggregator, all together */
	char tables[CONFIG_LIST_MAX]; /* what is counted for each name: "nxdomain/response" */
	char default_tables[CONFIG_LIST_MAX];	/* of those, what /tables shows unasked */
	char default_counters[CONFIG_LIST_MAX]; /* what /counters shows unasked */
	uint32_t max_items;
	bool keeps_case;
	char suffix_list[CONFIG_PATH_MAX];
	uint32_t query_timeout_ms;
};

struct config_web {
	char listen[CONFIG_WORD_MAX]; /* "" = off */
	struct endpoint endpoint;     /* version 0 until resolved */
	char login[CONFIG_WORD_MAX];
	char password_file[CONFIG_PATH_MAX]; /* read by the process that needs them */
	char api_key_file[CONFIG_PATH_MAX];
	char certificate[CONFIG_PATH_MAX]; /* "" = no TLS */
	char key[CONFIG_PATH_MAX];
	char hosts[CONFIG_LIST_MAX]; /* what a Host field may say beside the address */
	uint32_t max_connections;
};

/* The proxy: it is on when it has an address to listen on. Lists of text as in config/output.h. */
struct config_proxy {
	char listen[CONFIG_LIST_MAX]; /* ADDRESS or ADDRESS:PORT or a port alone, in order */
	struct endpoint endpoints[CONFIG_LISTEN_MAX]; /* the same, by config_complete */
	uint32_t endpoint_count;
	char allow[CONFIG_LIST_MAX]; /* prefixes of clients that are answered */
	uint32_t timeout_ms;	     /* for one upstream's answer */
	uint32_t retries;	     /* after the first query */
	uint32_t query_count;	     /* clients that wait for an answer, of each worker */
	uint32_t udp_size;	     /* octets: the most that is sent, and told in EDNS */
	bool mixes_case;	     /* 0x20 towards upstreams */
	bool trusts_ad;		     /* of upstream servers on other hosts */
	bool refuses_private;	     /* addresses, from upstream servers in the Internet */
	uint32_t cache_mib;	     /* of all workers; 0 = off */
	uint32_t cache_ttl_least_s, cache_ttl_most_s, cache_negative_ttl_most_s;
	uint32_t stale_s; /* serve-stale (RFC 8767): so long after its end; 0 = off */
	bool prefetches;
	uint32_t tcp_connections; /* of each worker */
	uint32_t tcp_per_client;
	uint32_t tcp_queries; /* in flight, of one connection */
	uint32_t tcp_idle_ms;
	uint32_t tcp_lifetime_s; /* then a connection ends with its last answer */
	uint32_t rate_limit; /* answers per second over UDP to one network (/24, /56); 0 = off */
	bool captures_own;   /* captured packets of the proxy itself make events, too */
	uint32_t log_rate;   /* lines of log rules per second, of each worker */
};

struct config_geoip {
	char city_database[CONFIG_PATH_MAX]; /* "" = none */
	char asn_database[CONFIG_PATH_MAX];
	bool is_country_iso;
};

/*
 * Everything that a run depends on, as plain values. File (text.h) and command line (arguments.h)
 * fill it, the preflight completes it (addresses, input, user), and it travels to supervisor and
 * roles as text.
 */
struct config {
	char interface[16];
	char read_file[CONFIG_TEXT_MAX]; /* "" = live; "-" = standard input */
	char filter[CONFIG_TEXT_MAX];	 /* "" = the generated one */
	char pid_file[CONFIG_TEXT_MAX];
	char quarantine[CONFIG_TEXT_MAX];
	char control[CONFIG_TEXT_MAX]; /* "none" = off; "" = not decided yet */
	char write_file[CONFIG_TEXT_MAX];
	char user[64];
	char config_file[CONFIG_TEXT_MAX]; /* "" = none */
	struct config_destination destinations[CONFIG_DESTINATIONS_MAX];
	uint32_t destination_count;
	uint16_t ports[CONFIG_PORTS_MAX];
	uint32_t port_count;
	bool is_mdns;
	bool is_promiscuous;
	uint32_t share_index; /* from 0 */
	uint32_t share_count;
	uint32_t worker_count; /* 0 = half of the CPUs, until the preflight has counted them */
	uint32_t split;	       /* enum split_by */
	uint32_t sample_rate;  /* 0 = every packet */
	uint32_t pcap_port;    /* -X; 0 = off */
	uint32_t jmirror_port;
	bool is_jmirror_last; /* -J came after -X: its offsets are those of the generated filter */
	uint32_t tunnels;     /* mask of enum tunnel */
	bool are_tunnels_set;
	uint32_t payload_max;
	uint32_t segment_size; /* 0 = off */
	uint32_t ring_mib;     /* of all workers together */
	bool keeps_state;      /* at the end, with the service manager */
	bool is_verbose;
	char identity[256];		   /* of the captured stream; "" = the interface or file */
	char own_address[CONFIG_LIST_MAX]; /* of the server that is watched; decides its messages'
					      kinds */
	struct config_statistics statistics;
	struct config_web web;
	struct config_geoip geoip;
	struct config_proxy proxy;
	char rules[CONFIG_RULES_MAX];	  /* a rule a line (rules/rule.h) */
	char rules_file[CONFIG_PATH_MAX]; /* more of them, a rule a line, behind those; "" = none */
	char lists[4 * CONFIG_LIST_MAX];  /* NAME=[FORMAT:]FILE, one a line (rules/lists.h) */
	bool is_dry_run; /* rules judge captured queries, and do nothing but count and log */
	uint32_t event_ring_mib; /* of each worker; a power of two */
	struct config_output outputs[CONFIG_OUTPUTS_MAX];
	uint32_t output_count;
	/* completed by the preflight */
	enum config_input input;
	uint32_t link; /* DLT of what is captured, as far as it is known before it is read */
	uint32_t uid;
	uint32_t gid;
};

extern const struct config config_default;

/* Whether workers look at more than what records need: queries too, matched and counted; whether
 * they send events of it; whether there is an aggregator. */
bool config_has_observer(const struct config *config);
bool config_has_events(const struct config *config);
bool config_has_messages(const struct config *config); /* in events */
bool config_has_aggregator(const struct config *config);
bool config_has_proxy(const struct config *config);
bool config_has_rules(const struct config *config); /* for the proxy, or for a dry run */
bool config_has_capture(const struct config *config);
bool config_reads_file(const struct config *config); /* and ends with it */

struct origins;

/*
 * Checks what no single option can know; false with one line in error. Fills in what follows from
 * the rest (tunnels, control). cpu_count: CPUs of the affinity mask;
 * origins: what it was made of (origins.h), or NULL.
 */
bool config_complete(struct config *config, uint32_t cpu_count, const struct origins *origins,
		     char *error);

/* A setting that differs, both values as text, those of lists with commas between them; long ones
 * are cut. */
struct config_difference {
	const char *name;
	const char *before, *after;
	bool needs_restart; /* else it can change while processes live */
};

typedef void (*config_difference_fn)(void *argument, const struct config_difference *difference);

/*
 * Calls fn for each setting that differs; of what only the preflight sets, for uid, gid and input.
 * Returns whether anything differs, told or not.
 */
bool config_compare(const struct config *before, const struct config *after,
		    config_difference_fn fn, void *argument);

/* A text of "host", "host:port" or "[ip6]:port" taken apart; a bare IPv6 address is a host. false
 * when it is none of these. */
bool config_split_host_port(const char *text, char *host, size_t host_size, uint16_t *port);

/* An address, or a host name (version 0), with its port, 0 when there is none; false when text is
 * neither. */
bool config_parse_endpoint(const char *text, struct endpoint *endpoint);

#define CONFIG_PORT_MDNS     5353
#define CONFIG_ALL_PORTS_MAX (CONFIG_PORTS_MAX + 1)

/*
 * The source ports that are captured, in the order of the generated filter: those of -d, or 53;
 * then 5353 with -Y unless it is listed. Writes at most CONFIG_ALL_PORTS_MAX; returns how many.
 */
uint32_t config_ports(const struct config *config, uint16_t *ports);
