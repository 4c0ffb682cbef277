/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include "config/config.h"

/* What can be said of one setting: its values, to and from text. schema.h has them all. */

#define SETTING_ERROR_MAX 256

enum setting_kind {
	SETTING_FLAG,	      /* option without argument; true: the bool is not its default */
	SETTING_TEXT,	      /* char[], size in the table */
	SETTING_NUMBER,	      /* uint32_t within least .. most */
	SETTING_DESTINATIONS, /* repeatable */
	SETTING_PORTS,	      /* repeatable */
	SETTING_SHARE,	      /* i/n */
	SETTING_SPLIT,	      /* destination | checksum | flow */
	SETTING_CHECKSUM,     /* option -c: no argument, sets the split; never printed */
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
	const char *help;     /* NULL: no option, the preflight's own */
	const char *heading;  /* a new part of the usage begins here, or NULL */
	const char *refusal;  /* before a problem on the command line, if not "invalid NAME: " */
	bool is_private;      /* no key of a file: known in what the preflight hands over */
	bool needs_restart;   /* cannot change while processes live */
};

bool setting_is_list(const struct setting *setting);

/* Takes all values out of a list. */
void setting_clear(struct config *config, const struct setting *setting);

/*
 * Reads one value into config; to lists it is appended.
 * false with what is wrong in error[SETTING_ERROR_MAX], to go behind the setting's name.
 */
bool setting_parse(struct config *config, const struct setting *setting, const char *value,
		   char *error);

/* The number of values: 1, of lists their length, 0 for what has none (-c, tunnels not chosen). */
uint32_t setting_count(const struct config *config, const struct setting *setting);

/* The inverse of setting_parse: one value, from 0 to setting_count - 1. */
void setting_format(const struct config *config, const struct setting *setting, uint32_t index,
		    char text[CONFIG_TEXT_MAX]);
