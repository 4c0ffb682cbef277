/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "base/cursor.h"
#include "base/slice.h"
#include "dns/walk.h"

/* The OPT record of EDNS and its options (RFC 6891 6.1). Inline: one is in almost every message. */

#define OPT_SIZE	11 /* octets of one without options */
#define OPT_OPTION_SIZE 4  /* of an option without data */
#define OPT_VERSION	0

/* Options that we know: RFC 7871, RFC 7828, RFC 8914. */
enum opt_code { OPT_SUBNET = 8, OPT_KEEPALIVE = 11, OPT_EXTENDED_ERROR = 15 };

struct opt {
	uint16_t payload;    /* octets that the sender takes over UDP */
	uint8_t rcode_upper; /* bits 4 to 11 of the response code */
	uint8_t version;
	bool is_dnssec_ok; /* DO (RFC 3225) */
};

struct opt_option {
	uint16_t code; /* any, not only those of enum opt_code */
	struct slice data;
};

/* Of a record of type OPT; options: where they stand, for opt_next(). */
static inline void opt_read(const struct walk *walk, const struct walk_record *record,
			    struct opt *opt, struct cursor *options)
{
	const uint8_t *fixed = walk->message.data + record->data - 8;

	opt->payload = be16_load(fixed);
	opt->rcode_upper = fixed[2];
	opt->version = fixed[3];
	opt->is_dnssec_ok = fixed[4] & 0x80;
	*options = cursor_of((struct slice){fixed + 8, record->length});
}

/* The next option; false behind the last one, or, with options->failed, where a length lies. */
static inline bool opt_next(struct cursor *options, struct opt_option *option)
{
	if (!cursor_left(options))
		return false;
	option->code = cursor_u16(options);
	option->data.length = cursor_u16(options);
	option->data.data = cursor_take(options, option->data.length);
	return !options->failed;
}

/* Writes the record but for its options, of which there will be so many octets. Returns what
 * follows it. */
static inline uint8_t *opt_put(uint8_t *out, const struct opt *opt, uint16_t options_length)
{
	*out = 0; /* the root */
	be16_store(out + 1, WALK_TYPE_OPT);
	be16_store(out + 3, opt->payload);
	out[5] = opt->rcode_upper;
	out[6] = opt->version;
	be16_store(out + 7, opt->is_dnssec_ok ? 0x8000 : 0);
	be16_store(out + 9, options_length);
	return out + OPT_SIZE;
}

/* An option whose data is one number. */
#define OPT_NUMBER_SIZE (OPT_OPTION_SIZE + 2)

static inline uint8_t *opt_put_number(uint8_t *out, enum opt_code code, uint16_t number)
{
	be16_store(out, (uint16_t)code);
	be16_store(out + 2, sizeof(number));
	be16_store(out + 4, number);
	return out + OPT_NUMBER_SIZE;
}
