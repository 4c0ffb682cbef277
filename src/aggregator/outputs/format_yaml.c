/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A block mapping with sorted keys, ended by an empty line (spec 5.3). Scalars are quoted where
 * PyYAML quotes them: where a plain one would not be read as the same text (its resolver.py and
 * analyze_scalar).
 */
#include <stdio.h>
#include <string.h>

#include "aggregator/outputs/notation.h"
#include "dns/name.h"

static void separate(const struct field *before, const struct field *behind, char *text)
{
	snprintf(text, NOTATION_LITERAL_MAX, "%s%s%s", before ? "\n" : "",
		 behind ? field_name(behind) : "\n", behind ? ": " : "");
}

/* A text being compared with a pattern, step by step. */
struct match {
	const char *at, *end;
};

static bool has_ended(const struct match *match)
{
	return match->at == match->end;
}

/* Takes one character of set. */
static bool take(struct match *match, const char *set)
{
	if (has_ended(match) || !strchr(set, *match->at))
		return false;
	match->at++;
	return true;
}

/* Takes as many as there are, and returns how many. */
static size_t take_all(struct match *match, const char *set)
{
	const char *from = match->at;

	while (take(match, set))
		;
	return (size_t)(match->at - from);
}

#define DIGITS "0123456789"

/* "(:[0-5]?[0-9])+" */
static bool take_sixties(struct match *match)
{
	bool is_any = false;

	while (take(match, ":")) {
		struct match two = *match;

		if (take(&two, "012345") && take(&two, DIGITS))
			*match = two;
		else if (!take(match, DIGITS))
			return false;
		is_any = true;
	}
	return is_any;
}

static bool is_integer(struct match match)
{
	struct match from;

	take(&match, "-+");
	from = match;
	if (!take(&match, "0")) {
		if (!take(&match, "123456789"))
			return false;
		take_all(&match, DIGITS "_");
		return has_ended(&match) || (take_sixties(&match) && has_ended(&match));
	}
	if (has_ended(&match))
		return true;
	if (take(&match, "b"))
		return take_all(&match, "01_") && has_ended(&match);
	if (take(&match, "x"))
		return take_all(&match, DIGITS "abcdefABCDEF_") && has_ended(&match);
	return take_all(&from, "01234567_") && has_ended(&from);
}

static bool is_exponent_or_end(struct match match)
{
	if (take(&match, "eE") && !(take(&match, "-+") && take_all(&match, DIGITS)))
		return false;
	return has_ended(&match);
}

static bool is_one_of(struct match match, const char *const *words)
{
	size_t length = (size_t)(match.end - match.at);

	for (; *words; words++)
		if (strlen(*words) == length && !memcmp(*words, match.at, length))
			return true;
	return false;
}

static bool is_float(struct match match)
{
	static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
	static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
	bool is_signed = take(&match, "-+");
	struct match sixties;

	if (is_one_of(match, infinities) || (!is_signed && is_one_of(match, nans)))
		return true;
	if (!take(&match, DIGITS))
		return !is_signed && take(&match, ".") && take(&match, DIGITS) &&
		       (take_all(&match, DIGITS "_"), is_exponent_or_end(match));
	take_all(&match, DIGITS "_");
	sixties = match;
	if (take_sixties(&sixties) && take(&sixties, "."))
		return take_all(&sixties, DIGITS "_"), has_ended(&sixties);
	return take(&match, ".") && (take_all(&match, DIGITS "_"), is_exponent_or_end(match));
}

static bool take_digits(struct match *match, int least, int most)
{
	int taken = 0;

	while (taken < most && take(match, DIGITS))
		taken++;
	return taken >= least;
}

static bool is_zone_or_end(struct match match)
{
	if (has_ended(&match))
		return true;
	take_all(&match, " \t");
	if (take(&match, "Z"))
		return has_ended(&match);
	return take(&match, "-+") && take_digits(&match, 1, 2) &&
	       (!take(&match, ":") || take_digits(&match, 2, 2)) && has_ended(&match);
}

