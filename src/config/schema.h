/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include "config/config.h"

/* The table of all settings: command line, usage and text form are made from it. */

enum setting_kind {
	SETTING_FLAG,	/* option without argument: the bool becomes the opposite of its default */
	SETTING_TEXT,	/* char[], size in the table */
	SETTING_NUMBER, /* uint32_t within least .. most */
	SETTING_DESTINATIONS, /* repeatable */
	SETTING_PORTS,	      /* repeatable */
	SETTING_SHARE,	      /* i/n */
	SETTING_SPLIT,	      /* destination | checksum | flow */
	SETTING_CHECKSUM,     /* option -c: no argument, sets the split; not in the text form */
	SETTING_TUNNELS,      /* none | all | name,name,... */
	SETTING_INPUT,	      /* live | mapped | stream */
};

struct setting {
	const char *name; /* of the long option and of the key */
	char letter;	  /* of the short option, or 0 */
	enum setting_kind kind;
	size_t offset;	      /* in struct config */
	size_t size;	      /* SETTING_TEXT: of the array */
	uint32_t least, most; /* SETTING_NUMBER */
	const char *argument; /* its name in the usage, NULL for none */
	const char *help;     /* NULL: no option, text form only (the preflight's) */
	const char *heading;  /* a new part of the usage begins here, or NULL */
};

extern const struct setting settings[];
extern const size_t settings_count;

const struct setting *setting_find(const char *name);

/*
 * Reads one value into config; for lists it is appended.
 * false with one line in error.
 */
bool setting_parse(struct config *config, const struct setting *setting, const char *value,
		   char *error);

/* Names of tunnels, in the order of their bits; NULL at the end. */
extern const char *const setting_tunnel_names[];
