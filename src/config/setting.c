/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/setting.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/outputs.h"
#include "net/decode.h"

static void *member_of(void *base, const struct setting *setting)
{
	return (char *)base + setting->offset;
}

void setting_clear(void *base, const struct setting *setting)
{
	struct config *config = base;

	if (setting->kind == SETTING_DESTINATIONS)
		config->destination_count = 0;
	if (setting->kind == SETTING_PORTS)
		config->port_count = 0;
	if (setting->kind == SETTING_OUTPUTS)
		config->output_count = 0;
	if (setting->kind == SETTING_ENDPOINTS)
		config->proxy.endpoint_count = 0;
	if (setting->kind == SETTING_LIST)
		*(char *)member_of(base, setting) = '\0';
}

bool setting_refuse(char *error, const char *format, ...)
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
	const uint32_t usual = *(const uint32_t *)setting->usual;

	return parse_number(value, setting->least, setting->most, number) ||
	       parse_number(value, usual, usual, number) ||
	       setting_refuse(error, "%.99s is not a number from %u to %u", value, setting->least,
			      setting->most);
}

static bool parse_power(uint32_t *number, const struct setting *setting, const char *value,
			char *error)
{
	return parse_number_setting(number, setting, value, error) &&
	       (!(*number & (*number - 1)) ||
		setting_refuse(error, "%.99s is not a power of two from %u to %u", value,
			       setting->least, setting->most));
}

static bool parse_real(double *real, const char *value, char *error)
{
	double number;
	char *end;

	number = strtod(value, &end);
	if (!strspn(value, "0123456789") || *end || !isfinite(number))
		return setting_refuse(error, "%.99s is not a number that is 0 or more", value);
	*real = number;
	return true;
}

static bool parse_bool(bool *is_true, const char *value, char *error)
{
	*is_true = !strcmp(value, "true");
	return *is_true || !strcmp(value, "false") ||
	       setting_refuse(error, "%.99s is neither true nor false", value);
}

static bool default_flag(const struct setting *setting)
{
	return *(const bool *)setting->usual;
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
		return setting_refuse(error, "longer than %zu characters", setting->size - 1);
	strcpy(out, value);
	return true;
}

/* A backslash before anything else is a backslash. */
static bool parse_escaped(char *out, const struct setting *setting, const char *value, char *error)
{
	static const char letters[] = "nrt\\", meanings[] = "\n\r\t\\";
	const char *const end = out + setting->size - 1;
	const char *letter;

	for (; *value && out < end; value++) {
		letter = *value == '\\' && value[1] ? strchr(letters, value[1]) : NULL;
		*out++ = letter ? meanings[letter - letters] : *value;
		value += letter != NULL;
	}
	*out = '\0';
	return !*value || setting_refuse(error, "longer than %zu characters", setting->size - 1);
}

/* length: of the list so far. */
static bool parse_item(char *list, const struct setting *setting, size_t *length, const char *value,
		       char *error)
{
	const size_t value_length = strlen(value);

	if (!*value)
		return setting_refuse(error, "has an element that is empty");
	if (strchr(value, '\n'))
		return setting_refuse(error, "has an element of more than one line");
	if (value_length >= CONFIG_TEXT_MAX)
		return setting_refuse(error, "has an element of more than %d characters",
				      CONFIG_TEXT_MAX - 1);
	if (*length + 1 + value_length >= setting->size)
		return setting_refuse(error, "longer than %zu characters in all",
				      setting->size - 2);
	if (*length)
		list[(*length)++] = '\n';
	memcpy(list + *length, value, value_length + 1);
	*length += value_length;
	return true;
}

static bool parse_port(struct config *config, const char *value, char *error)
{
	uint32_t port;

	if (!parse_number(value, 0, 65535, &port))
		return setting_refuse(error, "%.99s is not a number from 0 to 65535", value);
	for (uint32_t i = 0; i < config->port_count; i++)
		if (config->ports[i] == port)
			return true;
	if (config->port_count == CONFIG_PORTS_MAX)
		return setting_refuse(error, "too many ports (at most %d)", CONFIG_PORTS_MAX);
	config->ports[config->port_count++] = (uint16_t)port;
	return true;
}

static bool parse_destination(struct config *config, const char *value, char *error)
{
	struct config_destination *destination = &config->destinations[config->destination_count];
	char host[256];
	uint16_t port;

	if (config->destination_count == CONFIG_DESTINATIONS_MAX)
		return setting_refuse(error, "too many udp dsts (at most %d)",
				      CONFIG_DESTINATIONS_MAX);
	if (strlen(value) >= sizeof(destination->text) ||
	    !config_split_host_port(value, host, sizeof(host), &port))
		return setting_refuse(
			error,
			"%.99s is neither an address nor a host name (with :PORT if it is not %d)",
			value, CONFIG_DEFAULT_PORT);
	if (!config_parse_endpoint(value, &destination->endpoint))
		return setting_refuse(error, "%.99s is neither an address nor a host name", value);
	strcpy(destination->text, value);
	destination->endpoint.port = port;
	config->destination_count++;
	return true;
}

