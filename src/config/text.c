/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The text form of a configuration: how it travels from the preflight to supervisor and roles. One
 * "key: value" a line, a list as "key:" and lines "  - value"; texts in double quotes with \"
 * \\ and \xNN. A subset of YAML.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/schema.h"

static const char *const split_words[] = {"destination", "checksum", "flow"};
static const char *const input_words[] = {"live", "mapped", "stream"};

static void print_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void print_tunnels(FILE *out, uint32_t mask)
{
	const char *separator = "";

	if (!mask)
		fputs("none", out);
	for (int i = 0; setting_tunnel_names[i]; i++)
		if (mask & 1u << i) {
			fprintf(out, "%s%s", separator, setting_tunnel_names[i]);
			separator = ",";
		}
}

static void print_lists(FILE *out, const struct config *config, enum setting_kind kind)
{
	if (kind == SETTING_DESTINATIONS)
		for (uint32_t i = 0; i < config->destination_count; i++) {
			fputs("\n  - ", out);
			print_quoted(out, config->destinations[i].text);
		}
	if (kind == SETTING_PORTS)
		for (uint32_t i = 0; i < config->port_count; i++)
			fprintf(out, "\n  - %u", config->ports[i]);
}

static void print_value(FILE *out, const struct config *config, const struct setting *setting)
{
	const void *member = (const char *)config + setting->offset;

	switch (setting->kind) {
	case SETTING_FLAG:
		fputs(*(const bool *)member ? "true" : "false", out);
		break;
	case SETTING_TEXT:
		print_quoted(out, member);
		break;
	case SETTING_NUMBER:
		fprintf(out, "%u", *(const uint32_t *)member);
		break;
	case SETTING_SHARE:
		fprintf(out, "%u/%u", config->share_index + 1, config->share_count);
		break;
	case SETTING_SPLIT:
		fputs(split_words[config->split], out);
		break;
	case SETTING_TUNNELS:
		print_tunnels(out, config->tunnels);
		break;
	case SETTING_INPUT:
		fputs(input_words[config->input], out);
		break;
	default:
		print_lists(out, config, setting->kind);
	}
}

int config_print(const struct config *config, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	long length;

	if (!out)
		return -errno;
	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].kind == SETTING_CHECKSUM)
			continue;
		fprintf(out, "%s: ", settings[i].name);
		print_value(out, config, &settings[i]);
		fputc('\n', out);
	}
	fflush(out);
	length = ferror(out) ? -ENOSPC : ftell(out);
	fclose(out);
	return length >= (long)size ? -ENOSPC : (int)length;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes the quotes off in place. */
static bool unquote(char *value)
{
	char *out = value, *in = value + 1;

	if (*value != '"')
		return true;
	for (; *in && *in != '"'; in++) {
		if (*in != '\\') {
			*out++ = *in;
		} else if (in[1] == 'x' && hex_digit(in[2]) >= 0 && hex_digit(in[3]) >= 0) {
			*out++ = (char)(16 * hex_digit(in[2]) + hex_digit(in[3]));
			in += 3;
		} else if (in[1] == '"' || in[1] == '\\') {
			*out++ = *++in;
		} else {
			return false;
		}
	}
	*out = '\0';
	return *in == '"' && !in[1];
}

static bool parse_line(struct config *config, char *line, const struct setting **list, char *error)
{
	const struct setting *setting = *list;
	char *value = line + 4, *colon;

	if (strncmp(line, "  - ", 4)) {
		colon = strchr(line, ':');
		if (!colon) {
			snprintf(error, CONFIG_ERROR_MAX, "no key");
			return false;
		}
		*colon = '\0';
		*list = setting = setting_find(line);
		value = colon + 1 + strspn(colon + 1, " ");
		if (setting &&
		    (setting->kind == SETTING_DESTINATIONS || setting->kind == SETTING_PORTS) &&
		    !*value)
			return true;
	}
	if (!setting || !unquote(value)) {
		snprintf(error, CONFIG_ERROR_MAX, setting ? "bad quotes" : "unknown key %.64s",
			 line);
		return false;
	}
	return setting_parse(config, setting, value, error);
}

bool config_parse(struct config *config, const char *text, char *error)
{
	const struct setting *list = NULL;
	char line[4 * CONFIG_TEXT_MAX + 64], problem[CONFIG_ERROR_MAX];

	*config = config_default;
	for (unsigned int number = 1; *text; number++) {
		size_t length = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		if (length >= sizeof(line) ||
		    (length && !parse_line(config, line, &list, problem))) {
			snprintf(error, CONFIG_ERROR_MAX, "configuration line %u: %.400s", number,
				 length >= sizeof(line) ? "too long" : problem);
			return false;
		}
		text += length + (text[length] == '\n');
	}
	return true;
}
