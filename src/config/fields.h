/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>

/*
 * What the fields of a record are called: in the first part those of spec/dnstap-receiver.md 5,
 * then those beyond it. What each says is in aggregator/outputs/field.c.
 */
#define CONFIG_FIELDS(FIELD)                          \
	FIELD(IDENTITY, "identity")                   \
	FIELD(QNAME, "qname")                         \
	FIELD(RRTYPE, "rrtype")                       \
	FIELD(QUERY_IP, "query-ip")                   \
	FIELD(QUERY_PORT, "query-port")               \
	FIELD(RESPONSE_IP, "response-ip")             \
	FIELD(RESPONSE_PORT, "response-port")         \
	FIELD(LATENCY, "latency")                     \
	FIELD(MESSAGE, "message")                     \
	FIELD(FAMILY, "family")                       \
	FIELD(PROTOCOL, "protocol")                   \
	FIELD(LENGTH, "length")                       \
	FIELD(TIMESTAMP, "timestamp")                 \
	FIELD(TYPE, "type")                           \
	FIELD(RCODE, "rcode")                         \
	FIELD(ID, "id")                               \
	FIELD(COUNTRY, "country")                     \
	FIELD(CITY, "city")                           \
	FIELD(DATETIME, "datetime")                   \
	FIELD(LATENCY_US, "latency-us")               \
	FIELD(TIMESTAMP_NS, "timestamp-ns")           \
	FIELD(OPCODE, "opcode")                       \
	FIELD(QR, "qr")                               \
	FIELD(AA, "aa")                               \
	FIELD(TC, "tc")                               \
	FIELD(RD, "rd")                               \
	FIELD(RA, "ra")                               \
	FIELD(AD, "ad")                               \
	FIELD(CD, "cd")                               \
	FIELD(CLASS, "class")                         \
	FIELD(VERDICT, "verdict")                     \
	FIELD(RULE, "rule")                           \
	FIELD(UNANSWERED, "unanswered")               \
	FIELD(REGISTERED_DOMAIN, "registered-domain") \
	FIELD(SRC_IP, "src-ip")                       \
	FIELD(SRC_PORT, "src-port")                   \
	FIELD(DST_IP, "dst-ip")                       \
	FIELD(DST_PORT, "dst-port")                   \
	FIELD(AS_NUMBER, "as-number")                 \
	FIELD(AS_NAME, "as-name")                     \
	FIELD(ECS, "ecs")

#define CONFIG_FIELD(number, name) CONFIG_FIELD_##number,
enum config_field { CONFIG_FIELDS(CONFIG_FIELD) CONFIG_FIELD_COUNT };
#undef CONFIG_FIELD

const char *fields_name(enum config_field number);

/* Lists are texts with newlines between names (config/output.h). fields_take gives the number of
 * the first name, and moves *list behind it; CONFIG_FIELD_COUNT when none has that name, or at the
 * end. */
enum config_field fields_take(const char **list);
bool fields_has(const char *list, enum config_field number);

/* False with what is wrong in problem[FIELDS_PROBLEM_MAX]: an unknown name and the nearest known,
 * or one that is there twice. */
#define FIELDS_PROBLEM_MAX 256
bool fields_check(const char *list, char *problem);
