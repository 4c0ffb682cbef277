/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema.h"

#define AT(member)                                        \
	.offset = offsetof(struct config_output, member), \
	.size = sizeof(config_output_default.member), .usual = &config_output_default.member

const struct config_output config_output_default = {
	.sample_rate = 1,
	.filter = {.latency_ms_least = -1, .latency_ms_most = -1},
	.except = {.latency_ms_least = -1, .latency_ms_most = -1},
	.privacy = {.client_prefix4 = 32, .client_prefix6 = 128},
	.queue_mib = 4,
	.spool_mib = 64,
	.count = 10,
	.delimiter = "\n",
	.retry_s = 5,
	.facility = 3,
	.severity = 6,
	.app_name = "dnsflow",
	.interval_s = 300,
	.is_cumulative = true,
	.payload_max = 1472,
};

/* Types that have a use for a key. */
#define OF(kind) (1u << OUTPUT_##kind)
#define FILES	 (OF(FILE) | OF(METRICS))
#define SENDERS	 (OF(TCP) | OF(SYSLOG) | OF(RECORDS))
#define STREAMS	 (OF(TCP) | OF(SYSLOG))
#define EVENTS	 (OF(STDOUT) | OF(FILE) | SENDERS)
#define LINES	 (OF(STDOUT) | OF(FILE) | STREAMS)

static const char *const type_words[] = {"stdout",  "file",    "tcp", "syslog",
					 "metrics", "records", NULL};
static const char *const format_words[] = {"text", "json", "yaml", NULL};
static const char *const transport_words[] = {"udp", "tcp", "tls", "unix", NULL};
static const char *const protocol_words[] = {"rfc5424", "rfc3164", "raw", NULL};
static const char *const compress_words[] = {"none", "gzip", "zstd", NULL};
static const char *const clients_words[] = {"plain", "hash", "cryptopan", NULL};
static const char *const qname_words[] = {"whole", "registered", NULL};
static const char *const yes_words[] = {"false", "true", NULL};
static const char *const no_words[] = {"true", "false", NULL};
/* RFC 5424 6.2.1 */
static const char *const facility_words[] = {
	"kern",	  "user",     "mail",	"daemon", "auth",   "syslog", "lpr",   "news",	 "uucp",
	"cron",	  "authpriv", "ftp",	"ntp",	  "audit",  "alert",  "clock", "local0", "local1",
	"local2", "local3",   "local4", "local5", "local6", "local7", NULL};
static const char *const severity_words[] = {"emerg",  "alert", "crit",	 "err", "warning",
					     "notice", "info",	"debug", NULL};

#define OF_EVENTS(member) AT(member), .kinds = EVENTS

/* clang-format off */
#define FILTER(section, member)								\
	{section ".name", 0, SETTING_LIST, OF_EVENTS(member.name)},			\
	{section ".name-file", 0, SETTING_TEXT, OF_EVENTS(member.name_file)},		\
	{section ".list", 0, SETTING_TEXT, OF_EVENTS(member.list)},			\
	{section ".name-regex", 0, SETTING_LIST, OF_EVENTS(member.name_regex)},		\
	{section ".client", 0, SETTING_LIST, OF_EVENTS(member.client)},			\
	{section ".server", 0, SETTING_LIST, OF_EVENTS(member.server)},			\
	{section ".type", 0, SETTING_LIST, OF_EVENTS(member.type)},			\
	{section ".rcode", 0, SETTING_LIST, OF_EVENTS(member.rcode)},			\
	{section ".identity", 0, SETTING_LIST, OF_EVENTS(member.identity)},		\
	{section ".verdict", 0, SETTING_LIST, OF_EVENTS(member.verdict)},		\
	{section ".message", 0, SETTING_LIST, OF_EVENTS(member.message)},		\
	{section ".latency-at-least", 0, SETTING_REAL, OF_EVENTS(member.latency_ms_least)},\
	{section ".latency-at-most", 0, SETTING_REAL, OF_EVENTS(member.latency_ms_most)}
/* clang-format on */

