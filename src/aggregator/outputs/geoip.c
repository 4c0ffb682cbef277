/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libmaxminddb opens files by name and maps them. It gets a sealed copy in memory, by the name that
 * /proc has for its descriptor: so nobody can cut or change what is mapped.
 */
#include "aggregator/outputs/geoip.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/utf8.h"

#define DATABASE_MAX (INT64_C(1) << 30) /* several times the largest that is sold */
#define SEALS	     (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
#define FOUND	     4096 /* a power of two */

struct database {
	bool is_open;
	struct stat file; /* what it was read from */
	MMDB_s mmdb;
};

struct found {
	struct address address;
	struct geoip_place place;
};

struct geoip {
	bool is_country_iso;
	struct database databases[GEOIP_DATABASE_COUNT];
	struct hash_key key;
	struct found *found; /* FOUND of them, by a hash of the address */
};

struct geoip *geoip_new(const struct config_geoip *config)
{
	struct geoip *geoip;

	if (!*config->city_database && !*config->asn_database)
		return NULL;
	geoip = xcalloc(1, sizeof(*geoip));
	geoip->is_country_iso = config->is_country_iso;
	random_secret(&geoip->key, sizeof(geoip->key));
	geoip->found = xcalloc(FOUND, sizeof(*geoip->found));
	return geoip;
}

void geoip_free(struct geoip *geoip)
{
	if (!geoip)
		return;
	for (int i = 0; i < GEOIP_DATABASE_COUNT; i++)
		if (geoip->databases[i].is_open)
			MMDB_close(&geoip->databases[i].mmdb);
	free(geoip->found);
	free(geoip);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int read_whole(int fd, uint8_t *memory, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t got = pread(fd, memory + at, size - at, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -ESTALE;
		at += (size_t)got;
	}
	return 0;
}

static int fill_sealed(int copy, int fd, size_t size)
{
	uint8_t *memory;
	int error;

	if (ftruncate(copy, (off_t)size) < 0)
		return -errno;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
	if (memory == MAP_FAILED)
		return -errno;
	error = read_whole(fd, memory, size);
	munmap(memory, size);
	if (!error && fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		error = -errno;
	return error;
}

/* A sealed copy of a file that has not changed meanwhile, or -errno. */
static int copy_sealed(int fd, const struct stat *file)
{
	int copy = memfd_create("geoip", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;
	struct stat after;

	if (copy < 0)
		return -errno;
	error = fill_sealed(copy, fd, (size_t)file->st_size);
	if (!error && (fstat(fd, &after) < 0 || !is_same_file(file, &after)))
		error = -ESTALE;
	if (!error)
		return copy;
	close(copy);
	return error;
}

static MMDB_lookup_result_s look_up(const MMDB_s *mmdb, const struct address *address, int *status)
{
	const struct endpoint endpoint = {*address, 0};
	struct sockaddr_storage storage;

	endpoint_to_sockaddr(&endpoint, &storage);
	return MMDB_lookup_sockaddr(mmdb, (struct sockaddr *)&storage, status);
}

/* Finds some addresses all over the tree. MMDB_SUCCESS, or why the database is none. */
static int try_database(const MMDB_s *mmdb)
{
	static const char *const texts[] = {
		"0.0.0.0", "8.8.8.8",	      "81.2.69.160", "203.0.113.1", "255.255.255.255",
		"::",	   "2001:4860::8888", "2a00::1",     "ffff::"};
	MMDB_lookup_result_s result;
	MMDB_entry_data_s data;
	struct address address;
	int status;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		address_parse(texts[i], &address);
		if (address.version == 6 && mmdb->metadata.ip_version == 4)
			continue;
		result = look_up(mmdb, &address, &status);
		if (status == MMDB_SUCCESS && result.found_entry)
			status = MMDB_get_value(&result.entry, &data, "geoname_id", NULL);
		if (status != MMDB_SUCCESS && status != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR)
			return status;
	}
	return MMDB_SUCCESS;
}

static int open_database(struct database *database, int copy)
{
	char path[32];
	int status;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	status = MMDB_open(path, MMDB_MODE_MMAP, &database->mmdb);
	if (status != MMDB_SUCCESS)
		return status;
	status = try_database(&database->mmdb);
	if (status != MMDB_SUCCESS)
		MMDB_close(&database->mmdb);
	return status;
}

/* Of a file that is another one: 0, or -errno with a line in error. */
static int database_read(struct database *database, int fd, char *error)
{
	int copy = copy_sealed(fd, &database->file), status;

	if (copy < 0) {
		snprintf(error, CONFIG_ERROR_MAX, "cannot be read: %s", strerror(-copy));
		return copy;
	}
	status = open_database(database, copy);
	close(copy);
	database->is_open = status == MMDB_SUCCESS;
	if (database->is_open)
		return 0;
	snprintf(error, CONFIG_ERROR_MAX, "is no sound database: %s", MMDB_strerror(status));
	return -EBADMSG;
}

int geoip_update(struct geoip *geoip, enum geoip_database which, int fd, char *error)
{
	struct database *now = &geoip->databases[which], next = {0};
	int result;

	if (fstat(fd, &next.file) < 0 || !S_ISREG(next.file.st_mode) || !next.file.st_size ||
	    next.file.st_size > DATABASE_MAX) {
		snprintf(error, CONFIG_ERROR_MAX, "is no file of a sensible size");
		return -EINVAL;
	}
	if (now->is_open && is_same_file(&now->file, &next.file))
		return 0;
	result = database_read(&next, fd, error);
	if (result < 0)
		return result;
	if (now->is_open)
		MMDB_close(&now->mmdb);
	*now = next;
	memset(geoip->found, 0, FOUND * sizeof(*geoip->found));
	return 0;
}

bool geoip_has(const struct geoip *geoip, enum geoip_database which)
{
	return geoip->databases[which].is_open;
}

/* Copies whole characters; what is none, or controls, is a '?'. "-" for an empty text. */
static void copy_text(char *out, size_t size, const char *text, size_t length)
{
	size_t end = 0, taken, kept;
	uint32_t character;

	for (size_t at = 0; at < length; at += taken, end += kept) {
		const char *from = text + at;

		kept = taken = utf8_decode((const uint8_t *)from, length - at, &character);
		if (!taken || character < ' ' || character == 0x7f) {
			from = "?";
			kept = 1;
			taken = taken ? taken : 1;
		}
		if (end + kept >= size)
			break;
		memcpy(out + end, from, kept);
	}
	if (!end)
		out[end++] = '-';
	out[end] = '\0';
}

/* Sets out to a text of the entry, if it has one there. */
static void get_text(MMDB_entry_s *entry, char *out, size_t size, const char *const *path)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) == MMDB_SUCCESS && data.has_data &&
	    data.type == MMDB_DATA_TYPE_UTF8_STRING)
		copy_text(out, size, data.utf8_string, data.data_size);
}

