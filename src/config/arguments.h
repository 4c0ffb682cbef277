/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdio.h>
#include "config/config.h"

/* The command line. */

enum config_result {
	CONFIG_OK,
	CONFIG_CHECK,	/* all is well, and with --check that is all there is to do */
	CONFIG_PRINT,	/* the same with --print-config: the caller prints what is in force */
	CONFIG_HELP,	/* -h: the caller prints config_print_usage */
	CONFIG_VERSION, /* --version */
	CONFIG_ERROR,	/* one clear line in error */
};

/*
 * Reads a command line over *config, which holds defaults or what a file said: an option replaces
 * its value, lists as a whole. argv[0] is skipped. error has CONFIG_ERROR_MAX bytes.
 */
enum config_result config_parse_arguments(struct config *config, int argc, char **argv,
					  char *error);

/* What -h prints. */
void config_print_usage(FILE *out);
