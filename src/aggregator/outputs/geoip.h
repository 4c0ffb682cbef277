/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "net/address.h"

/* Where addresses are: the one door to libmaxminddb. A database is read into memory of our own, so
 * that whoever replaces or cuts the file harms nobody. */
struct geoip;

struct geoip_place {
	char country[64]; /* English name or ISO code; "-" = not known */
	char city[96];	  /* valid UTF-8, as all of these */
	char as_name[96];
	uint32_t as_number; /* 0 = not known */
};

/* NULL when neither database is configured. */
struct geoip *geoip_new(const struct config_geoip *config);
void geoip_free(struct geoip *geoip);

enum geoip_database { GEOIP_CITY, GEOIP_ASN, GEOIP_DATABASE_COUNT };

/*
 * Takes a database file as it is now: keeps the old one, and returns 0, when the file is the same
 * as before (inode, size, time of change). Reads it into memory, checks it, and replaces the old
 * one; on failure the old one stays: -errno with one line in error[CONFIG_ERROR_MAX]. The
 * descriptor is borrowed.
 */
int geoip_update(struct geoip *geoip, enum geoip_database which, int fd, char *error);
bool geoip_has(const struct geoip *geoip, enum geoip_database which);

/* Finds an address; recently found ones are remembered. All members are set. */
void geoip_find(const struct geoip *geoip, const struct address *address,
		struct geoip_place *place);

const char *geoip_library_version(void);
