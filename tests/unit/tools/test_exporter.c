/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "tools/read/exporter.h"

static struct endpoint endpoint(const char *address, uint16_t port)
{
	struct endpoint made = {.port = port};

	assert_true(address_parse(address, &made.address));
	return made;
}

static void test_exporters_are_told_apart_by_address_and_port(void **state)
{
	struct endpoint first = endpoint("192.0.2.1", 1), other_port = endpoint("192.0.2.1", 2);
	struct endpoint other = endpoint("192.0.2.2", 1), six = endpoint("c000:201::", 1);
	struct exporters *exporters = exporters_new();
	struct exporter *found = exporters_find(exporters, &first, 5);

	(void)state;
	assert_ptr_not_equal(exporters_find(exporters, &other_port, 5), found);
	assert_ptr_not_equal(exporters_find(exporters, &other, 5), found);
	assert_ptr_not_equal(exporters_find(exporters, &six, 5), found);
	assert_ptr_equal(exporters_find(exporters, &first, 6), found);
	assert_int_equal(exporters_count(exporters), 4);
	assert_ptr_equal(exporters_at(exporters, 0), found);
	assert_string_equal(found->address, "192.0.2.1");
	assert_string_equal(exporters_at(exporters, 3)->address, "c000:201::");
	assert_int_equal(found->first_ns, 5);
	exporters_free(exporters);
}

static void test_exporters_are_bounded(void **state)
{
	struct exporters *exporters = exporters_new();
	struct endpoint source = endpoint("10.0.0.0", 1);
	const struct exporter *stranger;

	(void)state;
	for (uint32_t i = 0; i < EXPORTERS_MAX + 10; i++) {
		be32_store(source.address.bytes, i);
		assert_int_equal(exporters_find(exporters, &source, 0)->endpoint.port, 1);
	}
	assert_int_equal(exporters_count(exporters), EXPORTERS_MAX);
	assert_int_equal(exporters_untracked(exporters), 10);
	stranger = exporters_find(exporters, &source, 0);
	assert_string_equal(stranger->address, "0.1.0.9");
	assert_int_equal(stranger->sequence.total, 0);
	for (uint32_t i = 0; i < EXPORTERS_MAX; i++) {
		be32_store(source.address.bytes, i);
		assert_ptr_equal(exporters_find(exporters, &source, 0), exporters_at(exporters, i));
	}
	exporters_free(exporters);
}

static void take(struct exporter *exporter, uint32_t sequence, uint8_t sets,
		 const struct record_stats *stats, int64_t time_ns)
{
	const struct record_reader reader = {.sequence = sequence, .sets_count = sets};

	exporter_take(exporter, &reader, stats, time_ns);
}

static void test_exporter_counts_packets_and_records(void **state)
{
	struct exporter exporter = {.first_ns = 10, .last_ns = 10};
	const struct record_stats stats = {1, 2, 3, 4, 5};

	(void)state;
	take(&exporter, 1, 5, NULL, 10);
	take(&exporter, 2, 7, NULL, 10 + 2 * NANOSECONDS_PER_SECOND);
	take(&exporter, 3, 1, &stats, 10 + NANOSECONDS_PER_SECOND);
	assert_int_equal(exporter.data_packets, 2);
	assert_int_equal(exporter.records, 12);
	assert_int_equal(exporter.stats_packets, 1);
	assert_int_equal(exporter.stats_steps, 0);
	assert_int_equal(exporter.sequence.total, 3);
	assert_true(exporter_seconds(&exporter) == 2.0);
}

static void test_exporter_sums_counters_that_wrap(void **state)
{
	struct exporter exporter = {0};
	const struct record_stats first = {UINT32_MAX - 1, 10, 0, 7, 1}, second = {3, 30, 1, 7, 1},
				  third = {103, 30, 1, 8, 1};

	(void)state;
	take(&exporter, 1, 1, &first, 0);
	take(&exporter, 2, 1, &second, 0);
	take(&exporter, 3, 1, &third, 0);
	assert_int_equal(exporter.captured, 105);
	assert_int_equal(exporter.received, 20);
	assert_int_equal(exporter.dropped, 1);
	assert_int_equal(exporter.interface_dropped, 1);
	assert_int_equal(exporter.stats_steps, 2);
}

static void test_exporter_compares_no_late_statistics(void **state)
{
	struct exporter exporter = {0};
	const struct record_stats stats[] = {
		{100, 0, 0, 0, 0}, {200, 0, 0, 0, 0}, {300, 0, 0, 0, 0}};

	(void)state;
	take(&exporter, 1, 1, &stats[0], 0);
	take(&exporter, 3, 1, &stats[2], 0);
	take(&exporter, 2, 1, &stats[1], 0);
	take(&exporter, 3, 1, &stats[2], 0);
	take(&exporter, 4, 1, &stats[2], 0);
	assert_int_equal(exporter.captured, 200);
	assert_int_equal(exporter.stats_packets, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exporters_are_told_apart_by_address_and_port),
		cmocka_unit_test(test_exporters_are_bounded),
		cmocka_unit_test(test_exporter_counts_packets_and_records),
		cmocka_unit_test(test_exporter_sums_counters_that_wrap),
		cmocka_unit_test(test_exporter_compares_no_late_statistics),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
