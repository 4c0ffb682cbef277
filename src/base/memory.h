/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>

/* Allocation for start-up and reload, by process rooms and tools: never NULL, exits with one line
 * when out of memory. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
char *xstrdup(const char *text);