static const struct setting settings[] = {
	{"type", 0, SETTING_WORD, AT(kind), .words = type_words},
	{"name", 0, SETTING_TEXT, AT(name)},
	{"format", 0, SETTING_WORD, AT(format), .words = format_words, .kinds = LINES},
	{"fields", 0, SETTING_LIST, AT(fields), .kinds = LINES},
	{"unanswered", 0, SETTING_FLAG, AT(is_unanswered_wanted), .kinds = LINES},
	{"sample", 0, SETTING_NUMBER, AT(sample_rate), .most = 1000000, .kinds = EVENTS},
	FILTER("filter", filter),
	FILTER("except", except),
	{"privacy.client-prefix4", 0, SETTING_NUMBER, AT(privacy.client_prefix4), .most = 32,
	 .kinds = EVENTS},
	{"privacy.client-prefix6", 0, SETTING_NUMBER, AT(privacy.client_prefix6), .most = 128,
	 .kinds = EVENTS},
	{"privacy.clients", 0, SETTING_WORD, AT(privacy.clients), .words = clients_words,
	 .kinds = EVENTS},
	{"privacy.key-file", 0, SETTING_TEXT, AT(privacy.key_file), .kinds = EVENTS},
	{"privacy.remove-ecs", 0, SETTING_FLAG, AT(privacy.removes_ecs), .kinds = EVENTS},
	{"privacy.qname", 0, SETTING_WORD, AT(privacy.cuts_qname), .words = qname_words,
	 .kinds = EVENTS},
	{"queue", 0, SETTING_POWER, AT(queue_mib), .least = 1, .most = 1024},
	{"spool", 0, SETTING_TEXT, AT(spool)},
	{"spool-size", 0, SETTING_NUMBER, AT(spool_mib), .least = 1, .most = 1048576},

	{"path", 0, SETTING_TEXT, AT(path), .kinds = FILES},
	{"max-size", 0, SETTING_NUMBER, AT(max_size_mib), .most = 1048576, .kinds = FILES},
	{"max-age", 0, SETTING_NUMBER, AT(max_age_s), .most = 366 * 86400, .kinds = FILES},
	{"count", 0, SETTING_NUMBER, AT(count), .most = 1000, .kinds = FILES},
	{"compress", 0, SETTING_WORD, AT(compression), .words = compress_words, .kinds = FILES},
	{"command", 0, SETTING_TEXT, AT(command), .kinds = FILES},

	{"address", 0, SETTING_TEXT, AT(address), .kinds = SENDERS},
	{"endpoint", 0, SETTING_ENDPOINT, AT(endpoint), .is_private = true},
	{"transport", 0, SETTING_WORD, AT(transport), .words = transport_words, .kinds = SENDERS},
	{"delimiter", 0, SETTING_ESCAPED, AT(delimiter), .kinds = OF(TCP)},
	{"retry", 0, SETTING_NUMBER, AT(retry_s), .least = 1, .most = 3600, .kinds = SENDERS},
	{"tls.ca-file", 0, SETTING_TEXT, AT(ca_file), .kinds = STREAMS},
	{"tls.certificate", 0, SETTING_TEXT, AT(certificate), .kinds = STREAMS},
	{"tls.key", 0, SETTING_TEXT, AT(key), .kinds = STREAMS},
	{"tls.server-name", 0, SETTING_TEXT, AT(server_name), .kinds = STREAMS},
	{"tls.verify", 0, SETTING_WORD, AT(is_unverified), .words = no_words, .kinds = STREAMS},

	{"syslog.protocol", 0, SETTING_WORD, AT(syslog), .words = protocol_words,
	 .kinds = OF(SYSLOG)},
	{"syslog.facility", 0, SETTING_WORD, AT(facility), .words = facility_words, .most = 23,
	 .kinds = OF(SYSLOG)},
	{"syslog.severity", 0, SETTING_WORD, AT(severity), .words = severity_words, .most = 7,
	 .kinds = OF(SYSLOG)},
	{"syslog.app-name", 0, SETTING_TEXT, AT(app_name), .kinds = OF(SYSLOG)},
	{"syslog.hostname", 0, SETTING_TEXT, AT(host_name), .kinds = OF(SYSLOG)},

	{"interval", 0, SETTING_NUMBER, AT(interval_s), .least = 1, .most = 86400,
	 .kinds = OF(METRICS)},
	{"cumulative", 0, SETTING_WORD, AT(is_cumulative), .words = yes_words,
	 .kinds = OF(METRICS)},
	{"max-payload", 0, SETTING_NUMBER, AT(payload_max), .least = 256, .most = 1500,
	 .kinds = OF(RECORDS)},
};

const struct schema schema_output = {settings, sizeof(settings) / sizeof(settings[0])};

_Static_assert(sizeof(settings) / sizeof(settings[0]) <= SETTINGS_MAX,
	       "sets of settings are arrays");
