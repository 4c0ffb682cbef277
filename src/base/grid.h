/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>

/*
 * A table of two columns as text, as Sentry draws it: rules of "+---+" above the heads, below them
 * and at the end; cells to the left, as wide as the widest of their column and a blank on each
 * side.
 */
struct grid_row {
	const char *name;
	const char *value;
};

/*
 * rows[0] has the heads; count >= 1. Writes at most size bytes of the text and its NUL, which ends
 * what does not fit; returns the length of the whole. The last line ends without a newline.
 */
size_t grid_format(const struct grid_row *rows, size_t count, char *text, size_t size);
