/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rule is cut from its end: the conditions, then what its verb divides off with " to ", " using "
 * or " with ", and what is left is the pattern. So that a word in a pattern does no harm, "if"
 * begins conditions only where one seems to follow.
 */
#include "rules/rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dns/code.h"
#include "rules/pattern.h"
#include "rules/prefixes.h"
#include "rules/template.h"

#define BLANKS	       " \t\r\n"
#define TEXT_SHOWN_MAX 80 /* of what is wrong */

_Static_assert(RULE_ERROR_MAX >= PATTERN_ERROR_MAX && RULE_ERROR_MAX >= PREFIXES_ERROR_MAX &&
		       RULE_ERROR_MAX >= UPSTREAM_ERROR_MAX && RULE_ERROR_MAX >= TEMPLATE_ERROR_MAX,
	       "what others say fits");

/* A rule that is being read. Functions that take it return false once it has an error. */
struct reading {
	struct rule *rule;
	unsigned group_count; /* of the pattern */
	bool is_known;	      /* to be a rule: its pattern need not be compiled */
	char *error;
};

__attribute__((format(printf, 2, 3))) static bool complain(const struct reading *reading,
							   const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reading->error, RULE_ERROR_MAX, format, arguments);
	va_end(arguments);
	return false;
}

/* "<the text>", as much of it as is shown. */
static bool complain_of(const struct reading *reading, const char *text, const char *wrong)
{
	return complain(reading, "\"%.*s\" %s", TEXT_SHOWN_MAX, text, wrong);
}

