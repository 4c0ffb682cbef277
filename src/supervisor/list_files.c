/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/list_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
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
#include "ipc/memory.h"
#include "supervisor/place.h"

/* So many lines that are left out, and more than are taken: perhaps it is something else. */
#define RUBBISH_LEAST 10
#define TOLD_MAX      (ORIGIN_MAX + LISTS_NAME_MAX + CONFIG_PATH_MAX + 128)

struct list_files {
	uint32_t count;
	const struct origins *origins;
	struct rules_list lists[LISTS_MAX];
	char *texts[LISTS_MAX]; /* that name them in the configuration */
	int fds[LISTS_MAX];	/* or -errno */
};

/* What is compiled, and of what. */
struct compilation {
	const struct list_files *files;
	const struct lists *earlier; /* or NULL */
	struct lists_source sources[LISTS_MAX];
	struct lists_report reports[LISTS_MAX];
	uint8_t *texts[LISTS_MAX]; /* of files, or NULL: the list is a copy */
	char remarks[LISTS_MAX][LISTS_TEXT_MAX];
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

struct list_files *list_files_open(const struct config *config, const struct origins *origins)
{
	const struct setting *setting = schema_find(&schema_config, "lists");
	struct list_files *files = xcalloc(1, sizeof(*files));
	char text[CONFIG_TEXT_MAX], problem[SETTING_ERROR_MAX];
	struct setting_place place = {0};

