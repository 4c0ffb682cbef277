/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/setting.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool setting_is_list(const struct setting *setting)
{
	return setting->kind == SETTING_DESTINATIONS || setting->kind == SETTING_PORTS ||
	       setting->kind == SETTING_LIST || setting->kind == SETTING_OUTPUTS ||
	       setting->kind == SETTING_ENDPOINTS;
}

bool setting_is_text(const struct setting *setting)
{
	return setting->kind == SETTING_TEXT || setting->kind == SETTING_ESCAPED ||
	       setting->kind == SETTING_LIST || setting->kind == SETTING_ENDPOINT ||
	       setting->kind == SETTING_ENDPOINTS || setting->kind == SETTING_DESTINATIONS;
}

static const void *value_of(const void *base, const struct setting *setting)
{
	return (const char *)base + setting->offset;
}

static uint32_t count_items(const char *list)
{
	uint32_t count = *list != '\0';

	for (; *list; list++)
		count += *list == '\n';
	return count;
}

uint32_t setting_count(const void *base, const struct setting *setting)
{
	const struct config *config = base;

	switch (setting->kind) {
	case SETTING_LIST:
		return count_items(value_of(base, setting));
	case SETTING_REAL:
		return *(const double *)value_of(base, setting) >= 0;
	case SETTING_ENDPOINT:
		return ((const struct endpoint *)value_of(base, setting))->address.version != 0;
	case SETTING_ENDPOINTS:
		return config->proxy.endpoint_count;
	case SETTING_DESTINATIONS:
		return config->destination_count;
	case SETTING_PORTS:
		return config->port_count;
	case SETTING_TUNNELS:
		return config->are_tunnels_set;
	case SETTING_OUTPUTS:
		return config->output_count;
	case SETTING_CHECKSUM:
		return 0;
	default:
		return 1;
	}
}

static void format_tunnels(uint32_t mask, const char *const *words, char *text)
{
	size_t length = 0;

	strcpy(text, "none");
	for (int i = 0; words[i]; i++)
		if (mask & 1u << i)
			length +=
				(size_t)sprintf(text + length, "%s%s", length ? "," : "", words[i]);
}

/* The backslash alone must not be taken for more. */
static void format_escaped(const char *value, char *text)
{
	for (; *value; value++) {
		if (*value == '\\')
			*text++ = '\\';
		*text++ = *value;
	}
	*text = '\0';
}

static bool next_item(const char *list, struct setting_place *place, char *text)
{
	const char *item = list + place->offset;
	const size_t length = strcspn(item, "\n");

	assert(length < CONFIG_TEXT_MAX);
	memcpy(text, item, length);
	text[length] = '\0';
	place->offset += length + (item[length] == '\n');
	return length > 0;
}

static void format_item(const char *list, uint32_t index, char *text)
{
	struct setting_place place = {0};

	do
		next_item(list, &place, text);
	while (index--);
}

static uint32_t word_index(const void *member, const struct setting *setting)
{
	return setting->size == sizeof(bool) ? *(const bool *)member : *(const uint32_t *)member;
}

/* With as many digits as it takes to be read as the same. */
static void format_real(double real, char *text)
{
	int digits = 6;

	do
		sprintf(text, "%.*g", digits, real);
	while (strtod(text, NULL) != real && digits++ < 17);
}

void setting_format(const void *base, const struct setting *setting, uint32_t index,
		    char text[CONFIG_TEXT_MAX])
{
	const void *member = value_of(base, setting);
	const struct config *config = base;

	*text = '\0';
	switch (setting->kind) {
	case SETTING_FLAG:
		strcpy(text,
		       *(const bool *)member != *(const bool *)setting->usual ? "true" : "false");
		break;
	case SETTING_TEXT:
		strcpy(text, member);
		break;
	case SETTING_ESCAPED:
		format_escaped(member, text);
		break;
	case SETTING_LIST:
		format_item(member, index, text);
		break;
	case SETTING_NUMBER:
	case SETTING_POWER:
	case SETTING_TUNNEL_PORT:
		sprintf(text, "%u", *(const uint32_t *)member);
		break;
	case SETTING_REAL:
		format_real(*(const double *)member, text);
		break;
	case SETTING_WORD:
		strcpy(text, setting->words[word_index(member, setting)]);
		break;
	case SETTING_ENDPOINT:
		endpoint_format(member, text);
		break;
	case SETTING_ENDPOINTS:
		endpoint_format(&config->proxy.endpoints[index], text);
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
	case SETTING_TUNNELS:
		format_tunnels(config->tunnels, setting->words, text);
		break;
	case SETTING_CHECKSUM:
	case SETTING_OUTPUTS:
		break;
	}
}

bool setting_next(const void *base, const struct setting *setting, struct setting_place *place,
		  char text[CONFIG_TEXT_MAX])
{
	if (setting->kind == SETTING_LIST)
		return next_item(value_of(base, setting), place, text);
	if (place->index >= setting_count(base, setting))
		return false;
	setting_format(base, setting, place->index++, text);
	return true;
}

/* Goes to where both cease to have the same; false when they never do. */
static bool find_difference(const void *base, const void *other, const struct setting *setting,
			    struct setting_place *place)
{
	struct setting_place next = {0}, other_next = {0};
	char text[CONFIG_TEXT_MAX], other_text[CONFIG_TEXT_MAX];
	bool is_there, is_there_too;

	do {
		*place = next;
		is_there = setting_next(base, setting, &next, text);
		is_there_too = setting_next(other, setting, &other_next, other_text);
		if (is_there != is_there_too)
			return true;
	} while (is_there && !strcmp(text, other_text));
	return is_there;
}

bool setting_is_same(const void *base, const void *other, const struct setting *setting)
{
	struct setting_place place;

	return !find_difference(base, other, setting, &place);
}

/* False when the text had to be cut. */
static bool join(const void *base, const struct setting *setting, struct setting_place place,
		 char *text, size_t size)
{
	static const char cut[] = "...";
	char value[CONFIG_TEXT_MAX];
	const bool is_behind = place.index || place.offset;
	const char *separator = is_behind ? "," : "";
	size_t length = (size_t)snprintf(text, size, "%s", is_behind ? cut : "");

	while (length < size && setting_next(base, setting, &place, value)) {
		length += (size_t)snprintf(text + length, size - length, "%s%s", separator, value);
		separator = ",";
	}
	if (length < size)
		return true;
	strcpy(text + size - sizeof(cut), cut);
	return false;
}

void setting_join(const void *base, const struct setting *setting, char *text, size_t size)
{
	join(base, setting, (struct setting_place){0}, text, size);
}

void setting_join_from(const void *base, const void *other, const struct setting *setting,
		       char *text, size_t size)
{
	struct setting_place place = {0};

	if (join(other, setting, place, text, size) && join(base, setting, place, text, size))
		return;
	find_difference(base, other, setting, &place);
	join(base, setting, place, text, size);
}
