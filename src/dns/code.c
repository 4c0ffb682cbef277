/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Found by number in arrays; by name, which only a person's input needs, by looking through them.
 */
#include "dns/code.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define RCODE_MAX    0x0fff /* with the bits of EDNS (RFC 6891 6.1.3) */

static const char *const types[] = {
	[1] = "A",	   [2] = "NS",	    [3] = "MD",		 [4] = "MF",
	[5] = "CNAME",	   [6] = "SOA",	    [7] = "MB",		 [8] = "MG",
	[9] = "MR",	   [10] = "NULL",   [11] = "WKS",	 [12] = "PTR",
	[13] = "HINFO",	   [14] = "MINFO",  [15] = "MX",	 [16] = "TXT",
	[17] = "RP",	   [18] = "AFSDB",  [19] = "X25",	 [20] = "ISDN",
	[21] = "RT",	   [22] = "NSAP",   [23] = "NSAP-PTR",	 [24] = "SIG",
	[25] = "KEY",	   [26] = "PX",	    [27] = "GPOS",	 [28] = "AAAA",
	[29] = "LOC",	   [30] = "NXT",    [31] = "EID",	 [32] = "NIMLOC",
	[33] = "SRV",	   [34] = "ATMA",   [35] = "NAPTR",	 [36] = "KX",
	[37] = "CERT",	   [38] = "A6",	    [39] = "DNAME",	 [40] = "SINK",
	[41] = "OPT",	   [42] = "APL",    [43] = "DS",	 [44] = "SSHFP",
	[45] = "IPSECKEY", [46] = "RRSIG",  [47] = "NSEC",	 [48] = "DNSKEY",
	[49] = "DHCID",	   [50] = "NSEC3",  [51] = "NSEC3PARAM", [52] = "TLSA",
	[53] = "SMIMEA",   [55] = "HIP",    [56] = "NINFO",	 [57] = "RKEY",
	[58] = "TALINK",   [59] = "CDS",    [60] = "CDNSKEY",	 [61] = "OPENPGPKEY",
	[62] = "CSYNC",	   [63] = "ZONEMD", [64] = "SVCB",	 [65] = "HTTPS",
	[66] = "DSYNC",	   [67] = "HHIT",   [68] = "BRID",	 [99] = "SPF",
	[100] = "UINFO",   [101] = "UID",   [102] = "GID",	 [103] = "UNSPEC",
	[104] = "NID",	   [105] = "L32",   [106] = "L64",	 [107] = "LP",
	[108] = "EUI48",   [109] = "EUI64", [128] = "NXNAME",	 [249] = "TKEY",
	[250] = "TSIG",	   [251] = "IXFR",  [252] = "AXFR",	 [253] = "MAILB",
	[254] = "MAILA",   [255] = "ANY",   [256] = "URI",	 [257] = "CAA",
	[258] = "AVC",	   [259] = "DOA",   [260] = "AMTRELAY",	 [261] = "RESINFO",
	[262] = "WALLET",  [263] = "CLA",   [264] = "IPN",
};

/* From 32768 on. */
static const char *const late_types[] = {"TA", "DLV"};

static const char *const rcodes[] = {
	[0] = "NOERROR",   [1] = "FORMERR",    [2] = "SERVFAIL", [3] = "NXDOMAIN", [4] = "NOTIMP",
	[5] = "REFUSED",   [6] = "YXDOMAIN",   [7] = "YXRRSET",	 [8] = "NXRRSET",  [9] = "NOTAUTH",
	[10] = "NOTZONE",  [11] = "DSOTYPENI", [16] = "BADVERS", /* of TSIG: BADSIG */
	[17] = "BADKEY",   [18] = "BADTIME",   [19] = "BADMODE", [20] = "BADNAME", [21] = "BADALG",
	[22] = "BADTRUNC", [23] = "BADCOOKIE",
};

static const char *const classes[] = {
	[1] = "IN", [3] = "CH", [4] = "HS", [254] = "NONE", [255] = "ANY",
};

/* The names of numbers from first on. */
struct table {
	const char *const *names;
	unsigned count;
	uint16_t first;
};

static const struct table type_table = {types, COUNT(types), 0};
static const struct table late_type_table = {late_types, COUNT(late_types), 32768};
static const struct table rcode_table = {rcodes, COUNT(rcodes), 0};
static const struct table class_table = {classes, COUNT(classes), 0};

static const char *table_name(const struct table *table, uint16_t number)
{
	unsigned at = (unsigned)number - table->first; /* below first it wraps to beyond count */

	return at < table->count ? table->names[at] : NULL;
}

static bool table_parse(const struct table *table, const char *text, uint16_t *number)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (table->names[i] && !strcasecmp(table->names[i], text)) {
			*number = (uint16_t)(table->first + i);
			return true;
		}
	}
	return false;
}

static const char *name_or_number(const char *name, const char *prefix, uint16_t number, char *text)
{
	if (name)
		return name;
	snprintf(text, DNS_CODE_TEXT_MAX, "%s%u", prefix, number);
	return text;
}

/* Digits, with or without the prefix before them. */
static bool number_parse(const char *text, const char *prefix, unsigned max, uint16_t *number)
{
	unsigned value = 0;

	if (!strncasecmp(text, prefix, strlen(prefix)))
		text += strlen(prefix);
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > max)
			return false;
	}
	*number = (uint16_t)value;
	return true;
}

const char *dns_type_name(uint16_t type, char *text)
{
	const char *name = table_name(&type_table, type);

	if (!name)
		name = table_name(&late_type_table, type);
	return name_or_number(name, "TYPE", type, text);
}

const char *dns_rcode_name(uint16_t rcode, char *text)
{
	return name_or_number(table_name(&rcode_table, rcode), "RCODE", rcode, text);
}

const char *dns_class_name(uint16_t class, char *text)
{
	return name_or_number(table_name(&class_table, class), "CLASS", class, text);
}

bool dns_type_parse(const char *text, uint16_t *type)
{
	return table_parse(&type_table, text, type) || table_parse(&late_type_table, text, type) ||
	       number_parse(text, "TYPE", UINT16_MAX, type);
}

bool dns_rcode_parse(const char *text, uint16_t *rcode)
{
	return table_parse(&rcode_table, text, rcode) ||
	       number_parse(text, "RCODE", RCODE_MAX, rcode);
}

bool dns_class_parse(const char *text, uint16_t *class)
{
	return table_parse(&class_table, text, class) ||
	       number_parse(text, "CLASS", UINT16_MAX, class);
}