	files->origins = origins;
	while (files->count < LISTS_MAX && setting_next(config, setting, &place, text)) {
		struct rules_list *list = &files->lists[files->count];

		if (!rules_list_parse(text, list, problem))
			log_fatal("lists: %s", problem);
		files->texts[files->count] = xstrdup(text);
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

/* "WHERE list NAME: FILE: REASON", into told[TOLD_MAX]. */
static const char *describe_list(const struct compilation *compilation, uint32_t number,
				 const char *reason, char *told)
{
	const struct list_files *files = compilation->files;
	const struct rules_list *list = &files->lists[number];
	char where[ORIGIN_MAX];

	origins_find(files->origins, "lists", files->texts[number], where);
	snprintf(told, TOLD_MAX, "%slist %s: %s: %s", where, list->name, list->file, reason);
	return told;
}

/* Of another file than the list is to be of now, the log tells which. */
static void tell_kept(const struct compilation *compilation, uint32_t number, const char *reason)
{
	const struct rules_list *list = &compilation->files->lists[number];
	const struct lists_source *source = &compilation->sources[number];
	const uint32_t earlier = (uint32_t)lists_find(compilation->earlier, list->name);
	char told[TOLD_MAX];

	describe_list(compilation, number, reason, told);
	if (!strncmp(source->file, list->file, LISTS_TEXT_MAX - 1))
		log_warn("%s; it stays as it was", told);
	else
		log_warn("%s; its %" PRIu32 " entries of %s stay in force", told,
			 lists_entries(compilation->earlier, earlier), source->file);
}

/* What is in force stays. False: there is no such list. */
static bool keep(struct compilation *compilation, uint32_t number, const char *reason)
{
	const struct rules_list *list = &compilation->files->lists[number];
	struct lists_source *source = &compilation->sources[number];
	char *remark = compilation->remarks[number];
	int earlier = compilation->earlier ? lists_find(compilation->earlier, list->name) : -1;

	if (earlier < 0)
		return false;
	free(compilation->texts[number]);
	compilation->texts[number] = NULL;
	source->text = lists_copy(compilation->earlier, (uint32_t)earlier);
	source->is_copy = true;
	source->file = lists_file(compilation->earlier, (uint32_t)earlier);
	snprintf(remark, LISTS_TEXT_MAX, "%.*s: %s", LISTS_TEXT_MAX / 2, list->file, reason);
	source->remark = remark;
	tell_kept(compilation, number, reason);
	return true;
}

/* At the start too much depends on us: one that a download has left empty is told. */
static void keep_or_warn(struct compilation *compilation, uint32_t number, const char *reason)
{
	char told[TOLD_MAX];

	if (!keep(compilation, number, reason))
		log_warn("%s; the list has no entries",
			 describe_list(compilation, number, reason, told));
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
	char told[TOLD_MAX];
	size_t length = 0;

	strcpy(source->name, list->name);
	source->format = list->format;
	source->file = list->file;
	if (error >= 0)
		error = read_text(error, text, &length);
	source->text = (struct slice){*text, length};
	if (error && !keep(compilation, number, describe(error)))
		log_fatal("%s", describe_list(compilation, number, describe(error), told));
	if (!error && !length)
		keep_or_warn(compilation, number, "is empty");
}

static void tell_list(const struct compilation *compilation, uint32_t number, bool is_verbose)
{
	const struct rules_list *list = &compilation->files->lists[number];
	const struct lists_report *report = &compilation->reports[number];
	const bool has_text = compilation->texts[number];

	if (!is_verbose && has_text && !report->entries && !report->lost)
		log_info("list %s: %s has no entries", list->name, list->file);
	if (is_verbose && !has_text)
		log_info("list %s: %" PRIu32 " entries, as they were", list->name, report->entries);
	if (is_verbose && has_text)
		log_info("list %s: %" PRIu32 " entries of %s (%s), %" PRIu32 " lines left out",
			 list->name, report->entries, list->file, list_format_name(report->format),
			 report->lost);
}

static void tell_bad(const struct compilation *compilation, uint32_t number)
{
	const struct rules_list *list = &compilation->files->lists[number];
	const struct lists_report *report = &compilation->reports[number];

	if (report->bad && report->lost > 1)
		log_warn("%s:%zu: %s; it is left out, and %" PRIu32 " more", list->file,
			 report->first_bad, report->problem, report->lost - 1);
	else if (report->bad)
		log_warn("%s:%zu: %s; it is left out", list->file, report->first_bad,
			 report->problem);
	if (report->lost >= RUBBISH_LEAST && report->lost > report->taken)
		log_warn("list %s: %s: %" PRIu32 " of %" PRIu32
			 " lines are left out: is it a list of names, and its format %s?",
			 list->name, list->file, report->lost, report->lost + report->taken,
			 list_format_name(report->format));
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

/* Nothing in it could be taken. A list of comments only is one without entries. */
static bool is_rubbish(const struct compilation *compilation, uint32_t number)
{
	const struct lists_report *report = &compilation->reports[number];

	return compilation->texts[number] && !report->entries && report->lost;
}

/* That is known when it is compiled; then what it was before is, once more. */
static void *compile(struct compilation *compilation, size_t *size)
{
	void *memory = compile_once(compilation, size);
	bool is_again = false;

	for (uint32_t i = 0; i < compilation->files->count; i++) {
		if (compilation->texts[i])
			tell_bad(compilation, i);
		if (!is_rubbish(compilation, i))
			continue;
		keep_or_warn(compilation, i, "has no entry");
		is_again |= compilation->sources[i].is_copy;
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

void list_files_compile(const struct list_files *files, int earlier_fd, int fd, bool is_verbose)
{
	struct compilation *compilation = xcalloc(1, sizeof(*compilation));
	size_t size, earlier_size;
	/* Sealed, and made by a process like us. */
	void *memory, *earlier = memory_map_whole(earlier_fd, &earlier_size, false);

	compilation->files = files;
	compilation->earlier = earlier ? lists_open(earlier, earlier_size) : NULL;
	for (uint32_t i = 0; i < files->count; i++)
		read_source(compilation, i);
	if (files->count) {
		memory = compile(compilation, &size);
		if (fd >= 0)
			write_whole(fd, memory, size);
		free(memory);
	}
	for (uint32_t i = 0; i < files->count; i++) {
		tell_list(compilation, i, is_verbose);
		free(compilation->texts[i]);
	}
	if (earlier)
		munmap(earlier, earlier_size);
	free(compilation);
}

void list_files_close(struct list_files *files)
{
	for (uint32_t i = 0; files && i < files->count; i++) {
		free(files->texts[i]);
		if (files->fds[i] >= 0)
			close(files->fds[i]);
	}
	free(files);
}
