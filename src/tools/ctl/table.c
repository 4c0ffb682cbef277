/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

#define GAP "  "

static void add_take(struct table *table, char *text, bool is_number)
{
	if (table->cells == table->size) {
		table->size = table->size ? 2 * table->size : 64;
		table->cell = realloc(table->cell, table->size * sizeof(*table->cell));
		if (!table->cell)
			log_fatal("out of memory");
	}
	table->cell[table->cells++] = (struct table_cell){text, is_number};
}

void table_init(struct table *table, const char *heads)
{
	*table = (struct table){0};
	for (size_t length; *heads; heads += length + (heads[length] == ' ')) {
		length = strcspn(heads, " ");
		add_take(table, strndup(heads, length), false);
		table->columns++;
	}
	assert(table->columns && table->columns <= TABLE_COLUMNS_MAX);
}

void table_fini(struct table *table)
{
	for (size_t i = 0; i < table->cells; i++)
		free(table->cell[i].text);
	free(table->cell);
	*table = (struct table){0};
}

void table_add_text(struct table *table, const char *text)
{
	add_take(table, xstrdup(text), false);
}

void table_add_number(struct table *table, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	add_take(table, xstrdup(text), true);
}

static int column_width(const struct table *table, uint32_t column)
{
	size_t width = 0, length;

	for (size_t i = column; i < table->cells; i += table->columns) {
		length = strlen(table->cell[i].text);
		width = length > width ? length : width;
	}
	return (int)width;
}

/* A head stands over its column as the cells below it do. */
static bool is_to_the_right(const struct table *table, size_t cell)
{
	if (cell < table->columns)
		cell += table->columns;
	return cell < table->cells && table->cell[cell].is_number;
}

static void print_cell(const struct table *table, size_t cell, int width, FILE *out)
{
	const char *text = table->cell[cell].text;
	bool is_last = (cell + 1) % table->columns == 0;

	if (is_to_the_right(table, cell))
		fprintf(out, "%*s", width, text);
	else if (is_last)
		fputs(text, out); /* nothing is behind it */
	else
		fprintf(out, "%-*s", width, text);
	fputs(is_last ? "\n" : GAP, out);
}

void table_print(const struct table *table, FILE *out)
{
	int widths[TABLE_COLUMNS_MAX];

	assert(table->columns);
	for (uint32_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (size_t i = 0; i < table->cells; i++)
		print_cell(table, i, widths[i % table->columns], out);
}
