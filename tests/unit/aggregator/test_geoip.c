/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "aggregator/outputs/geoip.h"
#include "base/cursor.h"
#include "base/random.h"

#define PREFIX_BITS 24
#define RECORD	    3

/* A database for IPv4 that knows one prefix of 24 bits (maxmind.github.io/MaxMind-DB). */
struct database {
	uint8_t bytes[4096];
	size_t length;
};

static struct database database;
static struct config_geoip config;
static struct geoip *geoip;
static struct geoip_place place;
static char error[CONFIG_ERROR_MAX], path[64];

static void add(const void *bytes, size_t length)
{
	memcpy(database.bytes + database.length, bytes, length);
	database.length += length;
}

static void add_text(const char *text)
{
	size_t length = strlen(text);
	uint8_t head[] = {2 << 5 | 29, 0};

	if (length < 29) {
		head[0] = (uint8_t)(2 << 5 | length);
		add(head, 1);
	} else {
		head[1] = (uint8_t)(length - 29);
		add(head, 2);
	}
	add(text, length);
}

static void add_number(int type, uint32_t value)
{
	uint8_t bytes[6];

	bytes[0] = (uint8_t)(type > 7 ? 4 : type << 5 | (type == 5 ? 2 : 4));
	if (type == 5) {
		be16_store(bytes + 1, (uint16_t)value);
		add(bytes, 3);
	} else if (type < 8) {
		be32_store(bytes + 1, value);
		add(bytes, 5);
	} else {
		bytes[1] = (uint8_t)(type - 7);
		be32_store(bytes + 2, value);
		add(bytes, 6);
	}
}

static void add_map(uint8_t count)
{
	uint8_t head = (uint8_t)(7 << 5 | count);

	add(&head, 1);
}

static void put_record(uint32_t node, int side, uint32_t value)
{
	uint8_t *at = database.bytes + node * 2 * RECORD + side * RECORD;

	at[0] = (uint8_t)(value >> 16);
	be16_store(at + 1, (uint16_t)value);
}

static void start_tree(const char *prefix)
{
	struct address address;

	assert_true(address_parse(prefix, &address));
	for (uint32_t bit = 0; bit < PREFIX_BITS; bit++) {
		int side = address.bytes[bit / 8] >> (7 - bit % 8) & 1;

		put_record(bit, !side, PREFIX_BITS);
		put_record(bit, side, bit + 1 < PREFIX_BITS ? bit + 1 : PREFIX_BITS + 16);
	}
	database.length = PREFIX_BITS * 2 * RECORD;
	memset(database.bytes + database.length, 0, 16);
	database.length += 16;
}

static void add_metadata(void)
{
	add("\xab\xcd\xefMaxMind.com", 14);
	add_map(9);
	add_text("node_count");
	add_number(6, PREFIX_BITS);
	add_text("record_size");
	add_number(5, RECORD * 8);
	add_text("ip_version");
	add_number(5, 4);
	add_text("database_type");
	add_text("Test-City");
	add_text("languages");
	add("\x00\x04", 2);
	add_text("binary_format_major_version");
	add_number(5, 2);
	add_text("binary_format_minor_version");
	add_number(5, 0);
	add_text("build_epoch");
	add_number(9, 1600000000);
	add_text("description");
	add_map(0);
}

static void make_city(const char *country, const char *city)
{
	start_tree("192.0.2.0");
	add_map(2);
	add_text("country");
	add_map(2);
	add_text("iso_code");
	add_text("XX");
	add_text("names");
	add_map(1);
	add_text("en");
	add_text(country);
	add_text("city");
	add_map(1);
	add_text("names");
	add_map(1);
	add_text("en");
	add_text(city);
	add_metadata();
}

static void make_asn(void)
{
	start_tree("192.0.2.0");
	add_map(2);
	add_text("autonomous_system_number");
	add_number(6, 64496);
	add_text("autonomous_system_organization");
	add_text("Example Carrier");
	add_metadata();
}

static int write_file(size_t length)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, database.bytes, length), length);
	return fd;
}

static int update(enum geoip_database which)
{
	int fd = write_file(database.length), result = geoip_update(geoip, which, fd, error);

	close(fd);
	unlink(path);
	return result;
}

static void find(const char *text)
{
	struct address address;

	assert_true(address_parse(text, &address));
	geoip_find(geoip, &address, &place);
}

static void assert_place(const char *text, const char *country, const char *city)
{
	find(text);
	assert_string_equal(place.country, country);
	assert_string_equal(place.city, city);
}

/* The library loses some memory when the metadata of a database are damaged. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

static int set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_geoip.%d", (int)getpid());
	config = (struct config_geoip){.city_database = "city", .asn_database = "asn"};
	geoip = geoip_new(&config);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	geoip_free(geoip);
	return 0;
}

static void test_nothing_is_known_without_databases(void **state)
{
	static const struct config_geoip none;

	(void)state;
	assert_null(geoip_new(&none));
	geoip_free(NULL);
	assert_false(geoip_has(geoip, GEOIP_CITY));
	assert_place("192.0.2.1", "-", "-");
	assert_string_equal(place.as_name, "-");
	assert_int_equal(place.as_number, 0);
}

static void test_places_are_found(void **state)
{
	(void)state;
	make_city("Exampleland", "M\xc3\xbcnchen");
	assert_int_equal(update(GEOIP_CITY), 0);
	make_asn();
	assert_int_equal(update(GEOIP_ASN), 0);
	assert_true(geoip_has(geoip, GEOIP_CITY) && geoip_has(geoip, GEOIP_ASN));
	for (int i = 0; i < 2; i++) { /* looked up, and remembered */
		assert_place("192.0.2.77", "Exampleland", "M\xc3\xbcnchen");
		assert_int_equal(place.as_number, 64496);
		assert_string_equal(place.as_name, "Example Carrier");
		assert_place("192.0.3.77", "-", "-");
		assert_place("2001:db8::1", "-", "-");
	}
}

