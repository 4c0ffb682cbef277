/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "net/address.h"

enum read_mode { READ_LISTEN, READ_SNIFF, READ_FILE };

/* The command line of dnsflow-read. Strings are borrowed from it. */
struct options {
	enum read_mode mode;
	struct endpoint listen;
	const char *interface;
	const char *path;
	const char *filter_more; /* -f: the default filter and this */
	const char *filter;	 /* -F: this alone */
	bool is_stats_only;
	bool is_summary_only;
	bool is_json;
	uint64_t set_count;  /* 0: no limit */
	int64_t duration_ns; /* 0: no limit */
};

/* Exits after --help and --version, and with one line and status 1 when something is wrong. */
void options_parse(struct options *options, int argc, char **argv);
