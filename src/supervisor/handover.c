/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/config.h"

#define FIRST_LINE "dnsflow-handover 1\n"
#define FD_PREFIX  "fd "
#define SEALS	   (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

struct handover *handover_new(void)
{
	struct handover *handover = xcalloc(1, sizeof(*handover));

	handover->length = strlen(FIRST_LINE);
	memcpy(handover->text, FIRST_LINE, handover->length);
	return handover;
}

void handover_free(struct handover *handover)
{
	for (uint32_t i = 0; handover && handover->owns_fds && i < handover->fd_count; i++)
		if (handover->fds[i].fd >= 0)
			close(handover->fds[i].fd);
	free(handover);
}

static void name_of(char out[HANDOVER_NAME_MAX], const char *name, int number)
{
	if (number < 0)
		snprintf(out, HANDOVER_NAME_MAX, "%s", name);
	else
		snprintf(out, HANDOVER_NAME_MAX, "%s-%d", name, number);
}

static void __attribute__((format(printf, 2, 3)))
add_line(struct handover *handover, const char *format, ...)
{
	const size_t left = sizeof(handover->text) - handover->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(handover->text + handover->length, left, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= left)
		handover->is_full = true;
	else
		handover->length += (size_t)length;
}

void handover_add_text(struct handover *handover, const char *name, int number, const char *value)
{
	char full[HANDOVER_NAME_MAX];

	name_of(full, name, number);
	if (strchr(value, '\n'))
		handover->is_full = true;
	else
		add_line(handover, "%s %s\n", full, value);
}

void handover_add_number(struct handover *handover, const char *name, int number, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	handover_add_text(handover, name, number, text);
}

static void add_fd(struct handover *handover, const char *full_name, int fd)
{
	struct handover_fd *entry = &handover->fds[handover->fd_count];

	if (handover->fd_count == HANDOVER_FDS_MAX) {
		handover->is_full = true;
		return;
	}
	snprintf(entry->name, sizeof(entry->name), "%s", full_name);
	entry->fd = fd;
	handover->fd_count++;
}

void handover_add_fd(struct handover *handover, const char *name, int number, int fd)
{
	char full[HANDOVER_NAME_MAX];

	name_of(full, name, number);
	if (fd >= 0)
		add_fd(handover, full, fd);
}

int handover_write(struct handover *handover, bool with_fds)
{
	int fd;

	for (uint32_t i = 0; with_fds && i < handover->fd_count; i++)
		add_line(handover, FD_PREFIX "%s %d\n", handover->fds[i].name, handover->fds[i].fd);
	if (handover->is_full)
		return -E2BIG;
	fd = memfd_create("dnsflow-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (write(fd, handover->text, handover->length) == (ssize_t)handover->length &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	close(fd);
	return -EIO;
}

int handover_keep_open(const struct handover *handover, bool is_kept)
{
	for (uint32_t i = 0; i < handover->fd_count; i++)
		if (handover->fds[i].fd >= 0 &&
		    fcntl(handover->fds[i].fd, F_SETFD, is_kept ? 0 : FD_CLOEXEC) < 0)
			return -errno;
	return 0;
}

/* One line, its end replaced by a terminator. */
static bool read_line(struct handover *handover, char *line)
{
	char name[HANDOVER_NAME_MAX];
	int fd;

	if (strncmp(line, FD_PREFIX, strlen(FD_PREFIX)))
		return true;
	if (sscanf(line, FD_PREFIX "%31s %d", name, &fd) != 2)
		return false;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return true; /* it is missed by who needs it */
	add_fd(handover, name, fd);
	return !handover->is_full;
}

static bool read_lines(struct handover *handover)
{
	char *copy = xstrdup(handover->text), *rest = copy, *line;
	bool is_good = true;

	while (is_good && (line = strsep(&rest, "\n")))
		is_good = read_line(handover, line);
	free(copy);
	return is_good;
}

static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

struct handover *handover_read(int fd, char *error)
{
	struct handover *handover = xcalloc(1, sizeof(*handover));
	ssize_t length =
		is_sealed(fd) ? pread(fd, handover->text, sizeof(handover->text) - 1, 0) : -1;

	handover->owns_fds = true;
	if (length > 0 && !strncmp(handover->text, FIRST_LINE, strlen(FIRST_LINE)) &&
	    read_lines(handover)) {
		handover->length = (size_t)length;
		return handover;
	}
	snprintf(error, CONFIG_ERROR_MAX,
		 "what the previous program hands over is not understood: restart instead");
	handover_free(handover);
	return NULL;
}

void handover_adopt_fd(struct handover *handover, const char *full_name, int fd)
{
	add_fd(handover, full_name, fd);
}

/* Where the value of a fact begins, or NULL. */
static const char *find(const struct handover *handover, const char *name, int number)
{
	char wanted[HANDOVER_NAME_MAX + 2];
	const char *at;

	wanted[0] = '\n'; /* the first line is no fact */
	name_of(wanted + 1, name, number);
	strcat(wanted, " ");
	at = strstr(handover->text, wanted);
	return at ? at + strlen(wanted) : NULL;
}

uint64_t handover_number(const struct handover *handover, const char *name, int number)
{
	const char *value = find(handover, name, number);

	return value ? strtoull(value, NULL, 10) : 0;
}

void handover_text(const struct handover *handover, const char *name, int number, char *out,
		   size_t size)
{
	const char *value = find(handover, name, number);

	snprintf(out, size, "%.*s", value ? (int)strcspn(value, "\n") : 0, value ? value : "");
}

/* Its place among the descriptors, or HANDOVER_FDS_MAX. */
static uint32_t find_fd(const struct handover *handover, const char *name, int number)
{
	char wanted[HANDOVER_NAME_MAX];

	name_of(wanted, name, number);
	for (uint32_t i = 0; i < handover->fd_count; i++)
		if (handover->fds[i].fd >= 0 && !strcmp(handover->fds[i].name, wanted))
			return i;
	return HANDOVER_FDS_MAX;
}

int handover_borrow_fd(const struct handover *handover, const char *name, int number)
{
	uint32_t at = find_fd(handover, name, number);

	return at < HANDOVER_FDS_MAX ? handover->fds[at].fd : -1;
}

int handover_take_fd(struct handover *handover, const char *name, int number)
{
	uint32_t at = find_fd(handover, name, number);
	int fd = handover_borrow_fd(handover, name, number);

	if (fd >= 0)
		handover->fds[at].fd = -1;
	return fd;
}
