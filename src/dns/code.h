/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* The mnemonics of IANA's DNS parameters: types, classes, response codes. */

#define DNS_CODE_TEXT_MAX 16 /* the longest, and its NUL */

/* "A", "HTTPS", else "TYPE65280" (RFC 3597 5), into text[DNS_CODE_TEXT_MAX]; returns text or a
 * constant. */
const char *dns_type_name(uint16_t type, char *text);

/* "NOERROR", "BADVERS", else "RCODE100". */
const char *dns_rcode_name(uint16_t rcode, char *text);

/* "IN", else "CLASS100". */
const char *dns_class_name(uint16_t class, char *text);

/* The inverses, in any case of letters; plain numbers are accepted. False for what is none. */
bool dns_type_parse(const char *text, uint16_t *type);
bool dns_rcode_parse(const char *text, uint16_t *rcode);
bool dns_class_parse(const char *text, uint16_t *class);
