/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/memory.h"

static void test_memory_is_sealed_and_shared(void **state)
{
	int fd = memory_create("test", 8192);
	char *writer = memory_map(fd, 8192, true);
	const char *reader = memory_map(fd, 8192, false);

	(void)state;
	assert_true(fd >= 0);
	assert_non_null(writer);
	assert_non_null(reader);
	writer[8191] = 'x';
	assert_int_equal(reader[8191], 'x');
	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(ftruncate(fd, 16384), -1);
	munmap(writer, 8192);
	munmap((void *)reader, 8192);
	close(fd);
}

static void test_memory_of_another_size_or_kind_is_refused(void **state)
{
	int fd = memory_create("test", 8192), plain = memfd_create("plain", 0);

	(void)state;
	assert_null(memory_map(fd, 4096, false));
	assert_int_equal(ftruncate(plain, 8192), 0);
	assert_null(memory_map(plain, 8192, false));
	assert_null(memory_map(-1, 8192, false));
	close(fd);
	close(plain);
}

static void test_memory_mapped_twice_has_its_tail_behind(void **state)
{
	int fd = memory_create("test", 8192 + 64);
	char *writer = memory_map_twice(fd, 8192, 64, true);
	const char *reader = memory_map_twice(fd, 8192, 64, false);

	(void)state;
	assert_non_null(writer);
	assert_non_null(reader);
	writer[8192] = 'a';
	writer[16384] = 't';
	assert_int_equal(writer[0], 'a');
	assert_int_equal(reader[8192], 'a');
	assert_int_equal(reader[16384], 't');
	memory_unmap_twice(writer, 8192, 64);
	memory_unmap_twice(reader, 8192, 64);
	memory_unmap_twice(NULL, 8192, 64);
	close(fd);
}

static void test_memory_of_another_size_is_not_mapped_twice(void **state)
{
	int fd = memory_create("test", 12288), less = memory_create("test", 2048);

	(void)state;
	assert_null(memory_map_twice(fd, 12288, 0, true));
	assert_null(memory_map_twice(fd, 8192, 0, true));
	assert_null(memory_map_twice(less, 2048, 0, true));
	close(fd);
	close(less);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_sealed_and_shared),
		cmocka_unit_test(test_memory_of_another_size_or_kind_is_refused),
		cmocka_unit_test(test_memory_mapped_twice_has_its_tail_behind),
		cmocka_unit_test(test_memory_of_another_size_is_not_mapped_twice),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
