/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Members of a reply. One that is not there, or of another type, is "", 0 or false. */

static inline const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static inline int64_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static inline bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}
