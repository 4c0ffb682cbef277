/* SPDX-License-Identifier: BSD-3-Clause */
/* A datagram of any version; what was read of it is written as version 4 and read again. */
#include <assert.h>
#include <string.h>

#include "record/reader.h"
#include "record/set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct slice part, struct slice whole)
{
	assert(part.data >= whole.data);
	assert(part.data + part.length <= whole.data + whole.length);
}

static void check_names(const struct record_set *set)
{
	struct slice left = set->names;
	unsigned count = 0;

	for (; left.length; count++) {
		const uint8_t *end = memchr(left.data, '\0', left.length);
		size_t length = name_wire_length(left);

		if (set->are_names_text)
			length = end ? (size_t)(end - left.data) + 1 : 0;
		assert(length);
		left.data += length;
		left.length -= length;
	}
	assert(count == set->names_count);
}

static void check_again(const struct record_set *set)
{
	static struct dns_answer answer;
	uint8_t bytes[RECORD_PAYLOAD_MAX + RECORD_SET_SLACK];
	struct record_reader reader;
	struct record_set again;
	uint32_t length;
	bool is_end;

	answer.names_length = (uint32_t)set->names.length;
	answer.names_count = set->names_count;
	answer.ip4s_count = set->ip4s_count;
	answer.ip6s_count = set->ip6s_count;
	if (set->are_names_text || record_estimate(&answer) > RECORD_ESTIMATE_MAX)
		return;
	memcpy(answer.names, set->names.data, set->names.length);
	memcpy(answer.ip4s, set->ip4s.data, set->ip4s.length);
	memcpy(answer.ip6s, set->ip6s.data, set->ip6s.length);
	record_header_encode(bytes, 1, 0, 1);
	length = record_set_encode(bytes + RECORD_HEADER_SIZE, &set->client, &set->client, &answer);
	length += RECORD_HEADER_SIZE;
	assert(record_reader_open(&reader, (struct slice){bytes, length}) == RECORD_OK);
	assert(record_reader_next(&reader, &again, &is_end) == RECORD_OK && !is_end);
	assert(address_equal(&again.client, &set->client));
	assert(again.names.length == set->names.length);
	assert(!memcmp(again.names.data, set->names.data, set->names.length));
	assert(!memcmp(again.ip4s.data, set->ip4s.data, set->ip4s.length));
	assert(!memcmp(again.ip6s.data, set->ip6s.data, set->ip6s.length));
}

static void check_sets(struct record_reader *reader, struct slice datagram)
{
	struct record_set set;
	bool is_end = false;
	unsigned count = 0;

	while (!record_reader_next(reader, &set, &is_end) && !is_end) {
		check_inside(set.names, datagram);
		check_inside(set.ip4s, datagram);
		check_inside(set.ip6s, datagram);
		assert(set.ip4s.length == 4u * set.ip4s_count);
		assert(set.ip6s.length == 16u * set.ip6s_count);
		assert(set.client.version == 4 || set.client.version == 6);
		check_names(&set);
		check_again(&set);
		count++;
	}
	assert(count <= reader->sets_count);
	assert(!record_reader_next(reader, &set, &is_end) && is_end);
}

static void check_stats(struct record_reader *reader, struct slice datagram)
{
	uint8_t bytes[RECORD_STATS_SIZE];
	struct record_stats stats;

	if (record_reader_stats(reader, &stats))
		return;
	record_stats_encode(bytes, reader->sequence, &stats);
	if (reader->version >= 2)
		assert(!memcmp(bytes + 4, datagram.data + 4, sizeof(bytes) - 4));
	else
		assert(stats.sample_rate == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice datagram = {data, size};
	struct record_reader reader;

	if (record_reader_open(&reader, datagram))
		return 0;
	assert(reader.version <= RECORD_VERSION && reader.sets_count);
	if (record_reader_is_stats(&reader))
		check_stats(&reader, datagram);
	else
		check_sets(&reader, datagram);
	return 0;
}
