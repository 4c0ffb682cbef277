/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "config/config.h"
#include "pcap/filter.h"
#include "supervisor/handover.h"

/* The effective configuration that a run follows. */
struct effective {
	struct config config;
	int config_fd; /* its text, sealed: what children are lent */
	int filters_fd;
	int lists_fd; /* lists of names, sealed; only counted here; -1: none */
	const struct filter_program *filters; /* mapped, or NULL */
	size_t filters_bytes;
};

/* From memfds that a check has filled (check.h): seals and owns them. NULL with one line in
 * error[CONFIG_ERROR_MAX]. */
struct effective *effective_open(int config_fd, int filters_fd, int lists_fd, char *error);

/* Hands it over, and takes it; NULL with one line in error, and then all descriptors stay open, for
 * who handed it over. */
void effective_give(const struct effective *effective, struct handover *handover);
struct effective *effective_take(struct handover *handover, char *error);

/* Accepts NULL. */
void effective_free(struct effective *effective);

/* Are these the programs that the configuration needs: one for -f, else one for each worker, none
 * for a file? */
bool effective_has_filters(const struct config *config, const struct filter_program *filters,
			   size_t bytes);
