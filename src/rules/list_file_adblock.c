/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules for browsers, of which some are about a whole name: "||name^" is it and all below, "|name^"
 * it alone, and "@@" before them makes exceptions. Behind '$' stand options; those that do not
 * matter to a name's address are passed over, as other DNS filters do. Lists for DNS have plain
 * names and lines of hosts files, too.
 */
#include "rules/list_file.h"
#include "rules/words.h"

struct adblock_rule {
	struct slice name;
	bool covers_below;
	bool is_exception;
	bool is_important;
	bool takes_back; /* another rule */
};

/*
 * "##", or with any of "@?$%" between: what follows is for a page, and what stands before names the
 * page. Behind a blank, or before one at the start, it is a comment.
 */
static bool is_cosmetic(struct slice line)
{
	size_t at = slice_before(line, '#').length, end = at + 1;

	if (at == line.length || (at && is_blank(line.data[at - 1])))
		return false;
	while (end < line.length && strchr("@?$%", line.data[end]) && line.data[end])
		end++;
	if (end >= line.length || line.data[end] != '#')
		return false;
	return at || (end + 1 < line.length && line.data[end + 1] != '#' &&
		      !is_blank(line.data[end + 1]));
}

static bool is_comment(struct slice line)
{
	return *line.data == '!' || *line.data == '#' ||
	       (*line.data == '[' && line.data[line.length - 1] == ']');
}

/* Commas between options. False when a list of names cannot say one of them. */
static bool options_read(struct slice options, struct adblock_rule *rule)
{
	static const char *const passed_over[] = {"all",      "3p",    "third-party", "doc",
						  "document", "popup", "network"};

	while (options.length) {
		struct slice option = slice_before(options, ',');
		bool is_known = word_is(option, "important");

		rule->is_important |= is_known;
		rule->takes_back |= word_is(option, "badfilter");
		is_known |= rule->takes_back;
		for (size_t i = 0; i < sizeof(passed_over) / sizeof(passed_over[0]); i++)
			is_known |= word_is(option, passed_over[i]);
		if (!is_known)
			return false;
		options = slice_skip(options, option.length + (option.length < options.length));
	}
	return true;
}

/* One without an inner dot, or with one at its end, is a part of URLs. */
static bool has_inner_dot(struct slice name)
{
	size_t dot = slice_before(name, '.').length;

	return dot && dot + 1 < name.length && name.data[name.length - 1] != '.';
}

/* False when a list of names cannot say it. Without '^' it is about all that begins so; of
 * exceptions the name is taken, as other DNS filters do. */
static bool rule_read(struct slice line, struct adblock_rule *rule)
{
	*rule = (struct adblock_rule){0};
	rule->is_exception = word_take(&line, "@@");
	rule->covers_below = word_take(&line, "||");
	if (!rule->covers_below && !word_take(&line, "|"))
		return false;
	rule->name = slice_before(line, '^');
	if (rule->name.length == line.length)
		return rule->is_exception && rule->covers_below && has_inner_dot(rule->name);
	line = slice_skip(line, rule->name.length + 1);
	word_take(&line, "|");
	if (!line.length)
		return true;
	return word_take(&line, "$") && options_read(line, rule);
}

static uint8_t rule_say(const struct adblock_rule *rule)
{
	enum names_word word = rule->is_important ? NAMES_IN_IMPORTANT : NAMES_IN;

	if (rule->is_exception)
		word = rule->is_important ? NAMES_OUT_IMPORTANT : NAMES_OUT_ABOVE_ALL;
	return NAMES_SAY(word, rule->covers_below ? word : NAMES_NOTHING);
}

/* Is it no name because it is a pattern, or of addresses? */
static bool is_pattern(struct slice text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] && strchr("*/:?=&%~,;@[]|^$()+\\", text.data[i]))
			return true;
	return list_file_is_address(text);
}

/* A single word. */
static void word_read(struct list_file *file, struct slice word)
{
	struct slice name = word;

	if (!word_take(&name, "*."))
		word_take(&name, ".");
	if (!has_inner_dot(name) || is_pattern(name))
		list_file_leave_out(file);
	else
		list_file_names.read(file, word);
}

static void plain_read(struct list_file *file, struct slice line)
{
	struct slice rest = line, first = word_next(&rest);

	if (list_file_is_address(first))
		list_file_hosts.read(file, line);
	else if (!blanks_skip(slice_before(rest, '#')).length)
		word_read(file, slice_before(first, '#'));
	else if (is_pattern(line))
		list_file_leave_out(file);
	else
		list_file_complain_name(file, line);
}

static void line_read(struct list_file *file, struct slice line)
{
	struct adblock_rule rule;

	line = blanks_skip(line);
	if (is_cosmetic(line)) {
		list_file_leave_out(file);
		return;
	}
	if (is_comment(line))
		return;
	if (!word_starts(line, "|") && !word_starts(line, "@@"))
		plain_read(file, line);
	else if (!rule_read(line, &rule) || is_pattern(rule.name))
		list_file_leave_out(file);
	else if (rule.takes_back)
		list_file_complain(file, "$badfilter takes no rule of a list back");
	else
		list_file_add(file, rule.name, rule_say(&rule));
}

static bool is_own(struct slice line)
{
	line = blanks_skip(line);
	return is_cosmetic(line) || word_starts(line, "||") || word_starts(line, "@@") ||
	       word_starts(line, "!") || word_starts(line, "[Adblock");
}

const struct list_file_ops list_file_adblock = {
	.name = "adblock", .read = line_read, .is_own = is_own};
