/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/sentry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/document.h"
#include "config/schema.h"

#define MILLISECONDS_PER_SECOND 1000

static const char *const required_keys[] = {"host", "port", "rules"};
#define REQUIRED_KEYS (sizeof(required_keys) / sizeof(required_keys[0]))
#define REQUIRED_ALL  ((1u << REQUIRED_KEYS) - 1)

static unsigned int required_bit(const char *key)
{
	for (unsigned int i = 0; i < REQUIRED_KEYS; i++)
		if (!strcmp(required_keys[i], key))
			return 1u << i;
	return 0;
}

/* Looks at the keys of the outermost mapping. */
bool sentry_recognise(struct slice text)
{
	char ignored[SETTING_ERROR_MAX];
	struct document document;
	unsigned int found = 0;
	bool is_key = true;
	int depth = 0;

	if (!document_open(&document, text))
		return false;
	while (found != REQUIRED_ALL && depth <= DOCUMENT_DEPTH_MAX &&
	       document_next(&document, ignored) && document.event != DOCUMENT_END) {
		switch (document.event) {
		case DOCUMENT_MAPPING:
		case DOCUMENT_LIST:
			is_key |= !depth++;
			break;
		case DOCUMENT_MAPPING_END:
		case DOCUMENT_LIST_END:
			is_key ^= --depth == 1;
			break;
		default:
			if (depth == 1 && is_key)
				found |= required_bit(document.value);
			is_key ^= depth == 1;
			break;
		}
	}
	document_close(&document);
	return found == REQUIRED_ALL;
}

/* It binds to what Python takes for an address: "" is any. */
static bool take_host(struct sentry *sentry, const char *value, char *problem)
{
	if (!*value)
		value = "0.0.0.0";
	if (!strcmp(value, "localhost"))
		value = "127.0.0.1";
	return address_parse(value, &sentry->listen.address) ||
	       setting_refuse(problem, "%.99s is no address", value);
}

static bool take_port(struct sentry *sentry, const char *value, char *problem)
{
	char *end;
	const unsigned long port = strtoul(value, &end, 10);

	if (value[strspn(value, "0123456789")] || !port || port > UINT16_MAX)
		return setting_refuse(problem, "%.99s is not a number from 1 to 65535", value);
	sentry->listen.port = (uint16_t)port;
	return true;
}

static bool take_timeout(struct config *config, const char *value, char *problem)
{
	char *end, milliseconds[32], wrong[SETTING_ERROR_MAX - 32];
	const double seconds = strtod(value, &end);

	if (end == value || *end || !(fabs(seconds) < UINT32_MAX))
		return setting_refuse(problem, "%.99s is not a number of seconds", value);
	snprintf(milliseconds, sizeof(milliseconds), "%.0f", seconds * MILLISECONDS_PER_SECOND);
	if (setting_parse(config, schema_find(&schema_config, "proxy.timeout"), milliseconds,
			  problem))
		return true;
	snprintf(wrong, sizeof(wrong), "%s", problem);
	snprintf(problem, SETTING_ERROR_MAX, "in milliseconds, %s", wrong);
	return false;
}

static unsigned int own_bit(const char *key)
{
	static const char *const keys[] = {"host", "port", "resolution_timeout"};

	for (unsigned int i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i], key))
			return 1u << i;
	return 0;
}

bool sentry_has_key(const char *key)
{
	return own_bit(key);
}

bool sentry_note(struct sentry *sentry, const char *key)
{
	const unsigned int bit = own_bit(key);
	const bool is_first = !(sentry->given & bit);

	sentry->given |= bit;
	return is_first;
}

bool sentry_take(struct sentry *sentry, struct config *config, const char *key, const char *value,
		 char *problem)
{
	if (!strcmp(key, "host"))
		return take_host(sentry, value, problem);
	if (!strcmp(key, "port"))
		return take_port(sentry, value, problem);
	return take_timeout(config, value, problem);
}

void sentry_leave_out(struct sentry *sentry, const char *key)
{
	const size_t length = strlen(sentry->left_out);

	snprintf(sentry->left_out + length, sizeof(sentry->left_out) - length, "%s%s",
		 length ? ", " : "", key);
}

bool sentry_settle(const struct sentry *sentry, struct config *config, char *problem)
{
	char listen[ENDPOINT_TEXT_MAX];

	endpoint_format(&sentry->listen, listen);
	return setting_parse(config, schema_find(&schema_config, "proxy.listen"), listen, problem);
}

void sentry_warn(const struct sentry *sentry, const struct config *config, char *text)
{
	const bool is_allow_usual = !strcmp(config->proxy.allow, config_default.proxy.allow);

	snprintf(text, SETTING_ERROR_MAX, "taken for a configuration of Sentry%s%.200s%s",
		 *sentry->left_out ? ": without effect: " : "", sentry->left_out,
		 is_allow_usual ? "; clients outside of private networks need proxy.allow" : "");
}
