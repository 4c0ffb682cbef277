/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/rules.h"

#include <stdio.h>
#include <string.h>

#include "config/outputs.h"
#include "config/schema.h"
#include "config/text.h"
#include "rules/rule.h"

#define RULE_SHOWN_MAX	  60
#define PROBLEM_SHOWN_MAX 190		 /* of what is wrong with it */
#define MARK		  "\xef\xbb\xbf" /* of UTF-8, before a text */

/* What is not printable becomes \xNN: what does not fit is left out. */
static void escape(const char *text, char *out, size_t size)
{
	for (; *text && size > strlen("\\xNN"); text++) {
		bool is_printable = *text >= ' ' && *text <= '~';
		int length = snprintf(out, size, is_printable ? "%c" : "\\x%02x", (uint8_t)*text);

		out += length;
		size -= (size_t)length;
	}
	*out = '\0';
}

/* Behind something. */
static bool has_comment(const char *text)
{
	text += strspn(text, " \t");
	return strstr(text, " #") || strstr(text, "\t#");
}

static void tell(char *problem, const char *wrong, const char *text)
{
	char line[SETTING_ERROR_MAX];

	snprintf(line, sizeof(line), "%.*s%s: %.*s%s", PROBLEM_SHOWN_MAX, wrong,
		 has_comment(text) ? " (comments need a line of their own)" : "", RULE_SHOWN_MAX,
		 text, strlen(text) > RULE_SHOWN_MAX ? "..." : "");
	escape(line, problem, SETTING_ERROR_MAX);
}

bool rules_check(const char *text, char *problem)
{
	char wrong[RULE_ERROR_MAX];
	struct rule rule;

	if (rule_parse(text, &rule, wrong))
		return true;
	tell(problem, wrong, text);
	return false;
}

bool rules_doubt(const char *text, char *problem)
{
	char doubt[RULE_ERROR_MAX];
	struct rule rule;

	if (!rule_parse_known(text, &rule) || !rule_is_doubtful(&rule, doubt))
		return false;
	tell(problem, doubt, text);
	return true;
}

void rules_doubts_add(struct rules_doubts *doubts, const char *place, const char *problem)
{
	if (!doubts->count++)
		snprintf(doubts->first, sizeof(doubts->first), "%.160s: %.300s", place, problem);
}

void rules_doubts_tell(const struct rules_doubts *doubts, char *line)
{
	*line = '\0';
	if (doubts->count > 1)
		snprintf(line, CONFIG_ERROR_MAX, "%.470s, and %zu more such", doubts->first,
			 doubts->count - 1);
	else if (doubts->count)
		snprintf(line, CONFIG_ERROR_MAX, "%s", doubts->first);
}

bool rules_resolve(const struct config *config)
{
	const struct setting *setting = schema_find(&schema_config, "rules");
	struct setting_place place = {0};
	char text[CONFIG_TEXT_MAX];
	struct rule rule;

	while (setting_next(config, setting, &place, text))
		if (rule_parse_known(text, &rule) && rule.action == RULE_RESOLVE && !rule.is_shadow)
			return true;
	return false;
}

static bool is_name(const char *text, size_t length)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	return length && length < LISTS_NAME_MAX && strspn(text, letters) >= length;
}

/* Takes the format off the text; without one it is told by what the file has. */
static bool take_format(const char **text, enum list_format *format)
{
	const size_t length = strcspn(*text, ":/");
	char word[LISTS_NAME_MAX];

	*format = LIST_AUTO;
	if ((*text)[length] != ':')
		return true;
	snprintf(word, sizeof(word), "%.*s", (int)length, *text);
	*text += length + 1;
	return length < sizeof(word) && list_format_parse(word, format);
}

bool rules_list_parse(const char *text, struct rules_list *list, char *problem)
{
	const size_t length = strcspn(text, "=");
	const char *file = text + length + 1;

	if (!text[length] || !is_name(text, length))
		return setting_refuse(
			problem,
			"%.99s is not NAME=[FORMAT:]FILE; a name has letters, digits, "
			"'-', '_' and '.'",
			text);
	snprintf(list->name, sizeof(list->name), "%.*s", (int)length, text);
	if (!take_format(&file, &list->format))
		return setting_refuse(problem,
				      "%.99s has another format than auto, names, hosts, adblock, "
				      "dnsmasq and rpz",
				      text);
	if (!*file || strlen(file) >= sizeof(list->file))
		return setting_refuse(problem, "%.99s has no file, or one with too long a name",
				      text);
	strcpy(list->file, file);
	return true;
}

bool rules_list_check(const char *text, char *problem)
{
	struct rules_list list;

	return rules_list_parse(text, &list, problem);
}

/* Adds a line, if there is a rule in it. Doubts about it go to doubt, which is "" without any. */
static bool read_line(struct config *config, struct slice line, size_t *length, char *doubt,
		      char *problem)
{
	char rule[RULE_TEXT_MAX];

	*doubt = '\0';
	if (line.length >= sizeof(rule) || memchr(line.data, '\0', line.length)) {
		snprintf(problem, SETTING_ERROR_MAX, "a rule has at most %d octets, and no NUL",
			 RULE_TEXT_MAX - 1);
		return false;
	}
	memcpy(rule, line.data, line.length);
	rule[line.length] = '\0';
	if (*rule == '#' || !rule[strspn(rule, " \t\r")])
		return true;
	if (!rules_check(rule, problem))
		return false;
	rules_doubt(rule, doubt);
	return setting_append(config, schema_find(&schema_config, "rules"), length, rule, problem);
}

