/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/grid.h"

#include <string.h>

struct page {
	char *text;
	size_t size;
	size_t length; /* of the whole text, whether it fits or not */
};

static void put_bytes(struct page *page, const char *bytes, size_t length)
{
	size_t room = page->length < page->size ? page->size - page->length : 0;

	if (room)
		memcpy(page->text + page->length, bytes, length < room ? length : room);
	page->length += length;
}

static void put_text(struct page *page, const char *text)
{
	put_bytes(page, text, strlen(text));
}

static void put_repeated(struct page *page, char character, size_t count)
{
	while (count--)
		put_bytes(page, &character, 1);
}

static void put_rule(struct page *page, size_t name_width, size_t value_width)
{
	put_text(page, "+");
	put_repeated(page, '-', name_width + 2);
	put_text(page, "+");
	put_repeated(page, '-', value_width + 2);
	put_text(page, "+");
}

static void put_cell(struct page *page, const char *text, size_t width)
{
	put_text(page, "| ");
	put_text(page, text);
	put_repeated(page, ' ', width - strlen(text) + 1);
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

size_t grid_format(const struct grid_row *rows, size_t count, char *text, size_t size)
{
	struct page page = {text, size, 0};
	size_t name_width = 0, value_width = 0;

	for (size_t i = 0; i < count; i++) {
		name_width = larger(name_width, strlen(rows[i].name));
		value_width = larger(value_width, strlen(rows[i].value));
	}
	put_rule(&page, name_width, value_width);
	put_text(&page, "\n");
	for (size_t i = 0; i < count; i++) {
		put_cell(&page, rows[i].name, name_width);
		put_cell(&page, rows[i].value, value_width);
		put_text(&page, "|\n");
		if (i == 0) {
			put_rule(&page, name_width, value_width);
			put_text(&page, "\n");
		}
	}
	put_rule(&page, name_width, value_width);
	if (size)
		text[page.length < size ? page.length : size - 1] = '\0';
	return page.length;
}
