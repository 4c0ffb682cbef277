/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "stats/summary.h"

/*
 * Writes the text that Prometheus reads, into memory of the caller: a family, then its samples,
 * then the next family. What does not fit is left out and remembered, so that only the end is to be
 * checked.
 */
enum exposition_format {
	EXPOSITION_TEXT,	 /* version 0.0.4 */
	EXPOSITION_OPEN_METRICS, /* version 1.0.0: without untyped families */
};

/* What an Accept field (NULL: none) asks for. */
enum exposition_format exposition_choose(const char *accept);

const char *exposition_media_type(enum exposition_format format);

struct exposition {
	char *text;
	size_t size, length;
	enum exposition_format format;
	bool has_overflown;
};

enum exposition_type {
	EXPOSITION_COUNTER, /* its samples end in _total */
	EXPOSITION_GAUGE,
	EXPOSITION_HISTOGRAM,
	EXPOSITION_UNTYPED,
};

struct exposition_family {
	const char *name; /* of a counter without _total */
	enum exposition_type type;
	const char *help; /* plain ASCII without line ends and backslashes */
};

#define EXPOSITION_LABELS 2

/* A label without a value is none. Bytes of values that are no UTF-8, and those that control,
 * become U+EF00 + byte. */
struct exposition_label {
	const char *name, *value;
};

void exposition_init(struct exposition *out, enum exposition_format format, char *text,
		     size_t size);

void exposition_begin(struct exposition *out, const struct exposition_family *family);

/* A sample of the family that was begun. labels: EXPOSITION_LABELS of them, or NULL. */
void exposition_add(struct exposition *out, const struct exposition_family *family,
		    const struct exposition_label *labels, uint64_t value);
void exposition_add_signed(struct exposition *out, const struct exposition_family *family,
			   const struct exposition_label *labels, int64_t value);
void exposition_add_double(struct exposition *out, const struct exposition_family *family,
			   const struct exposition_label *labels, double value);

/* All samples of a histogram. */
void exposition_add_buckets(struct exposition *out, const struct exposition_family *family,
			    const struct summary_bucket *buckets, uint32_t count, uint64_t total,
			    double sum);

/* Returns the length, or 0 when it did not fit. */
size_t exposition_finish(struct exposition *out);
