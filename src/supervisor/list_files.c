/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/list_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "config/rules.h"
#include "config/schema.h"
#include "supervisor/place.h"

struct list_files {
	uint32_t count;
	struct rules_list lists[LISTS_MAX];
	int fds[LISTS_MAX]; /* or -errno */
};

/* What is compiled, and of what. */
struct compilation {
	const struct list_files *files;
	const struct lists *earlier; /* or NULL */
	struct lists_source sources[LISTS_MAX];
	struct lists_report reports[LISTS_MAX];
	uint8_t *texts[LISTS_MAX]; /* of files, or NULL: the list is a copy */
};

/* The file of a configuration: in a folder that others may change no link is followed. */
static int open_file(const char *path)
{
	struct place place;
	int fd = place_open(&place, path);

	if (fd < 0)
		return fd;
	fd = place_open_to_read(&place);
	place_close(&place);
	return fd;
}

struct list_files *list_files_open(const struct config *config)
{
	const struct setting *setting = schema_find(&schema_config, "lists");
	struct list_files *files = xcalloc(1, sizeof(*files));
	char text[CONFIG_TEXT_MAX], problem[SETTING_ERROR_MAX];
	struct setting_place place = {0};

	while (files->count < LISTS_MAX && setting_next(config, setting, &place, text)) {
		struct rules_list *list = &files->lists[files->count];

		if (!rules_list_parse(text, list, problem))
			log_fatal("lists: %s", problem);
		files->fds[files->count++] = open_file(list->file);
	}
	return files;
}

/* As much as it had when it was opened: one that grows meanwhile is read the next time. */
static int read_text(int fd, uint8_t **text, size_t *length)
{
	struct stat status;
	ssize_t got;

	*length = 0;
	if (fstat(fd, &status) < 0)
		return -errno;
	*text = xmalloc((size_t)status.st_size + 1);
	do {
		got = pread(fd, *text + *length, (size_t)status.st_size - *length, (off_t)*length);
		*length += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	return got < 0 ? -errno : 0;
}

/* What is in force stays, or there is no such list. */
static void keep(struct compilation *compilation, uint32_t number, const char *reason)
{
	const struct rules_list *list = &compilation->files->lists[number];
	int earlier = compilation->earlier ? lists_find(compilation->earlier, list->name) : -1;

	if (earlier < 0)
		log_fatal("list %s: %s: %s", list->name, list->file, reason);
	log_warn("list %s: %s: %s; it stays as it was", list->name, list->file, reason);
	free(compilation->texts[number]);
	compilation->texts[number] = NULL;
	compilation->sources[number].text = lists_copy(compilation->earlier, (uint32_t)earlier);
	compilation->sources[number].is_copy = true;
}

static const char *describe(int error)
{
	if (error == -ELOOP)
		return "a symbolic link is not followed where others may change the folder";
	if (error == -EBADF)
		return "is no regular file of its own";
	return strerror(-error);
}

static void read_source(struct compilation *compilation, uint32_t number)
{
	const struct rules_list *list = &compilation->files->lists[number];
	struct lists_source *source = &compilation->sources[number];
	uint8_t **text = &compilation->texts[number];
	int error = compilation->files->fds[number];
	size_t length = 0;

	strcpy(source->name, list->name);
	source->format = list->format;
	if (error >= 0)
		error = read_text(error, text, &length);
	source->text = (struct slice){*text, length};
	if (error)
		keep(compilation, number, describe(error));
	else if (!length)
		keep(compilation, number, "is empty");
}

static void tell_list(const struct compilation *compilation, uint32_t number)
{
	const struct rules_list *list = &compilation->files->lists[number];
	const struct lists_report *report = &compilation->reports[number];

	if (!compilation->texts[number])
		log_info("list %s: %" PRIu32 " entries, as they were", list->name, report->entries);
	else
		log_info("list %s: %" PRIu32 " entries of %s (%s), %" PRIu32 " lines left out",
			 list->name, report->entries, list->file, list_format_name(report->format),
			 report->left_out);
}

static void tell_bad(const struct compilation *compilation, uint32_t number)
{
	const struct rules_list *list = &compilation->files->lists[number];
	const struct lists_report *report = &compilation->reports[number];

	if (report->bad > 1)
		log_warn("%s:%zu: %s; it is left out, and %" PRIu32 " more", list->file,
			 report->first_bad, report->problem, report->bad - 1);
	else if (report->bad)
		log_warn("%s:%zu: %s; it is left out", list->file, report->first_bad,
			 report->problem);
}

static void *compile_once(struct compilation *compilation, size_t *size)
{
	struct hash_key key;
	void *memory = NULL;

	if (!random_secret(&key, sizeof(key)))
		memory = lists_compile(compilation->sources, compilation->files->count, &key,
				       compilation->reports, size);
	if (!memory)
		log_fatal("lists: no memory for them");
	return memory;
}

/* One without an entry is known when it is compiled; then what it was before is, once more. */
static void *compile(struct compilation *compilation, size_t *size)
{
	void *memory = compile_once(compilation, size);
	bool is_again = false;

	for (uint32_t i = 0; i < compilation->files->count; i++) {
		if (!compilation->texts[i])
			continue;
		tell_bad(compilation, i);
		if (compilation->reports[i].entries)
			continue;
		keep(compilation, i, "has no entry");
		is_again = true;
	}
	if (!is_again)
		return memory;
	free(memory);
	return compile_once(compilation, size);
}

static void write_whole(int fd, const uint8_t *bytes, size_t size)
{
	ssize_t written;

	for (size_t done = 0; done < size; done += (size_t)written) {
		written = write(fd, bytes + done, size - done);
		if (written < 0)
			log_fatal("lists cannot be handed over: %s", strerror(errno));
	}
}

/* Of a memfd that is sealed, and made by a process like us. */
static const struct lists *open_earlier(int fd, size_t *size)
{
	struct stat status;
	void *memory;

	*size = 0;
	if (fstat(fd, &status) < 0 || status.st_size <= 0)
		return NULL;
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED)
		return NULL;
	*size = (size_t)status.st_size;
	return lists_open(memory, *size);
}

void list_files_compile(const struct list_files *files, int earlier_fd, int fd, bool is_verbose)
{
	struct compilation *compilation = xcalloc(1, sizeof(*compilation));
	size_t size, earlier_size;
	void *memory;

	compilation->files = files;
	compilation->earlier = open_earlier(earlier_fd, &earlier_size);
	for (uint32_t i = 0; i < files->count; i++)
		read_source(compilation, i);
	if (files->count) {
		memory = compile(compilation, &size);
		if (fd >= 0)
			write_whole(fd, memory, size);
		free(memory);
	}
	for (uint32_t i = 0; i < files->count; i++) {
		if (is_verbose)
			tell_list(compilation, i);
		free(compilation->texts[i]);
	}
	if (compilation->earlier)
		munmap((void *)compilation->earlier, earlier_size);
	free(compilation);
}

void list_files_close(struct list_files *files)
{
	for (uint32_t i = 0; files && i < files->count; i++)
		if (files->fds[i] >= 0)
			close(files->fds[i]);
	free(files);
}
