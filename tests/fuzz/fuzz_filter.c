/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A filter, and an event that it is asked about. The input is texts with NULs between them: one for
 * each kind of condition, then a record as a ring has it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/event_codec.h"
#include "rules/filter.h"

#define LISTS 10

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Texts that are not there are empty. Returns what is behind the last one. */
static struct slice split(const uint8_t *data, size_t size, const char **lists)
{
	struct slice rest = {data, size};

	for (unsigned i = 0; i < LISTS; i++) {
		const uint8_t *end = rest.length ? memchr(rest.data, '\0', rest.length) : NULL;

		lists[i] = end ? (const char *)rest.data : "";
		if (!end)
			continue;
		rest.length -= (size_t)(end + 1 - rest.data);
		rest.data = end + 1;
	}
	return rest;
}

static void check_events(struct event_filter *filter, struct slice record)
{
	struct event event;
	bool is_matched;

	if (!event_decode(record, &event))
		event = (struct event){.kind = EVENT_AUTH_QUERY, .protocol = EVENT_UDP};
	is_matched = event_filter_match(filter, &event);
	assert(event_filter_match(filter, &event) == is_matched);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hash_key key = {{1, 2}};
	const char *lists[LISTS];
	struct slice record = split(data, size, lists);
	struct filter_conditions conditions = {
		.types = lists[0],
		.rcodes = lists[1],
		.verdicts = lists[2],
		.messages = lists[3],
		.clients = lists[4],
		.servers = lists[5],
		.names = lists[6],
		.name_file = {(const uint8_t *)lists[7], strlen(lists[7])},
		.name_regexes = lists[8],
		.identities = lists[9],
		.latency_ms_least = -1,
		.latency_ms_most = size & 1 ? 5 : -1,
	};
	char error[FILTER_ERROR_MAX];
	struct event_filter *filter;

	memset(error, 'x', sizeof(error));
	if (!conditions.name_file.length)
		conditions.name_file.data = NULL;
	filter = event_filter_new(&conditions, &key, error);
	if (filter)
		check_events(filter, record);
	else
		assert(strstr(error, ": ") && strlen(error) < sizeof(error));
	event_filter_free(filter);
	return 0;
}
