/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/setting.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/decode.h"

static const char *const split_words[] = {"destination", "checksum", "flow", NULL};
static const char *const input_words[] = {"live", "mapped", "stream", NULL};
/* In the order of their bits. */
static const char *const tunnel_words[] = {"gre",  "erspan", "vxlan",  "geneve", "gtpu",
					   "ipip", "6in4",   "teredo", NULL};

bool setting_is_list(const struct setting *setting)
{
	return setting->kind == SETTING_DESTINATIONS || setting->kind == SETTING_PORTS;
}

void setting_clear(struct config *config, const struct setting *setting)
{
	if (setting->kind == SETTING_DESTINATIONS)
		config->destination_count = 0;
	if (setting->kind == SETTING_PORTS)
		config->port_count = 0;
}

static bool fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(char *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, SETTING_ERROR_MAX, format, arguments);
	va_end(arguments);
	return false;
}

/* Base 0 as strtol knows it: decimal, 0x.., 0..; nothing may follow. */
static bool parse_number(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || value < least || value > most)
		return false;
	*number = (uint32_t)value;
	return true;
}

/* A default may lie outside of the range: 0 for off. */
static bool parse_number_setting(uint32_t *number, const struct setting *setting, const char *value,
				 char *error)
{
	uint32_t usual =
		*(const uint32_t *)(const void *)((const char *)&config_default + setting->offset);

	return parse_number(value, setting->least, setting->most, number) ||
	       parse_number(value, usual, usual, number) ||
	       fail(error, "%.99s is not a number from %u to %u", value, setting->least,
		    setting->most);
}

static bool parse_bool(bool *is_true, const char *value, char *error)
{
	*is_true = !strcmp(value, "true");
	return *is_true || !strcmp(value, "false") ||
	       fail(error, "%.99s is neither true nor false", value);
}

static bool default_flag(const struct setting *setting)
{
	return *((const bool *)&config_default + setting->offset);
}

static bool parse_flag(bool *flag, const struct setting *setting, const char *value, char *error)
{
	bool is_true;

	if (!parse_bool(&is_true, value, error))
		return false;
	*flag = is_true != default_flag(setting);
	return true;
}

static bool parse_text(char *out, const struct setting *setting, const char *value, char *error)
{
	if (strlen(value) >= setting->size)
		return fail(error, "longer than %zu characters", setting->size - 1);
	strcpy(out, value);
	return true;
}

static bool parse_port(struct config *config, const char *value, char *error)
{
	uint32_t port;

	if (!parse_number(value, 0, 65535, &port))
		return fail(error, "%.99s is not a number from 0 to 65535", value);
	for (uint32_t i = 0; i < config->port_count; i++)
		if (config->ports[i] == port)
			return true;
	if (config->port_count == CONFIG_PORTS_MAX)
		return fail(error, "too many ports (at most %d)", CONFIG_PORTS_MAX);
	config->ports[config->port_count++] = (uint16_t)port;
	return true;
}