static void test_country_may_be_its_code(void **state)
{
	(void)state;
	geoip_free(geoip);
	config.is_country_iso = true;
	geoip = geoip_new(&config);
	make_city("Exampleland", "Here");
	assert_int_equal(update(GEOIP_CITY), 0);
	assert_place("192.0.2.77", "XX", "Here");
}

static void test_database_is_replaced_and_forgets(void **state)
{
	(void)state;
	make_city("Before", "One");
	assert_int_equal(update(GEOIP_CITY), 0);
	assert_place("192.0.2.77", "Before", "One");
	make_city("After", "Two");
	assert_int_equal(update(GEOIP_CITY), 0);
	assert_place("192.0.2.77", "After", "Two");
}

static void test_database_outlives_its_file(void **state)
{
	int fd;

	(void)state;
	make_city("Before", "One");
	fd = write_file(database.length);
	assert_int_equal(geoip_update(geoip, GEOIP_CITY, fd, error), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_place("192.0.2.77", "Before", "One");
	assert_int_equal(geoip_update(geoip, GEOIP_CITY, fd, error), -EINVAL);
	assert_place("192.0.2.77", "Before", "One");
	close(fd);
	unlink(path);
}

static void test_texts_are_cut_and_cleaned(void **state)
{
	char city[200], expected[200];

	(void)state;
	memset(city, 0, sizeof(city));
	for (int i = 0; i < 60; i++)
		memcpy(city + 2 * i, "\xc3\xbc", 2);
	memcpy(expected, city, 94);
	expected[94] = '\0';
	make_city("a\xff\n\xc3", city);
	assert_int_equal(update(GEOIP_CITY), 0);
	assert_place("192.0.2.77", "a???", expected);
	make_city("", "");
	assert_int_equal(update(GEOIP_CITY), 0);
	assert_place("192.0.2.77", "-", "-");
}

static void test_broken_database_is_refused_and_the_old_one_stays(void **state)
{
	int fds[2];

	(void)state;
	make_city("Before", "One");
	assert_int_equal(update(GEOIP_CITY), 0);
	database.length = 100;
	assert_int_equal(update(GEOIP_CITY), -EBADMSG);
	assert_string_equal(error, "is no sound database: The MaxMind DB file contains invalid "
				   "metadata");
	database.length = 0;
	assert_int_equal(update(GEOIP_CITY), -EINVAL);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(geoip_update(geoip, GEOIP_CITY, fds[0], error), -EINVAL);
	close(fds[0]);
	close(fds[1]);
	assert_place("192.0.2.77", "Before", "One");
}

/* Whatever is changed in it: refused, or answers of some kind. */
static void test_hostile_databases_harm_nobody(void **state)
{
	struct random random = {{1, 2, 3, 4}};
	size_t length;

	(void)state;
	make_city("Exampleland", "Here");
	length = database.length;
	for (int i = 0; i < 1500; i++) {
		make_city("Exampleland", "Here");
		assert_int_equal(database.length, length);
		for (uint64_t changes = 1 + random_below(&random, 3); changes; changes--)
			database.bytes[random_below(&random, length)] =
				(uint8_t)random_next(&random);
		if (update(GEOIP_CITY) == 0) {
			find("192.0.2.1");
			find("192.0.0.1");
			find("255.0.2.1");
			find("2001:db8::1");
		}
	}
}

static void test_shared_database_is_read(void **state)
{
	const char *shared = getenv("DNSFLOW_SHARED") ? getenv("DNSFLOW_SHARED") : "../shared";
	char file[512];
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "%s/data/city-test.mmdb", shared);
	fd = open(file, O_RDONLY);
	if (fd < 0) {
		print_message("# skipped: no %s (DNSFLOW_SHARED)\n", file);
		return;
	}
	assert_int_equal(geoip_update(geoip, GEOIP_CITY, fd, error), 0);
	assert_int_equal(geoip_update(geoip, GEOIP_CITY, fd, error), 0);
	close(fd);
	assert_place("2.125.160.216", "United Kingdom", "Boxford");
	assert_place("81.2.69.160", "United Kingdom", "London");
	assert_place("2001:218::1", "Japan", "-");
	assert_place("127.0.0.1", "-", "-");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_known_without_databases),
		TEST(test_places_are_found),
		TEST(test_country_may_be_its_code),
		TEST(test_database_is_replaced_and_forgets),
		TEST(test_database_outlives_its_file),
		TEST(test_texts_are_cut_and_cleaned),
		TEST(test_broken_database_is_refused_and_the_old_one_stays),
		TEST(test_hostile_databases_harm_nobody),
		TEST(test_shared_database_is_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
