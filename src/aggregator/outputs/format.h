/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "aggregator/outputs/geoip.h"
#include "config/output.h"
#include "dns/event.h"
#include "stats/suffixes.h"

/*
 * An event as one record of text: spec/dnstap-receiver.md 5.1 to 5.3. A list of fields is compiled
 * into a table of writers. What they write is escaped, so that no byte below 0x20 or above 0x7e
 * comes out, but for newlines:
 *
 * - names as name_format has them, with their final dot;
 * - other texts (identity, city, country, as-name) in the text format byte by byte: a blank, a
 *   backslash and what is not printable ASCII as \DDD;
 * - in JSON as \uXXXX, and in YAML in double quotes; a byte that is no UTF-8 is U+EF00 + byte.
 *
 * "-" is what is not known. An unanswered query has TIMEOUT for its rcode.
 */
struct format;

/* No record is longer, its final newline included. */
#define FORMAT_RECORD_MAX 16384

/* fields: names with newlines between them, "" = those of the spec, with country and city when
 * has_geoip. NULL with one line in error[CONFIG_ERROR_MAX]: an unknown field and the nearest known,
 * or one that is there twice. suffixes are borrowed; may be NULL. */
struct format *format_new(enum output_format kind, const char *fields, bool has_geoip,
			  const struct suffixes *suffixes, char *error);
void format_free(struct format *format);

/* Writes one record with its newline (YAML: the lines of one document and an empty one) into out;
 * returns its length. place: NULL without GeoIP. Not for events of kinds that do not exist. */
size_t format_event(struct format *format, const struct event *event,
		    const struct geoip_place *place, char out[FORMAT_RECORD_MAX]);

/* Does it need the place of an address? */
bool format_wants_place(const struct format *format);