static bool find_entry(const struct database *database, const struct address *address,
		       MMDB_entry_s *entry)
{
	MMDB_lookup_result_s result;
	int status;

	if (!database->is_open)
		return false;
	result = look_up(&database->mmdb, address, &status);
	*entry = result.entry;
	return status == MMDB_SUCCESS && result.found_entry;
}

static void find_city(const struct geoip *geoip, const struct address *address,
		      struct geoip_place *place)
{
	static const char *const country[] = {"country", "names", "en", NULL};
	static const char *const country_iso[] = {"country", "iso_code", NULL};
	static const char *const city[] = {"city", "names", "en", NULL};
	MMDB_entry_s entry;

	if (!find_entry(&geoip->databases[GEOIP_CITY], address, &entry))
		return;
	get_text(&entry, place->country, sizeof(place->country),
		 geoip->is_country_iso ? country_iso : country);
	get_text(&entry, place->city, sizeof(place->city), city);
}

static void find_as(const struct geoip *geoip, const struct address *address,
		    struct geoip_place *place)
{
	static const char *const number[] = {"autonomous_system_number", NULL};
	static const char *const name[] = {"autonomous_system_organization", NULL};
	MMDB_entry_data_s data;
	MMDB_entry_s entry;

	if (!find_entry(&geoip->databases[GEOIP_ASN], address, &entry))
		return;
	get_text(&entry, place->as_name, sizeof(place->as_name), name);
	if (MMDB_aget_value(&entry, &data, number) == MMDB_SUCCESS && data.has_data &&
	    data.type == MMDB_DATA_TYPE_UINT32)
		place->as_number = data.uint32;
}

void geoip_find(const struct geoip *geoip, const struct address *address, struct geoip_place *place)
{
	struct found *found =
		&geoip->found[hash_bytes(&geoip->key, address, sizeof(*address)) % FOUND];

	if (!address->version) {
		*place = (struct geoip_place){"-", "-", "-", 0};
		return;
	}
	if (!address_equal(&found->address, address)) {
		found->address = *address;
		found->place = (struct geoip_place){"-", "-", "-", 0};
		find_city(geoip, address, &found->place);
		find_as(geoip, address, &found->place);
	}
	*place = found->place;
}

const char *geoip_library_version(void)
{
	return MMDB_lib_version();
}
