/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "config/config.h"
#include "pcap/filter.h"
#include "supervisor/handover.h"
#include "supervisor/process.h"

/*
 * The check of a command line and its configuration file by a process of its own (preflight.h), at
 * the start and for each reload, and what it hands back.
 */

/* The effective configuration that a run follows. */
struct effective {
	struct config config;
	int config_fd; /* its text, sealed: what children are lent */
	int filters_fd;
	const struct filter_program *filters; /* mapped, or NULL */
	size_t filters_bytes;
};

/* A check in progress: its pidfd becomes readable when it is done. */
struct check {
	struct process process;
	int config_fd, filter_fd;
};

enum check_result {
	CHECK_OK,
	CHECK_DONE,    /* -h or --version: there is nothing to run */
	CHECK_REFUSED, /* error has one line that says why */
};

/* argv is that of our own start. keeps_streams: it may print, and read what our caller left open. 0
 * or -errno. */
int check_start(struct check *check, int executable_fd, int argc, char **argv, bool keeps_streams);

/* Waits for its end. CHECK_OK gives *effective, which effective_free() frees. Its warnings are
 * logged. error has CONFIG_ERROR_MAX bytes. */
enum check_result check_finish(struct check *check, struct effective **effective, char *error);

/* Are these the programs that the configuration needs: one for -f, else one for each worker, none
 * for a file? */
bool check_filters(const struct filter_program *filters, size_t bytes, const struct config *config);

/* Hands it over, and takes it; NULL with one line in error. */
void effective_give(const struct effective *effective, struct handover *handover);
struct effective *effective_take(struct handover *handover, char *error);

/* Accepts NULL. */
void effective_free(struct effective *effective);
