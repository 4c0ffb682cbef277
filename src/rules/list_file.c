/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/list_file.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "net/address.h"
#include "rules/words.h"

#define LINES_TOLD_BY 64 /* that are no comments */

static const struct list_file_ops *const formats[LIST_FORMAT_COUNT] = {
	[LIST_NAMES] = &list_file_names,     [LIST_HOSTS] = &list_file_hosts,
	[LIST_ADBLOCK] = &list_file_adblock, [LIST_DNSMASQ] = &list_file_dnsmasq,
	[LIST_RPZ] = &list_file_rpz,
};

const char *list_format_name(enum list_format format)
{
	assert(format < LIST_FORMAT_COUNT);
	return format == LIST_AUTO ? "auto" : formats[format]->name;
}

bool list_format_parse(const char *text, enum list_format *format)
{
	for (int i = 0; i < LIST_FORMAT_COUNT; i++) {
		if (!strcasecmp(text, list_format_name((enum list_format)i))) {
			*format = (enum list_format)i;
			return true;
		}
	}
	return false;
}

/* Once for each line, whatever is wrong with its parts. */
static void count_lost(struct list_file *file)
{
	file->report->lost += file->last_left_out != file->line && file->last_bad != file->line;
}

void list_file_leave_out(struct list_file *file)
{
	count_lost(file);
	file->report->left_out += file->last_left_out != file->line;
	file->last_left_out = file->line;
}

void list_file_complain(struct list_file *file, const char *format, ...)
{
	va_list arguments;

	if (file->last_bad == file->line)
		return;
	count_lost(file);
	file->last_bad = file->line;
	if (file->report->bad++)
		return;
	file->report->first_bad = file->line;
	va_start(arguments, format);
	vsnprintf(file->report->problem, LISTS_ERROR_MAX, format, arguments);
	va_end(arguments);
}

void list_file_complain_name(struct list_file *file, struct slice text)
{
	char problem[NAMES_ERROR_MAX] = "";

	if (!file->report->bad) /* only the first is told, and there may be a million */
		names_describe_bad(text, problem);
	list_file_complain(file, "%s", problem);
}

void list_file_add(struct list_file *file, struct slice text, uint8_t say)
{
	int result = names_add_host(file->names, text, say);

	if (result == -ENOMEM)
		file->is_out_of_memory = true;
	else if (result)
		list_file_complain_name(file, text);
}

void list_file_add_wire(struct list_file *file, struct slice name, uint8_t say)
{
	if (names_add_wire(file->names, name, say))
		file->is_out_of_memory = true;
}

bool list_file_is_address(struct slice word)
{
	char text[ADDRESS_TEXT_MAX];
	struct address address;

	word = slice_before(word, '%');
	if (word.length >= sizeof(text) || memchr(word.data, '\0', word.length))
		return false;
	memcpy(text, word.data, word.length);
	text[word.length] = '\0';
	return address_parse(text, &address);
}

static bool is_comment(struct slice line)
{
	line = blanks_skip(line);
	return word_starts(line, "#") && !list_file_adblock.is_own(line);
}

/* The first line that only one format has tells; all of plain names may also be in other files. */
static enum list_format format_tell(struct slice text)
{
	enum list_format told = LIST_NAMES;

	for (unsigned lines = 0; text.length && lines < LINES_TOLD_BY;) {
		struct slice line = line_next(&text);

		if (!blanks_skip(line).length || is_comment(line))
			continue;
		lines++;
		for (int i = LIST_ADBLOCK; i < LIST_FORMAT_COUNT; i++)
			if (formats[i]->is_own(line))
				return (enum list_format)i;
		if (list_file_hosts.is_own(line))
			told = LIST_HOSTS;
	}
	return told;
}

static void line_read(struct list_file *file, const struct list_file_ops *ops, struct slice line)
{
	size_t before = file->names->count;

	file->line++;
	if (line.length)
		ops->read(file, line);
	file->report->taken += file->names->count != before;
}

static struct slice end_trim(struct slice line)
{
	while (line.length && is_blank(line.data[line.length - 1]))
		line.length--;
	return line;
}

bool list_file_read(struct names *names, struct slice text, enum list_format format,
		    struct lists_report *report)
{
	struct list_file file = {.names = names, .report = report};
	const struct list_file_ops *ops;

	*report = (struct lists_report){0};
	if (text.length)
		word_take(&text, "\xef\xbb\xbf"); /* the mark of UTF-8 */
	report->format = format == LIST_AUTO ? format_tell(text) : format;
	ops = formats[report->format];
	while (text.length && !file.is_out_of_memory)
		line_read(&file, ops, end_trim(line_next(&text)));
	if (ops->end)
		ops->end(&file);
	return !file.is_out_of_memory;
}
