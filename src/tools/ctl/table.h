/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 80

/* Rows of cells, printed in columns that are as wide as they must be: numbers to the right, text to
 * the left. */
struct table {
	uint32_t columns;
	size_t cells, size;
	struct table_cell {
		char *text;
		bool is_number;
	} * cell;
};

/* heads: one line, with a space between the heads of columns. */
void table_init(struct table *table, const char *heads);
void table_fini(struct table *table);

/* The next cell, row by row. */
void table_add_text(struct table *table, const char *text);
void table_add_number(struct table *table, int64_t number);

void table_print(const struct table *table, FILE *out);