/* Without blanks around it; text is changed. */
static char *text_strip(char *text)
{
	size_t length;

	text += strspn(text, BLANKS);
	length = strlen(text);
	while (length && strchr(BLANKS, text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* Is the text begun by the word? Then it goes on behind it. */
static bool word_take(char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length) != 0)
		return false;
	*text += length;
	return true;
}

/* Ends the text at the last place of the divider, and returns what is behind it; NULL when there is
 * none. */
static char *text_cut(char *text, const char *divider)
{
	char *last = NULL;

	for (char *at = strstr(text, divider); at; at = strstr(at + 1, divider))
		last = at;
	if (!last)
		return NULL;
	*last = '\0';
	return text_strip(last + strlen(divider));
}

/* --- conditions --- */

static bool type_read(const struct reading *reading, const char *text)
{
	struct rule *rule = reading->rule;

	if (rule->has_type)
		return complain(reading, "\"type is\" is given twice");
	rule->has_type = dns_type_parse(text, &rule->type);
	return rule->has_type ||
	       complain_of(reading, text, "is no type: write a name such as AAAA, or a number");
}

static bool class_read(const struct reading *reading, const char *text)
{
	struct rule *rule = reading->rule;

	if (rule->has_class)
		return complain(reading, "\"class is\" is given twice");
	rule->has_class = dns_class_parse(text, &rule->class);
	return rule->has_class ||
	       complain_of(reading, text, "is no class: write IN, CH, HS, NONE, ANY or a number");
}

static bool client_read(const struct reading *reading, const char *text)
{
	struct rule *rule = reading->rule;
	char wrong[PREFIXES_ERROR_MAX];
	struct prefixes *prefixes;

	if (rule->has_client)
		return complain(reading, "\"client is\" is given twice");
	prefixes = prefixes_new(text, wrong);
	if (!*text || !prefixes || strlen(text) >= sizeof(rule->client)) {
		prefixes_free(prefixes);
		return complain_of(reading, text, "is no prefix: write 192.0.2.0/24 or an address");
	}
	prefixes_free(prefixes);
	strcpy(rule->client, text);
	rule->has_client = true;
	return true;
}

static bool list_read(const struct reading *reading, const char *text)
{
	struct rule *rule = reading->rule;

	if (*rule->list)
		return complain(reading, "\"name is in\" is given twice");
	if (!*text || strlen(text) >= sizeof(rule->list))
		return complain_of(reading, text, "is no name of a list");
	strcpy(rule->list, text);
	return true;
}

static const struct condition {
	const char *subject;
	const char *words;
	bool (*read)(const struct reading *reading, const char *text);
} conditions[] = {
	{"type", "type is", type_read},
	{"class", "class is", class_read},
	{"client", "client is", client_read},
	{"name", "name is in", list_read},
};

#define CONDITIONS (sizeof(conditions) / sizeof(*conditions))
#define CONDITIONS_HELP \
	"is no condition: write type is TYPE, class is CLASS, client is PREFIX or name is in LIST"

/* Does it look like one, right or wrong: "type ...", or "... is ..."? */
static bool is_condition(const char *text)
{
	size_t length = strcspn(text, " ");

	for (size_t i = 0; i < CONDITIONS; i++)
		if (strlen(conditions[i].subject) == length &&
		    !strncasecmp(conditions[i].subject, text, length))
			return true;
	return !strncasecmp(text + length, " is ", strlen(" is "));
}

/* Cuts the conditions off, from "if" on; NULL when there are none. */
static char *conditions_cut(char *text)
{
	for (char *at = strcasestr(text, " if "); at; at = strcasestr(at + 1, " if ")) {
		if (is_condition(at + strlen(" if "))) {
			*at = '\0';
			return at + 1;
		}
	}
	return NULL;
}

static bool condition_read(const struct reading *reading, char *text)
{
	for (size_t i = 0; i < CONDITIONS; i++) {
		char *value = text;

		if (!word_take(&value, conditions[i].words) || (*value && !strchr(BLANKS, *value)))
			continue;
		value = text_strip(value);
		if (strpbrk(value, BLANKS))
			return complain_of(reading, value,
					   "is more than one word: \"and\" stands between "
					   "conditions, and nothing behind them");
		return conditions[i].read(reading, value);
	}
	return complain_of(reading, text, CONDITIONS_HELP);
}

static bool conditions_read(const struct reading *reading, char *text)
{
	if (!text)
		return true;
	if (!word_take(&text, "if "))
		return complain(reading, "keywords are in lower case: write \"if\"");
	while (text) {
		char *next = strstr(text, " and ");

		if (next)
			*next = '\0';
		if (!condition_read(reading, text_strip(text)))
			return false;
		text = next ? next + strlen(" and ") : NULL;
	}
	reading->rule->has_condition = true;
	return true;
}

/* --- what a verb divides off --- */

/* Addresses with commas between them, and perhaps behind the last. help: what is said of another.
 */
static bool addresses_read(const struct reading *reading, char *text, const char *help)
{
	struct rule *rule = reading->rule;
	char *element;

	while ((element = strsep(&text, ","))) {
		element = text_strip(element);
		if (!*element && !text && rule->address_count)
			break;
		if (rule->address_count == RULE_ADDRESSES_MAX)
			return complain(reading, "more than %d addresses", RULE_ADDRESSES_MAX);
		if (!address_parse(element, &rule->addresses[rule->address_count++]))
			return complain_of(reading, element, help);
	}
	return true;
}

static bool block_read(const struct reading *reading, char *text)
{
	static const char *const words[] = {
		[BLOCK_NXDOMAIN] = "nxdomain", [BLOCK_REFUSED] = "refused", [BLOCK_DROP] = "drop"};

	for (unsigned i = BLOCK_NXDOMAIN; i <= BLOCK_DROP; i++) {
		if (!strcmp(text, words[i])) {
			reading->rule->block = (enum rule_block)i;
			return true;
		}
	}
	reading->rule->block = BLOCK_ADDRESSES;
	return addresses_read(reading, text,
			      "is no address: behind \"with\" stands nxdomain, refused, drop, or "
			      "addresses with commas between them");
}

/* What ends with a number (RFC 3696 2), or has a port, was meant as an address. The root's dot
 * behind it says that it is a name. */
static bool is_like_address(const char *text, const uint8_t *wire)
{
	bool is_number = false;

	if (text[strlen(text) - 1] == '.')
		return false;
	for (; *wire; wire += 1 + *wire) {
		is_number = true;
		for (unsigned i = 1; i <= *wire; i++)
			is_number &= wire[i] >= '0' && wire[i] <= '9';
		if (memchr(wire + 1, ':', *wire))
			return true;
	}
	return is_number;
}

static bool redirect_read(const struct reading *reading, char *text)
{
	struct rule *rule = reading->rule;
	struct address address;

	if (strchr(text, ',') || address_parse(text, &address))
		return addresses_read(reading, text, "is no address");
	if (!*text || !name_parse(text, rule->target, &rule->target_length))
		return complain_of(reading, text, "is neither a name nor addresses");
	return !is_like_address(text, rule->target) ||
	       complain_of(reading, text, "is no address, and no name of a host");
}

static bool rewrite_read(const struct reading *reading, char *text)
{
	if (!template_check(text, reading->group_count, reading->error))
		return false;
	if (strlen(text) >= sizeof(reading->rule->template))
		return complain_of(reading, text, "is no name");
	strcpy(reading->rule->template, text);
	return true;
}

static bool resolve_read(const struct reading *reading, char *text)
{
	return upstream_parse(text, &reading->rule->upstreams, reading->error);
}

/* --- the whole --- */

static const struct verb {
	const char *name;
	const char *class_name;
	const char *divider; /* NULL: the pattern is all */
	const char *usage;   /* NULL: what is behind the divider may be missing */
	bool (*read)(const struct reading *reading, char *text);
} verbs[] = {
	[RULE_LOG] = {"log", "<class 'sentry.rules.LoggingRule'>", NULL, NULL, NULL},
	[RULE_BLOCK] = {"block", "<class 'sentry.rules.BlockRule'>", " with ", NULL, block_read},
	[RULE_REDIRECT] = {"redirect", "<class 'sentry.rules.RedirectRule'>", " to ",
			   "redirect PATTERN to NAME, or ADDRESS[, ADDRESS]...", redirect_read},
	[RULE_REWRITE] = {"rewrite", "<class 'sentry.rules.RewriteRule'>", " to ",
			  "rewrite PATTERN to NAME", rewrite_read},
	[RULE_RESOLVE] = {"resolve", "<class 'sentry.rules.ResolveRule'>", " using ",
			  "resolve PATTERN using SERVER[, SERVER]...", resolve_read},
	[RULE_ALLOW] = {"allow", "<class 'sentry.rules.AllowRule'>", NULL, NULL, NULL},
};

_Static_assert(sizeof(verbs) / sizeof(*verbs) == RULE_ACTION_COUNT, "a verb for each action");

/* The word that the text begins with, which must be a verb. */
static bool verb_read(const struct reading *reading, char **text)
{
	size_t length = strcspn(*text, BLANKS);

	for (unsigned i = 0; i < RULE_ACTION_COUNT; i++) {
		if (strlen(verbs[i].name) != length || strncasecmp(verbs[i].name, *text, length))
			continue;
		if (strncmp(verbs[i].name, *text, length) != 0)
			return complain(reading, "keywords are in lower case: write \"%s\"",
					verbs[i].name);
		reading->rule->action = (enum rule_action)i;
		*text += length;
		return true;
	}
	if (!length && **text)
		return complain(reading, "a blank stands before the rule");
	if (length == strlen("shadow") && !strncasecmp(*text, "shadow", length))
		return complain(reading, "\"shadow\" stands once, in lower case, before a verb");
	return complain(reading,
			"\"%.*s\" is no verb: a rule begins with log, block, redirect, rewrite, "
			"resolve or allow",
			(int)(length < TEXT_SHOWN_MAX ? length : TEXT_SHOWN_MAX), *text);
}

static bool pattern_read(struct reading *reading, const char *text)
{
	struct pattern *pattern;

	if (!*text)
		return complain(reading, "the pattern is missing: \"^(.*)\" is every name");
	strcpy(reading->rule->pattern, text);
	reading->group_count = TEMPLATE_GROUPS_MAX;
	if (reading->is_known)
		return true;
	pattern = pattern_parse(text, PATTERN_IN_NAME, reading->error);
	if (!pattern)
		return false;
	reading->group_count = pattern_group_count(pattern);
	pattern_free(pattern);
	return true;
}

/* line: less than RULE_TEXT_MAX bytes. */
static bool rule_read(struct reading *reading, char *line)
{
	char *condition_text, *object = NULL;
	const struct verb *verb;

	reading->rule->is_shadow = word_take(&line, "shadow ");
	if (!verb_read(reading, &line))
		return false;
	verb = &verbs[reading->rule->action];
	condition_text = conditions_cut(line);
	if (verb->divider)
		object = text_cut(line, verb->divider);
	if (verb->usage && !object)
		return complain(reading, "\"%s\" is missing: %s", verb->divider, verb->usage);
	return conditions_read(reading, condition_text) &&
	       pattern_read(reading, text_strip(line)) && (!object || verb->read(reading, object));
}

static bool text_read(struct reading *reading, const char *text)
{
	char line[RULE_TEXT_MAX];
	size_t length = strlen(text);

	memset(reading->rule, 0, sizeof(*reading->rule));
	while (length && strchr(BLANKS, text[length - 1]))
		length--;
	if (!length)
		return complain(reading, "the rule is empty");
	if (length >= sizeof(line))
		return complain(reading, "the rule is longer than %d octets", RULE_TEXT_MAX - 1);
	memcpy(line, text, length);
	line[length] = '\0';
	return rule_read(reading, line);
}

bool rule_parse(const char *text, struct rule *rule, char *error)
{
	struct reading reading = {.rule = rule, .error = error};

	return text_read(&reading, text);
}

bool rule_parse_known(const char *text, struct rule *rule)
{
	char error[RULE_ERROR_MAX];
	struct reading reading = {.rule = rule, .is_known = true, .error = error};

	return text_read(&reading, text);
}

bool rule_is_doubtful(const struct rule *rule, char *doubt)
{
	const struct reading reading = {.error = doubt};

	switch (pattern_doubt(rule->pattern)) {
	case PATTERN_HAS_BLANK:
		complain(&reading,
			 "no name has a blank: \"%.*s\" is the pattern; conditions begin with "
			 "\"if\"",
			 TEXT_SHOWN_MAX, rule->pattern);
		return true;
	case PATTERN_HAS_DOLLAR:
		complain(&reading, "only a last \"$\" is also before the final dot of a name: "
				   "write \"\\.?$\" for others");
		return true;
	case PATTERN_SOUND:
		break;
	}
	return false;
}

const char *rule_action_name(enum rule_action action)
{
	return verbs[action].name;
}

const char *rule_class_name(const struct rule *rule)
{
	if (rule->action == RULE_BLOCK && rule->has_condition)
		return "<class 'sentry.rules.ConditionalBlockRule'>";
	return verbs[rule->action].class_name;
}
