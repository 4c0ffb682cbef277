/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include "config/config.h"

/* What can be said of one setting: its values, to and from text. schema.h has them all. */

#define SETTING_ERROR_MAX 384
#define SETTING_NAME_MAX  64

enum setting_kind {
	SETTING_FLAG,	   /* option without argument; true: the bool is not its default */
	SETTING_TEXT,	   /* char[] */
	SETTING_ESCAPED,   /* char[], of which \n, \r, \t and \\ write one character each */
	SETTING_LIST,	   /* char[], repeatable: newlines between texts without one */
	SETTING_NUMBER,	   /* uint32_t within least .. most */
	SETTING_POWER,	   /* of two, else as SETTING_NUMBER */
	SETTING_REAL,	   /* double; a negative one, unknown, has no text */
	SETTING_WORD,	   /* enum or bool: the index of one of words; a number to most will do */
	SETTING_ENDPOINT,  /* struct endpoint, of which an unknown one has no text */
	SETTING_ENDPOINTS, /* repeatable: those of the proxy */
	SETTING_DESTINATIONS, /* repeatable */
	SETTING_PORTS,	      /* repeatable */
	SETTING_TUNNEL_PORT,  /* uint32_t; which of two came last is kept */
	SETTING_SHARE,	      /* i/n */
	SETTING_CHECKSUM,     /* option -c: no argument, sets the split; never printed */
	SETTING_TUNNELS,      /* none | all | name,name,... */
	SETTING_OUTPUTS,      /* repeatable: TYPE,key=value,...; printed by text.c */
};

struct setting {
	const char *name; /* of key and long option: "key", or "section.key" where the file nests */
	char letter;	  /* of the short option, or 0 */
	enum setting_kind kind;
	size_t offset, size;	  /* of the member in struct config, or in struct config_output */
	const void *usual;	  /* the member's default */
	uint32_t least, most;	  /* SETTING_NUMBER, SETTING_POWER; most: SETTING_WORD */
	const char *const *words; /* SETTING_WORD: in the order of their values, SETTING_TUNNELS: of
				     their bits; NULL behind them */
	const char *option;	  /* the long option, when it has another name */
	const char *argument;	  /* its name in the usage, NULL for none */
	const char *help;	  /* NULL: no option, the preflight's own, or of an output */
	const char *heading;	  /* a new part of the usage begins here, or NULL */
	uint32_t kinds; /* of an output: bits of the types that have a use for it, 0: all */
	/* Of a value that a person wrote, before it is read; NULL: nothing more than of its kind.
	 * As setting_parse(). */
	bool (*check)(const char *value, char *error);
	/* Of one that check takes: is it worth a warning? Then that is in error. NULL: never. */
	bool (*doubt)(const char *value, char *error);
	const char *refusal; /* before a problem on the command line, if not "invalid OPTION: " */
	bool is_private;     /* no key of a file: known in what the preflight hands over */
	bool needs_restart;  /* cannot change while processes live */
};

/*
 * base is the struct that the setting's table describes: struct config, or struct config_output.
 */

bool setting_is_list(const struct setting *setting);

/* Is it text of a person's own, which may need quotes? */
bool setting_is_text(const struct setting *setting);

/* Takes all values out of a list. */
void setting_clear(void *base, const struct setting *setting);

/*
 * Reads one value into base; to lists it is appended.
 * false with what is wrong in error[SETTING_ERROR_MAX], to go behind the setting's name.
 */
bool setting_parse(void *base, const struct setting *setting, const char *value, char *error);

/* The same, for many values in a row behind setting_clear(): *length is 0 at first, and kept for
 * the next. */
bool setting_append(void *base, const struct setting *setting, size_t *length, const char *value,
		    char *error);

/* What is wrong, into error[SETTING_ERROR_MAX], or a longer one; false, for who returns that. */
__attribute__((format(printf, 2, 3))) bool setting_refuse(char *error, const char *format, ...);

/* The number of values: 1, of lists their length, 0 for what has none (-c, tunnels not chosen). */
uint32_t setting_count(const void *base, const struct setting *setting);

/* The inverse of setting_parse, except for SETTING_OUTPUTS: one value, from 0 to setting_count - 1.
 */
void setting_format(const void *base, const struct setting *setting, uint32_t index,
		    char text[CONFIG_TEXT_MAX]);

/* A place among the values of one setting: zeroed at first. */
struct setting_place {
	uint32_t index;
	size_t offset; /* in the text of a list */
};

/* The value at a place, which goes on; false behind the last. All of a long list in one pass. */
bool setting_next(const void *base, const struct setting *setting, struct setting_place *place,
		  char text[CONFIG_TEXT_MAX]);

/* Do both structs say the same here? */
bool setting_is_same(const void *base, const void *other, const struct setting *setting);

/* All values, with commas between them; "..." when that is longer than size. */
void setting_join(const void *base, const struct setting *setting, char *text, size_t size);

/* The same, but when it would be cut, here or of the other struct, only from the first value on
 * that differs. */
void setting_join_from(const void *base, const void *other, const struct setting *setting,
		       char *text, size_t size);
