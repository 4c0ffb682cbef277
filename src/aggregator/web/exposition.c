/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/web/exposition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

#define NUMBER_MAX 20 /* digits of 64 bits */
#define DOUBLE_MAX 32

static void put_bytes(struct exposition *out, const void *bytes, size_t length)
{
	if (length > out->size - out->length) {
		out->has_overflown = true;
		return;
	}
	memcpy(out->text + out->length, bytes, length);
	out->length += length;
}

static void put(struct exposition *out, const char *text)
{
	put_bytes(out, text, strlen(text));
}

static void put_number(struct exposition *out, uint64_t value)
{
	char digits[NUMBER_MAX];
	char *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	put_bytes(out, at, (size_t)(digits + sizeof(digits) - at));
}

static void put_double(struct exposition *out, double value)
{
	char text[DOUBLE_MAX];

	snprintf(text, sizeof(text), "%.9g", value);
	put(out, text);
}

/* What is no character or controls becomes U+EF00 + byte, as in JSON (base/json.h). */
static void put_escaped(struct exposition *out, const char *text)
{
	for (const uint8_t *at = (const uint8_t *)text; *at;) {
		size_t length = utf8_plain_length(at);

		if (length)
			put_bytes(out, at, length);
		else if (*at == '"' || *at == '\\')
			put_bytes(out, (const char[]){'\\', (char)*at}, 2);
		else if (*at == '\n')
			put(out, "\\n");
		else
			put_bytes(out,
				  (const uint8_t[]){0xee, (uint8_t)(0xbc + (*at >> 6)),
						    (uint8_t)(0x80 | (*at & 0x3f))},
				  3);
		at += length ? length : 1;
	}
}

static const char *suffix_of(const struct exposition_family *family)
{
	return family->type == EXPOSITION_COUNTER ? "_total" : "";
}

void exposition_begin(struct exposition *out, const struct exposition_family *family)
{
	static const char *const types[] = {
		[EXPOSITION_COUNTER] = " counter\n",
		[EXPOSITION_GAUGE] = " gauge\n",
		[EXPOSITION_HISTOGRAM] = " histogram\n",
		[EXPOSITION_UNTYPED] = " untyped\n",
	};
	/* In OpenMetrics the family of a counter has no suffix. */
	const char *suffix = out->format == EXPOSITION_TEXT ? suffix_of(family) : "";

	put(out, "# HELP ");
	put(out, family->name);
	put(out, suffix);
	put(out, " ");
	put(out, family->help);
	put(out, "\n# TYPE ");
	put(out, family->name);
	put(out, suffix);
	put(out, types[family->type]);
}

static void put_label(struct exposition *out, const char *before,
		      const struct exposition_label *label)
{
	put(out, before);
	put(out, label->name);
	put(out, "=\"");
	put_escaped(out, label->value);
	put(out, "\"");
}

/* All of a sample but its value. */
static void begin_sample(struct exposition *out, const struct exposition_family *family,
			 const char *suffix, const struct exposition_label *labels)
{
	bool has_labels = false;

	put(out, family->name);
	put(out, suffix);
	for (int i = 0; labels && i < EXPOSITION_LABELS; i++) {
		if (!labels[i].value)
			continue;
		put_label(out, has_labels ? "," : "{", &labels[i]);
		has_labels = true;
	}
	put(out, has_labels ? "} " : " ");
}

void exposition_add(struct exposition *out, const struct exposition_family *family,
		    const struct exposition_label *labels, uint64_t value)
{
	begin_sample(out, family, suffix_of(family), labels);
	put_number(out, value);
	put(out, "\n");
}

void exposition_add_signed(struct exposition *out, const struct exposition_family *family,
			   const struct exposition_label *labels, int64_t value)
{
	begin_sample(out, family, suffix_of(family), labels);
	if (value < 0)
		put(out, "-");
	put_number(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
	put(out, "\n");
}

void exposition_add_double(struct exposition *out, const struct exposition_family *family,
			   const struct exposition_label *labels, double value)
{
	begin_sample(out, family, suffix_of(family), labels);
	put_double(out, value);
	put(out, "\n");
}

static void put_bucket(struct exposition *out, const struct exposition_family *family,
		       const char *limit, uint64_t count)
{
	const struct exposition_label labels[EXPOSITION_LABELS] = {{"le", limit}};

	begin_sample(out, family, "_bucket", labels);
	put_number(out, count);
	put(out, "\n");
}

void exposition_add_buckets(struct exposition *out, const struct exposition_family *family,
			    const struct summary_bucket *buckets, uint32_t count, uint64_t total,
			    double sum)
{
	char limit[DOUBLE_MAX];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(limit, sizeof(limit), "%.9g", buckets[i].le_seconds);
		put_bucket(out, family, limit, buckets[i].count);
	}
	put_bucket(out, family, "+Inf", total);
	begin_sample(out, family, "_sum", NULL);
	put_double(out, sum);
	put(out, "\n");
	begin_sample(out, family, "_count", NULL);
	put_number(out, total);
	put(out, "\n");
}

void exposition_init(struct exposition *out, enum exposition_format format, char *text, size_t size)
{
	*out = (struct exposition){.text = text, .size = size, .format = format};
}

size_t exposition_finish(struct exposition *out)
{
	if (out->format == EXPOSITION_OPEN_METRICS)
		put(out, "# EOF\n");
	return out->has_overflown ? 0 : out->length;
}

const char *exposition_media_type(enum exposition_format format)
{
	return format == EXPOSITION_OPEN_METRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

/* The weight of a media range (RFC 9110 12.5.1), the highest of several; below zero when it is not
 * named. */
static double weight_of(const char *accept, const char *type)
{
	size_t length = strlen(type);
	double weight = -1;

	for (const char *at = accept; at; at = strchr(at, ',')) {
		const char *end, *q;
		double told = 1;

		at += strspn(at, ", \t");
		end = at + strcspn(at, ",");
		if (strncasecmp(at, type, length) || !strchr("; \t,", at[length]))
			continue;
		q = strcasestr(at, "q=");
		if (q && q < end)
			told = strtod(q + 2, NULL);
		weight = told > weight ? told : weight;
	}
	return weight;
}

enum exposition_format exposition_choose(const char *accept)
{
	double open_metrics = weight_of(accept, "application/openmetrics-text");

	return open_metrics > 0 && open_metrics >= weight_of(accept, "text/plain")
		       ? EXPOSITION_OPEN_METRICS
		       : EXPOSITION_TEXT;
}
