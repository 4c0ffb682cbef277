/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/hash.h"
#include "base/slice.h"

/*
 * All lists of names of a configuration, compiled into one piece of memory without pointers: one
 * process makes it, all others map it read-only at any address. At its start stands a directory;
 * each list in it is as rules/list.h has it.
 */
struct lists;

#define LISTS_MAX	64
#define LISTS_NAME_MAX	64
#define LISTS_ERROR_MAX 384
#define LISTS_TEXT_MAX	256

enum list_format {
	LIST_AUTO,    /* told by its first lines that are no comments */
	LIST_NAMES,   /* a name a line, perhaps with "*." or "." before it: it and all below it */
	LIST_HOSTS,   /* "0.0.0.0 NAME [NAME]...": those names alone */
	LIST_ADBLOCK, /* "||NAME^": it and all below; "|NAME^": it alone; "@@" before: not those;
			 lines of names and hosts files; "!" comments */
	LIST_DNSMASQ, /* "address=/NAME/...", "server=/NAME/", "local=/NAME/": it and all below;
			 "server=/NAME/#": not those */
	LIST_RPZ,     /* a zone file: "NAME CNAME .": it alone; "*.NAME": what is below; CNAME
			 rpz-passthru.: not it */
	LIST_FORMAT_COUNT,
};

/* "auto", "names", "hosts", ...; and the inverse. */
const char *list_format_name(enum list_format format);
bool list_format_parse(const char *text, enum list_format *format);

/* What is put in: a file of a list, whole; or a list that was compiled before. */
struct lists_source {
	char name[LISTS_NAME_MAX];
	enum list_format format;
	struct slice text;
	bool is_copy; /* text is from lists_copy(), and has no format */
	/* For people, cut to LISTS_TEXT_MAX; or NULL. */
	const char *file;   /* that the entries are of */
	const char *remark; /* why they are not what the file has now */
};

/* What became of it. */
struct lists_report {
	enum list_format format; /* that it was read in; LIST_AUTO: the copy of a list */
	uint32_t entries;	 /* that are in it */
	uint32_t left_out;	 /* lines that mean something that a list of names cannot say */
	uint32_t bad;		 /* lines that are wrong */
	uint32_t lost;		 /* lines of either kind: all that are left out */
	uint32_t taken;		 /* lines that gave an entry */
	size_t first_bad;	 /* number of the first of them, from 1; 0: none */
	char problem[LISTS_ERROR_MAX]; /* of that line */
};

/*
 * Compiles count lists. Lines that are wrong are left out and told. Returns memory of *size bytes,
 * the caller's to free, or NULL when out of memory, or when a list has more than 4 GiB, or a copy
 * is no list. count is at most LISTS_MAX; reports has as many elements.
 */
void *lists_compile(const struct lists_source *sources, uint32_t count, const struct hash_key *key,
		    struct lists_report *reports, size_t *size);

/*
 * A view of memory that lists_compile() made, perhaps in another process that is not trusted to
 * have done so: all places are checked. NULL when it is no such memory. Borrowed: memory must stay,
 * and nobody may change it any more (a memfd is to be sealed before).
 */
const struct lists *lists_open(const void *memory, size_t size);

uint32_t lists_count(const struct lists *lists);

/* The number of a list, or -1. */
int lists_find(const struct lists *lists, const char *name);
const char *lists_name(const struct lists *lists, uint32_t number);
uint32_t lists_entries(const struct lists *lists, uint32_t number);
const char *lists_file(const struct lists *lists, uint32_t number);
const char *lists_remark(const struct lists *lists, uint32_t number); /* "": none */

/* Is the name (uncompressed wire form) in the list? The entry that says most of it decides; an
 * exception of adblock goes over all. */
bool lists_match(const struct lists *lists, uint32_t number, struct slice name);

/* list_prefetch() for one of them. */
void lists_prefetch(const struct lists *lists, uint32_t number, struct slice name);

/* One list of another piece of memory, as it is: the text of a source that is a copy, when a file
 * cannot be used. Borrowed from that memory. */
struct slice lists_copy(const struct lists *lists, uint32_t number);
