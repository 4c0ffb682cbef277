/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/request.h"

/* Exit status of dnsflowctl. */
enum command_exit {
	COMMAND_OK = 0,
	COMMAND_FAILED = 1, /* refused, failed, or the ledger does not add up */
	COMMAND_USAGE = 2,
	COMMAND_NO_REPLY = 3, /* no daemon there, or none that may be asked */
};

/* The command line of dnsflowctl. Strings are borrowed from it. */
struct command {
	const char *socket;
	struct request request;
	const char *text; /* of the request; NULL: none */
	bool is_json;
	bool is_waiting; /* ledger: until it adds up, or wait_ns are over */
	int64_t wait_ns;
};

/* Exits after --help and --version, and with one line and COMMAND_USAGE when something is wrong. */
void command_parse(struct command *command, int argc, char **argv);
