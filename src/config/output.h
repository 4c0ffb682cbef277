/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "net/address.h"

/*
 * What one entry of "outputs:" says, as plain values. A list is one text, its elements separated by
 * newlines; an empty one is "". Files and commands are named here, and opened by who has the right.
 */

#define CONFIG_OUTPUTS_MAX 16
#define CONFIG_PATH_MAX	   1024
#define CONFIG_LIST_MAX	   2048
#define CONFIG_WORD_MAX	   264 /* a host name with its port, a short text */

enum output_kind {
	OUTPUT_STDOUT,
	OUTPUT_FILE,
	OUTPUT_TCP,
	OUTPUT_SYSLOG,
	OUTPUT_METRICS, /* one line of counters each interval */
	OUTPUT_RECORDS, /* dnsflow records over UDP */
	OUTPUT_KIND_COUNT,
};

enum output_format { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_YAML };

enum output_transport { OUTPUT_OVER_UDP, OUTPUT_OVER_TCP, OUTPUT_OVER_TLS, OUTPUT_OVER_UNIX };

enum output_syslog { OUTPUT_RFC5424, OUTPUT_RFC3164, OUTPUT_RAW };

enum output_compression { OUTPUT_PLAIN, OUTPUT_GZIP, OUTPUT_ZSTD };

enum output_clients { OUTPUT_CLIENTS_AS_THEY_ARE, OUTPUT_CLIENTS_HASHED, OUTPUT_CLIENTS_CRYPTOPAN };

/* Conditions on an event: each list that is not empty must have one element that is true; all lists
 * together. */
struct config_filter {
	char name[CONFIG_LIST_MAX];	 /* suffixes: the name itself and all below it */
	char name_file[CONFIG_PATH_MAX]; /* more of them, one a line; "" = none */
	char list[CONFIG_WORD_MAX]; /* of names (lists of the configuration) that it is in; "" =
				     * none
				     */
	char name_regex[CONFIG_LIST_MAX];
	char client[CONFIG_LIST_MAX]; /* prefixes */
	char server[CONFIG_LIST_MAX];
	char type[CONFIG_LIST_MAX]; /* mnemonics or numbers */
	char rcode[CONFIG_LIST_MAX];
	char identity[CONFIG_LIST_MAX]; /* regular expressions */
	char verdict[CONFIG_WORD_MAX];
	char message[CONFIG_WORD_MAX]; /* query, response, or kinds as CLIENT_QUERY */
	double latency_ms_least;       /* negative: no condition */
	double latency_ms_most;
};

struct config_privacy {
	uint32_t client_prefix4; /* bits that are kept of addresses; 32 = all */
	uint32_t client_prefix6; /* 128 = all */
	enum output_clients clients;
	char key_file[CONFIG_PATH_MAX]; /* of the hash, 32 bytes of Crypto-PAn */
	bool removes_ecs;
	bool cuts_qname; /* to the registered domain */
};

struct config_output {
	uint32_t line, column; /* where it begins in the file, from 1; 0: not in a file */
	enum output_kind kind;
	char name[64]; /* label in the ledger and in metrics; by default kind and number */
	enum output_format format;
	char fields[CONFIG_LIST_MAX]; /* "" = those of the format */
	bool is_unanswered_wanted;
	uint32_t sample_rate;	     /* one event in so many; 0 and 1: all */
	struct config_filter filter; /* events that are wanted */
	struct config_filter except; /* of those, the ones that are not */
	bool has_except;
	struct config_privacy privacy;
	uint32_t queue_mib;
	char spool[CONFIG_PATH_MAX]; /* file that takes what the queue has no room for; "" = none */
	uint32_t spool_mib;

	/* file, metrics ("" = standard output) */
	char path[CONFIG_PATH_MAX];
	uint32_t max_size_mib; /* 0 = no limit */
	uint32_t max_age_s;    /* 0 = no limit */
	uint32_t count;	       /* of files kept after rotation; 0 = no rotation */
	enum output_compression compression;
	char command[CONFIG_PATH_MAX]; /* run with the name of the file that was rotated */

	/* tcp, syslog, records */
	char address[CONFIG_WORD_MAX]; /* host:port as it was written, or the path of a unix socket
					*/
	struct endpoint endpoint;      /* version 0 until resolved */
	enum output_transport transport;
	char delimiter[16];
	uint32_t retry_s; /* the longest pause between two attempts */
	char ca_file[CONFIG_PATH_MAX];
	char certificate[CONFIG_PATH_MAX];
	char key[CONFIG_PATH_MAX];
	char server_name[CONFIG_WORD_MAX]; /* "" = the host of address */
	bool is_unverified;

	/* syslog */
	enum output_syslog syslog;
	uint32_t facility; /* RFC 5424 6.2.1 */
	uint32_t severity;
	char app_name[49];
	char host_name[256]; /* "" = that of the machine */

	/* metrics */
	uint32_t interval_s;
	bool is_cumulative;

	/* records */
	uint32_t payload_max;
};

extern const struct config_output config_output_default;

/* Whether events go to outputs of a kind; those of metrics live on counters. */
static inline bool output_kind_takes_events(enum output_kind kind)
{
	return kind != OUTPUT_METRICS;
}
