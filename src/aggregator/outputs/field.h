/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "aggregator/outputs/geoip.h"
#include "aggregator/outputs/put.h"
#include "base/slice.h"
#include "config/fields.h"
#include "dns/event.h"
#include "stats/suffixes.h"

/* What can be said of an event: one table of fields, for all formats, in the order of
 * config/fields.h. */

/* How a value is written is the field's business, but for names and texts: those are escaped as the
 * format wants it. */
enum field_shape {
	FIELD_NUMBER, /* digits, sign and point */
	FIELD_WORD,   /* ASCII without blanks, quotes and backslashes */
	FIELD_NAME,   /* a name in wire form */
	FIELD_TEXT,   /* any bytes, mostly UTF-8 */
};

#define FIELD_TYPES  261 /* with names of their own; TA and DLV are looked up */
#define FIELD_RCODES 24

/* Texts that are made once, and the date of the second that was written last. */
struct field_cache {
	struct put_word types[FIELD_TYPES];
	struct put_word rcodes[FIELD_RCODES];
	struct put_word kinds[EVENT_KIND_END];
	struct put_word protocols[EVENT_PROTOCOL_END];
	struct put_word verdicts[EVENT_VERDICT_END];
	struct put_word date;
	int64_t second; /* of date */
};

struct field_source {
	const struct event *event;
	const struct geoip_place *place; /* or NULL */
	const struct suffixes *suffixes; /* or NULL */
	struct field_cache *cache;
};

struct field {
	enum field_shape shape;
	bool needs_place;
	const char *text_suffix; /* stands behind it in the text format; or NULL */
	uint16_t argument;	 /* of write: which bit */
	/* Numbers and words: writes the value, or nothing when it is not known. */
	char *(*write)(const struct field *field, const struct field_source *source, char *out);
	/* Names and texts; empty when it is not known. */
	struct slice (*find)(const struct field_source *source);
};

extern const struct field fields[CONFIG_FIELD_COUNT];

static inline const char *field_name(const struct field *field)
{
	return fields_name((enum config_field)(field - fields));
}

void field_cache_init(struct field_cache *cache);