static bool parse_endpoint(struct endpoint *endpoint, const char *value, char *error)
{
	return (config_parse_endpoint(value, endpoint) && endpoint->address.version &&
		endpoint->port) ||
	       setting_refuse(error, "%.99s is not an address with a port", value);
}

static bool parse_endpoints(struct config_proxy *proxy, const char *value, char *error)
{
	if (proxy->endpoint_count == CONFIG_LISTEN_MAX)
		return setting_refuse(error, "too many (at most %d)", CONFIG_LISTEN_MAX);
	return parse_endpoint(&proxy->endpoints[proxy->endpoint_count], value, error) &&
	       ++proxy->endpoint_count;
}

static bool parse_share(struct config *config, const char *value, char *error)
{
	unsigned int index, count;
	char excess;

	if (sscanf(value, "%u/%u%c", &index, &count, &excess) != 2 || !index || index > count ||
	    strspn(value, "0123456789/") != strlen(value))
		return setting_refuse(
			error, "%.99s is not a share (i of n is written i/n, 1 <= i <= n)", value);
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

static bool parse_tunnels(struct config *config, const struct setting *setting, const char *value,
			  char *error)
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
		if (!parse_word(word, setting->words, &bit))
			return setting_refuse(
				error,
				"unknown tunnel: %s (none, all, gre, erspan, vxlan, geneve, "
				"gtpu, ipip, 6in4, teredo)",
				word);
		mask |= 1u << bit;
		at += length + (at[length] == ',');
	}
	config->tunnels = mask;
	return true;
}

/* "a, b or c" */
static void join_words(const char *const *words, char *text, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; words[i] && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s",
					   !i		  ? ""
					   : words[i + 1] ? ", "
							  : " or ",
					   words[i]);
}

static bool parse_word_setting(void *member, const struct setting *setting, const char *value,
			       char *error)
{
	uint32_t found;
	char words[SETTING_ERROR_MAX - 128];

	if (!parse_word(value, setting->words, &found) &&
	    !(setting->most && parse_number(value, 0, setting->most, &found))) {
		join_words(setting->words, words, sizeof(words));
		return setting_refuse(error, "%.99s is not %s", value, words);
	}
	if (setting->size == sizeof(bool))
		*(bool *)member = found;
	else
		*(uint32_t *)member = found;
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

/* Of pcap-port and jmirror-port the later one shapes the generated filter. */
static bool parse_tunnel_port(struct config *config, const struct setting *setting,
			      const char *value, char *error)
{
	uint32_t *port = member_of(config, setting);

	config->is_jmirror_last = port == &config->jmirror_port;
	return parse_number_setting(port, setting, value, error);
}

bool setting_append(void *base, const struct setting *setting, size_t *length, const char *value,
		    char *error)
{
	if (setting->kind == SETTING_LIST)
		return parse_item(member_of(base, setting), setting, length, value, error);
	return setting_parse(base, setting, value, error);
}

bool setting_parse(void *base, const struct setting *setting, const char *value, char *error)
{
	void *member = member_of(base, setting);
	size_t length;

	switch (setting->kind) {
	case SETTING_FLAG:
		return parse_flag(member, setting, value, error);
	case SETTING_TEXT:
		return parse_text(member, setting, value, error);
	case SETTING_ESCAPED:
		return parse_escaped(member, setting, value, error);
	case SETTING_LIST:
		length = strlen(member);
		return parse_item(member, setting, &length, value, error);
	case SETTING_NUMBER:
		return parse_number_setting(member, setting, value, error);
	case SETTING_POWER:
		return parse_power(member, setting, value, error);
	case SETTING_REAL:
		return parse_real(member, value, error);
	case SETTING_WORD:
		return parse_word_setting(member, setting, value, error);
	case SETTING_ENDPOINT:
		return parse_endpoint(member, value, error);
	case SETTING_ENDPOINTS:
		return parse_endpoints(&((struct config *)base)->proxy, value, error);
	case SETTING_DESTINATIONS:
		return parse_destination(base, value, error);
	case SETTING_PORTS:
		return parse_port(base, value, error);
	case SETTING_TUNNEL_PORT:
		return parse_tunnel_port(base, setting, value, error);
	case SETTING_SHARE:
		return parse_share(base, value, error);
	case SETTING_CHECKSUM:
		return parse_checksum(base, value, error);
	case SETTING_TUNNELS:
		return parse_tunnels(base, setting, value, error);
	case SETTING_OUTPUTS:
		return outputs_parse(base, value, error);
	}
	return setting_refuse(error, "unknown kind");
}
