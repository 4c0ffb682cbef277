/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a document: events close what they open, and none stands before the one in front of
 * it. Of JSON, jansson has as many values. */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "config/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH_MAX 256 /* libyaml's time goes with its square */

static bool is_before(struct document_place a, struct document_place b)
{
	return a.line < b.line || (a.line == b.line && a.column < b.column);
}

static void check_value(const struct document *document)
{
	assert(document->value[document->length] == '\0');
	assert(!document->is_null || document->length == strlen(document->value));
}

/* Returns how many values there are, keys too, or -1 when it is no document. */
static long read_events(struct slice text)
{
	struct document_place last = {1, 1};
	char problem[SETTING_ERROR_MAX];
	struct document document;
	bool is_good, is_list[DEPTH_MAX];
	long values = 0;
	int depth = 0;

	assert(document_open(&document, text));
	while ((is_good = document_next(&document, problem)) && document.event != DOCUMENT_END &&
	       depth < DEPTH_MAX) {
		assert(document.place.line && document.place.column);
		assert(!is_before(document.place, last));
		last = document.place;
		values += document.event == DOCUMENT_VALUE;
		if (document.event == DOCUMENT_VALUE) {
			check_value(&document);
		} else if (document.event == DOCUMENT_LIST || document.event == DOCUMENT_MAPPING) {
			is_list[depth++] = document.event == DOCUMENT_LIST;
		} else {
			assert(depth > 0);
			depth--;
			assert(is_list[depth] == (document.event == DOCUMENT_LIST_END));
		}
	}
	assert(!is_good || !depth || depth == DEPTH_MAX);
	assert(is_good || strlen(problem));
	document_close(&document);
	return is_good && !depth ? values : -1;
}

static long count_values(json_t *json)
{
	long count = 0;
	size_t index;
	const char *key;
	json_t *value;

	if (!json_is_object(json) && !json_is_array(json))
		return 1;
	json_array_foreach (json, index, value)
		count += count_values(value);
	json_object_foreach(json, key, value) count += 1 + count_values(value);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const long values = read_events((struct slice){data, size});
	json_t *json;

	if (values < 0 || !size || *data != '{')
		return 0;
	/* A key that stands twice is two for us. */
	json = json_loadb((const char *)data, size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
	assert(!json || count_values(json) == values);
	json_decref(json);
	return 0;
}