static bool is_timestamp(struct match match)
{
	struct match day;

	if (!take_digits(&match, 4, 4) || !take(&match, "-"))
		return false;
	day = match;
	if (take_digits(&day, 2, 2) && take(&day, "-") && take_digits(&day, 2, 2) &&
	    has_ended(&day))
		return true;
	if (!take_digits(&match, 1, 2) || !take(&match, "-") || !take_digits(&match, 1, 2) ||
	    !(take(&match, "Tt") || take_all(&match, " \t")) || !take_digits(&match, 1, 2) ||
	    !take(&match, ":") || !take_digits(&match, 2, 2) || !take(&match, ":") ||
	    !take_digits(&match, 2, 2))
		return false;
	if (take(&match, "."))
		take_all(&match, DIGITS);
	return is_zone_or_end(match);
}

/* Would it be read as something else than a text? */
static bool is_resolved(struct match text)
{
	static const char *const words[] = {
		"yes",	 "Yes",	  "YES",   "no",   "No", "NO", "true", "True", "TRUE",
		"false", "False", "FALSE", "on",   "On", "ON", "off",  "Off",  "OFF",
		"~",	 "null",  "Null",  "NULL", "<<", "=",  NULL};

	return is_one_of(text, words) || is_integer(text) || is_float(text) || is_timestamp(text);
}

/* Does a text of printable ASCII have marks of YAML where they mean something? */
static bool has_marks(const char *text, size_t length)
{
	if (strchr("#,[]{}&*!|>'\"%@` ", text[0]) || text[length - 1] == ' ' ||
	    text[length - 1] == ':' || (strchr("?-", text[0]) && (length == 1 || text[1] == ' ')))
		return true;
	if (length >= 3 && (!memcmp(text, "---", 3) || !memcmp(text, "...", 3)))
		return true;
	for (size_t i = 0; i + 1 < length; i++)
		if ((text[i] == ':' && text[i + 1] == ' ') ||
		    (text[i] == ' ' && text[i + 1] == '#'))
			return true;
	return false;
}

/* Of what was written between out and end: puts it in quotes if it needs them. */
static char *quote(char *out, char *end)
{
	size_t length = (size_t)(end - out), quotes = 0;
	char *from = end, *to;

	if (!has_marks(out, length) && !is_resolved((struct match){out, end}))
		return end;
	for (size_t i = 0; i < length; i++)
		quotes += out[i] == '\'';
	to = end += 2 + quotes;
	*--to = '\'';
	while (from != out) {
		*--to = *--from;
		if (*to == '\'')
			*--to = '\'';
	}
	*--to = '\'';
	return end;
}

static char *put_hex(char *out, char mark, uint32_t character, int digits)
{
	static const char hex[] = "0123456789ABCDEF";

	*out++ = '\\';
	*out++ = mark;
	while (digits--)
		*out++ = hex[character >> 4 * digits & 15];
	return out;
}

/* In double quotes: escaped by a letter where there is one. */
static char *put_escaped(char *out, uint32_t character)
{
	static const char from[] = "\"\\\a\b\t\n\v\f\r\033", to[] = "\"\\abtnvfre";
	const char *at = character && character < 0x7f ? strchr(from, (int)character) : NULL;

	if (at) {
		*out++ = '\\';
		*out++ = to[at - from];
	} else if (character >= ' ' && character < 0x7f) {
		*out++ = (char)character;
	} else if (character < 0x100) {
		out = put_hex(out, 'x', character, 2);
	} else if (character < 0x10000) {
		out = put_hex(out, 'u', character, 4);
	} else {
		out = put_hex(out, 'U', character, 8);
	}
	return out;
}

static char *put_text(char *out, struct slice text)
{
	uint32_t character;
	size_t at = 0;

	while (at < text.length && text.data[at] >= ' ' && text.data[at] < 0x7f)
		at++;
	if (at == text.length)
		return quote(out, put_bytes(out, text.data, text.length));
	*out++ = '"';
	for (at = 0; at < text.length;) {
		at += notation_decode(text, at, &character);
		out = put_escaped(out, character);
	}
	*out++ = '"';
	return out;
}

static char *write_yaml(const struct format *format, const struct field_source *source, char *out)
{
	static const struct notation_values values = {.unknown_number = "'-'",
						      .unknown_text = "'-'",
						      .put_text = put_text,
						      .quote = quote};

	return notation_put_record(format, source, out, values);
}

const struct notation notation_yaml = {
	.fields = NOTATION_KEYS,
	.fields_behind = "datetime",
	.is_sorted = true,
	.separate = separate,
	.escape = name_format_octet,
	.write = write_yaml,
};
