/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <fcntl.h>
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

static int filled(size_t size)
{
	int fd = memfd_create("filled", MFD_ALLOW_SEALING);

	for (size_t i = 0; i < size; i++)
		assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
	return fd;
}

static void test_memory_that_is_sealed_against_writing_is_mapped_whole(void **state)
{
	int fd = filled(5000);

	(void)state;
	for (int is_huge = 0; is_huge < 2; is_huge++) {
		size_t size;
		const char *memory = memory_map_whole(fd, &size, is_huge);

		assert_non_null(memory);
		assert_int_equal(size, 5000);
		assert_int_equal(memory[0], 'x');
		assert_int_equal(memory[4999], 'x');
		munmap((void *)memory, size);
	}
	close(fd);
}

static void test_no_memory_is_not_mapped_whole(void **state)
{
	int fd = filled(0);
	size_t size = 1;

	(void)state;
	assert_null(memory_map_whole(fd, &size, false));
	assert_int_equal(size, 0);
	assert_null(memory_map_whole(-1, &size, true));
	assert_int_equal(size, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_sealed_and_shared),
		cmocka_unit_test(test_memory_of_another_size_or_kind_is_refused),
		cmocka_unit_test(test_memory_mapped_twice_has_its_tail_behind),
		cmocka_unit_test(test_memory_of_another_size_is_not_mapped_twice),
		cmocka_unit_test(test_memory_that_is_sealed_against_writing_is_mapped_whole),
		cmocka_unit_test(test_no_memory_is_not_mapped_whole),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
