/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "dns/name.h"
#include "rules/lists.h"
#include "rules/names.h"

/*
 * Adds the entries of a file of a list to names, and tells in *report what became of its lines; all
 * but report->entries, which only a list knows. False when out of memory.
 */
bool list_file_read(struct names *names, struct slice text, enum list_format format,
		    struct lists_report *report);

/* --- for the formats, list_file_*.c -------------------------------------------------------- */

/* A name of a zone file: the part of the record, or the directive, that stands for it. */
struct list_zone_name {
	uint8_t length; /* 0: none, or not known */
	bool is_wildcard;
	uint8_t wire[DNS_NAME_MAX];
};

/* Where a zone file is read: what records and lines before this one have set. */
struct list_zone {
	struct list_zone_name origin; /* behind relative names */
	struct list_zone_name apex;   /* is taken away from all names */
	struct list_zone_name owner;  /* of the record, or of the one before */
	bool is_owner_absolute;
	bool is_nameless; /* its SOA stands at "@", and nothing says what that is */
	enum {
		ZONE_NO_RECORD,
		ZONE_BEFORE_TYPE,
		ZONE_BEFORE_DATA,
		ZONE_BEHIND_DATA,
		ZONE_BAD_RECORD
	} stage;
	uint16_t type;
	struct slice data; /* the first word of it */
	uint32_t depth;	   /* of parentheses */
	size_t opened;	   /* the line of the outermost */
};

struct list_file {
	struct names *names;
	struct lists_report *report;
	size_t line; /* its number, from 1 */
	size_t last_bad, last_left_out;
	bool is_out_of_memory;
	struct list_zone zone; /* LIST_RPZ only */
};

struct list_file_ops {
	const char *name;
	/* Takes a line: not empty, without LF and blanks at its end. */
	void (*read)(struct list_file *file, struct slice line);
	/* After the last line; may be NULL. */
	void (*end)(struct list_file *file);
	/* Is it a line that tells this format, and is not in those before? */
	bool (*is_own)(struct slice line);
};

extern const struct list_file_ops list_file_names, list_file_hosts, list_file_adblock,
	list_file_dnsmasq, list_file_rpz;

/* Each line counts at most once as left out, and once as bad; the first bad one is described. */
void list_file_leave_out(struct list_file *file);
__attribute__((format(printf, 2, 3))) void list_file_complain(struct list_file *file,
							      const char *format, ...);
void list_file_complain_name(struct list_file *file, struct slice text);

/* Adds the name of a host; the line is bad when it is none. Or a valid wire name. */
void list_file_add(struct list_file *file, struct slice text, uint8_t say);
void list_file_add_wire(struct list_file *file, struct slice name, uint8_t say);

/* Is it an address of either version, perhaps with "%zone"? */
bool list_file_is_address(struct slice word);