bool rules_read(struct config *config, const char *name, struct slice text, char *error)
{
	size_t length = strlen(config->rules), number = 0;
	char problem[SETTING_ERROR_MAX], doubt[SETTING_ERROR_MAX], place[CONFIG_ERROR_MAX];
	struct rules_doubts doubts = {0};

	if (text.length >= sizeof(MARK) - 1 && !memcmp(text.data, MARK, sizeof(MARK) - 1))
		text = (struct slice){text.data + sizeof(MARK) - 1, text.length - sizeof(MARK) + 1};
	while (text.length) {
		const uint8_t *end = memchr(text.data, '\n', text.length);
		struct slice line = {text.data, end ? (size_t)(end - text.data) : text.length};

		number++;
		text.data += line.length + (end != NULL);
		text.length -= line.length + (end != NULL);
		if (line.length && line.data[line.length - 1] == '\r')
			line.length--;
		snprintf(place, sizeof(place), "%.140s:%zu", name, number);
		if (!read_line(config, line, &length, doubt, problem)) {
			snprintf(error, CONFIG_ERROR_MAX, "%.160s: %.300s", place, problem);
			return false;
		}
		if (*doubt)
			rules_doubts_add(&doubts, place, doubt);
	}
	rules_doubts_tell(&doubts, error);
	if (!length)
		snprintf(error, CONFIG_ERROR_MAX, "%.160s has no rules", name);
	return length;
}

/* The names of all lists. */
struct list_names {
	char names[LISTS_MAX][LISTS_NAME_MAX];
	uint32_t count;
};

static bool has_list(const struct list_names *names, const char *name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (!strcmp(names->names[i], name))
			return true;
	return false;
}

/* text: the element that is wrong, of CONFIG_TEXT_MAX bytes, as below. */
static bool complete_lists(const struct config *config, struct list_names *names, char *text,
			   char *problem)
{
	const struct setting *setting = schema_find(&schema_config, "lists");
	struct setting_place place = {0};
	struct rules_list list;

	while (setting_next(config, setting, &place, text)) {
		if (!rules_list_parse(text, &list, problem))
			return false;
		if (has_list(names, list.name))
			return setting_refuse(problem, "%.99s is there twice", list.name);
		if (names->count == LISTS_MAX)
			return setting_refuse(
				problem, "%.99s is one too many: there are at most 64", list.name);
		strcpy(names->names[names->count++], list.name);
	}
	return true;
}

_Static_assert(LISTS_MAX == 64, "as the text above says");

static bool complete_rules(const struct config *config, const struct list_names *names, char *text,
			   char *problem)
{
	const struct setting *setting = schema_find(&schema_config, "rules");
	struct setting_place place = {0};
	char wrong[RULE_ERROR_MAX];
	struct rule rule;

	while (setting_next(config, setting, &place, text)) {
		if (!rule_parse(text, &rule, wrong)) {
			tell(problem, wrong, text);
			return false;
		}
		if (!*rule.list || has_list(names, rule.list))
			continue;
		snprintf(wrong, sizeof(wrong), "there is no list %s", rule.list);
		tell(problem, wrong, text);
		return false;
	}
	return true;
}

/* Lists that the filters of an output name. */
static bool complete_output(const struct config *config, uint32_t index,
			    const struct list_names *names, char *error)
{
	const struct config_output *output = &config->outputs[index];
	const char *const wanted[] = {output->filter.list, output->except.list};
	char problem[SETTING_ERROR_MAX];

	for (int i = 0; i < 2; i++) {
		if (!*wanted[i] || has_list(names, wanted[i]))
			continue;
		snprintf(problem, sizeof(problem), "there is no list %.200s", wanted[i]);
		outputs_tell(config, index, problem, error);
		return false;
	}
	return true;
}

/* A rule is known by its text: blanks at its end would make another one of it. */
static void trim(char *rules)
{
	char *out = rules;

	for (const char *at = rules; *at;) {
		size_t length = strcspn(at, "\n"), kept = length;

		while (kept && strchr(" \t\r", at[kept - 1]))
			kept--;
		memmove(out, at, kept);
		out += kept;
		at += length;
		if (*at)
			*out++ = *at++;
	}
	*out = '\0';
}

bool rules_complete(struct config *config, const struct origins *origins, char *error)
{
	struct list_names names = {.count = 0};
	char text[CONFIG_TEXT_MAX], problem[SETTING_ERROR_MAX];

	trim(config->rules);
	if (!complete_lists(config, &names, text, problem))
		return origins_refuse(origins, "lists", text, problem, error);
	if (!complete_rules(config, &names, text, problem))
		return origins_refuse(origins, "rules", text, problem, error);
	for (uint32_t i = 0; i < config->output_count; i++)
		if (!complete_output(config, i, &names, error))
			return false;
	return true;
}
