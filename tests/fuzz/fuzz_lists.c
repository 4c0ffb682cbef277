/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A list of any format, told by the first octet: compiled, opened, looked up, and copied into
 * another piece of memory, which says the same. Plain names are all found. Upper bits of the first
 * octet cut the text in two lists.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"
#include "rules/lists.h"
#include "rules/names.h"
#include "rules/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hash_key key = {{1, 2}};

static void check_report(const struct lists_report *report, struct slice text, uint32_t entries)
{
	size_t lines = 1;

	for (size_t i = 0; i < text.length; i++)
		lines += text.data[i] == '\n';
	assert(report->entries == entries);
	assert(report->bad <= lines && report->left_out <= lines && report->first_bad <= lines);
	assert(report->lost >= report->bad && report->lost >= report->left_out);
	assert(report->lost <= report->bad + report->left_out && report->taken <= lines);
	assert(!report->bad == !report->first_bad);
	assert(!report->bad == !*report->problem);
	assert(memchr(report->problem, '\0', LISTS_ERROR_MAX));
	assert(report->format > LIST_AUTO && report->format < LIST_FORMAT_COUNT);
}

/* Any word that is a name is looked up, with a label before it, too. */
static void check_word(const struct lists *a, const struct lists *b, uint32_t number,
		       struct slice word, bool is_entry)
{
	uint8_t wire[2 + DNS_NAME_MAX] = {1, 'x'};
	size_t length = names_encode(word, wire + 2);

	if (!length)
		return;
	for (unsigned below = 0; below < 2 && length + 2u * below <= DNS_NAME_MAX; below++) {
		struct slice name = {wire + 2 - 2 * below, length + 2u * below};
		bool is_in = lists_match(a, number, name);

		assert(is_in || !is_entry);
		assert(is_in == lists_match(b, 0, name));
	}
}

/* As one that reads a list of names would: letters, digits, '-', '_' and dots are an entry. */
static bool is_plain(struct slice line)
{
	for (size_t i = 0; i < line.length; i++)
		if (!line.data[i] ||
		    !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			    line.data[i]))
			return false;
	return line.length && !word_is(line, ".");
}

static void check_list(const struct lists *lists, uint32_t number, struct slice text,
		       const struct lists_report *report)
{
	struct lists_source source = {
		.name = "copy", .text = lists_copy(lists, number), .is_copy = true};
	struct lists_report copied;
	size_t size;
	void *memory = lists_compile(&source, 1, &key, &copied, &size);
	const struct lists *copy = lists_open(memory, size);

	assert(copy && copied.entries == report->entries && !copied.bad);
	check_report(report, text, lists_entries(lists, number));
	while (text.length) {
		struct slice line = line_next(&text);
		bool is_entry = report->format == LIST_NAMES && is_plain(line);

		if (is_entry)
			check_word(lists, copy, number, line, true);
		while (line.length)
			check_word(lists, copy, number, word_next(&line), false);
	}
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lists_source sources[2] = {{.name = "first"}, {.name = "second"}};
	struct lists_report reports[2];
	size_t cut, length;
	const struct lists *lists;
	void *memory;

	if (!size)
		return 0;
	cut = (size - 1) * (*data / LIST_FORMAT_COUNT) / (UINT8_MAX / LIST_FORMAT_COUNT);
	sources[0].format = sources[1].format = *data % LIST_FORMAT_COUNT;
	sources[0].text = (struct slice){data + 1, cut};
	sources[1].text = (struct slice){data + 1 + cut, size - 1 - cut};
	memory = lists_compile(sources, 2, &key, reports, &length);
	lists = lists_open(memory, length);
	assert(lists && lists_count(lists) == 2 && lists_find(lists, "second") == 1);
	for (uint32_t i = 0; i < 2; i++)
		check_list(lists, i, sources[i].text, &reports[i]);
	free(memory);
	return 0;
}