bool config_split_host_port(const char *text, char *host, size_t host_size, uint16_t *port)
{
	const char *end = text + strlen(text), *colon = strrchr(text, ':');
	uint32_t number = CONFIG_DEFAULT_PORT;
	struct address address;

	if (*text == '[') {
		end = strchr(text++, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		colon = end[1] ? end + 1 : NULL;
	} else if (address_parse(text, &address)) {
		colon = NULL;
	} else if (colon) {
		end = colon;
	}
	if (colon && !parse_number(colon + 1, 1, 65535, &number))
		return false;
	if (end <= text || (size_t)(end - text) >= host_size)
		return false;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	*port = (uint16_t)number;
	return true;
}

/* A name has letters, digits, '-', '.', '_' and at least one letter: "1.2.3" is a mistyped address,
 * not a name. */
static bool is_host_name(const char *host)
{
	bool has_letter = false;

	for (; *host; host++) {
		bool is_letter = (*host | 0x20) >= 'a' && (*host | 0x20) <= 'z';

		if (!is_letter && !(*host >= '0' && *host <= '9') && !strchr("-._", *host))
			return false;
		has_letter |= is_letter;
	}
	return has_letter;
}

static bool parse_destination(struct config *config, const char *value, char *error)
{
	struct config_destination *destination = &config->destinations[config->destination_count];
	char host[256];
	uint16_t port;

	if (config->destination_count == CONFIG_DESTINATIONS_MAX)
		return fail(error, "too many udp dsts (at most %d)", CONFIG_DESTINATIONS_MAX);
	if (strlen(value) >= sizeof(destination->text) ||
	    !config_split_host_port(value, host, sizeof(host), &port))
		return fail(
			error,
			"%.99s is neither an address nor a host name (with :PORT if it is not %d)",
			value, CONFIG_DEFAULT_PORT);
	strcpy(destination->text, value);
	destination->endpoint.port = port;
	if (!address_parse(host, &destination->endpoint.address) && !is_host_name(host))
		return fail(error, "%.99s is neither an address nor a host name", value);
	config->destination_count++;
	return true;
}

static bool parse_share(struct config *config, const char *value, char *error)
{
	unsigned int index, count;
	char excess;

	if (sscanf(value, "%u/%u%c", &index, &count, &excess) != 2 || !index || index > count ||
	    strspn(value, "0123456789/") != strlen(value))
		return fail(error, "%.99s is not a share (i of n is written i/n, 1 <= i <= n)",
			    value);
	config->share_index = index - 1;
	config->share_count = count;
	return true;
}

static bool parse_word(const char *value, const char *const *words, uint32_t *found)
{
	for (*found = 0; words[*found]; ++*found)
		if (!strcmp(words[*found], value))
			return true;
	return false;
}

static bool parse_tunnels(struct config *config, const char *value, char *error)
{
	uint32_t mask = 0, bit;
	char word[16];

	config->are_tunnels_set = true;
	if (!strcmp(value, "none") || !strcmp(value, "all")) {
		config->tunnels = *value == 'a' ? TUNNEL_ALL : 0;
		return true;
	}
	for (const char *at = value; *at;) {
		size_t length = strcspn(at, ",");

		snprintf(word, sizeof(word), "%.*s", (int)length, at);
		if (!parse_word(word, tunnel_words, &bit))
			return fail(error,
				    "unknown tunnel: %s (none, all, gre, erspan, vxlan, geneve, "
				    "gtpu, ipip, 6in4, teredo)",
				    word);
		mask |= 1u << bit;
		at += length + (at[length] == ',');
	}
	config->tunnels = mask;
	return true;
}

static bool parse_split(struct config *config, const char *value, char *error)
{
	uint32_t split;

	if (!parse_word(value, split_words, &split))
		return fail(error, "%.99s is not destination, checksum or flow", value);
	config->split = split;
	return true;
}

static bool parse_checksum(struct config *config, const char *value, char *error)
{
	bool is_true;

	if (!parse_bool(&is_true, value, error))
		return false;
	if (is_true)
		config->split = SPLIT_CHECKSUM;
	return true;
}

static bool parse_input(struct config *config, const char *value, char *error)
{
	uint32_t input;

	if (!parse_word(value, input_words, &input))
		return fail(error, "%.99s is not live, mapped or stream", value);
	config->input = input;
	return true;
}

bool setting_parse(struct config *config, const struct setting *setting, const char *value,
		   char *error)
{
	void *member = (char *)config + setting->offset;

	switch (setting->kind) {
	case SETTING_FLAG:
		return parse_flag(member, setting, value, error);
	case SETTING_TEXT:
		return parse_text(member, setting, value, error);
	case SETTING_NUMBER:
		if (member == &config->pcap_port || member == &config->jmirror_port)
			config->is_jmirror_last = member == &config->jmirror_port;
		return parse_number_setting(member, setting, value, error);
	case SETTING_DESTINATIONS:
		return parse_destination(config, value, error);
	case SETTING_PORTS:
		return parse_port(config, value, error);
	case SETTING_SHARE:
		return parse_share(config, value, error);
	case SETTING_SPLIT:
		return parse_split(config, value, error);
	case SETTING_CHECKSUM:
		return parse_checksum(config, value, error);
	case SETTING_TUNNELS:
		return parse_tunnels(config, value, error);
	case SETTING_INPUT:
		return parse_input(config, value, error);
	}
	return fail(error, "unknown kind");
}

uint32_t setting_count(const struct config *config, const struct setting *setting)
{
	switch (setting->kind) {
	case SETTING_DESTINATIONS:
		return config->destination_count;
	case SETTING_PORTS:
		return config->port_count;
	case SETTING_TUNNELS:
		return config->are_tunnels_set;
	case SETTING_CHECKSUM:
		return 0;
	default:
		return 1;
	}
}

static void format_tunnels(uint32_t mask, char *text)
{
	size_t length = 0;

	strcpy(text, "none");
	for (int i = 0; tunnel_words[i]; i++)
		if (mask & 1u << i)
			length += (size_t)sprintf(text + length, "%s%s", length ? "," : "",
						  tunnel_words[i]);
}

void setting_format(const struct config *config, const struct setting *setting, uint32_t index,
		    char text[CONFIG_TEXT_MAX])
{
	const void *member = (const char *)config + setting->offset;

	switch (setting->kind) {
	case SETTING_FLAG:
		strcpy(text, *(const bool *)member != default_flag(setting) ? "true" : "false");
		break;
	case SETTING_TEXT:
		strcpy(text, member);
		break;
	case SETTING_NUMBER:
		sprintf(text, "%u", *(const uint32_t *)member);
		break;
	case SETTING_DESTINATIONS:
		strcpy(text, config->destinations[index].text);
		break;
	case SETTING_PORTS:
		sprintf(text, "%u", config->ports[index]);
		break;
	case SETTING_SHARE:
		sprintf(text, "%u/%u", config->share_index + 1, config->share_count);
		break;
	case SETTING_SPLIT:
	case SETTING_CHECKSUM:
		strcpy(text, split_words[config->split]);
		break;
	case SETTING_TUNNELS:
		format_tunnels(config->tunnels, text);
		break;
	case SETTING_INPUT:
		strcpy(text, input_words[config->input]);
		break;
	}
}
