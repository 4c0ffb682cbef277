/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/rotated.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/control.h"
#include "supervisor/command.h"

#define COMMAND_NS (60 * NANOSECONDS_PER_SECOND)

static const char *const suffixes[] = {"", ".gz", ".zst"};
static const char *const words[] = {"", "gzip", "zstd"};

static void begin(struct rotated *rotated);

void rotated_init(struct rotated *rotated, struct loop *loop, int executable_fd)
{
	*rotated = (struct rotated){.loop = loop, .executable_fd = executable_fd};
	rotated->process = (struct process){-1, -1, -1};
}

bool rotated_name(const char *name, uint32_t number, enum output_compression compression, char *out)
{
	return snprintf(out, NAME_MAX + 1, "%s.%u%s", name, number, suffixes[compression]) <=
	       NAME_MAX;
}

/* What is being written, until it is whole. */
static bool temporary_name(const char *name, char *out)
{
	return snprintf(out, NAME_MAX + 1, "%s.compressing", name) <= NAME_MAX;
}

static void complain(const struct rotated *rotated, const char *what, const char *reason)
{
	log_warn("output %s: %s.%u %s: %s", rotated->name, rotated->path, rotated->number, what,
		 reason);
}

/* On to the next file. */
static void end(struct rotated *rotated)
{
	rotated->stage = ROTATED_NOTHING;
	if (!rotated->waiting)
		return;
	rotated->number = rotated->waiting--;
	begin(rotated);
}

static int wait_for(struct rotated *rotated)
{
	loop_event_free(rotated->event);
	loop_event_free(rotated->timer);
	rotated->event = rotated->timer = NULL;
	return process_wait(&rotated->process);
}

static void on_command_ended(void *argument)
{
	struct rotated *rotated = argument;
	int status = wait_for(rotated);
	char text[48];

	process_close(&rotated->process);
	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "status %d", WEXITSTATUS(status));
	if (status)
		complain(rotated, "was not taken by the command", text);
	end(rotated);
}

static void on_late(void *argument)
{
	const struct rotated *rotated = argument;

	process_signal(&rotated->process, SIGKILL);
}

static void run_command(struct rotated *rotated)
{
	char path[CONFIG_PATH_MAX + 32];
	int error;

	rotated->stage = ROTATED_COMMAND;
	snprintf(path, sizeof(path), "%s.%u%s", rotated->path, rotated->number,
		 rotated->is_compressed ? suffixes[rotated->compression] : "");
	error = command_start(&rotated->process, rotated->command, path, rotated->uid,
			      rotated->gid);
	if (error) {
		complain(rotated, "cannot be handed to the command", strerror(-error));
		end(rotated);
		return;
	}
	rotated->event =
		loop_add_reader(rotated->loop, rotated->process.pidfd, on_command_ended, rotated);
	rotated->timer = loop_add_timer(rotated->loop, on_late, rotated);
	loop_timer_set(rotated->timer, COMMAND_NS);
}

static void hand_over(struct rotated *rotated)
{
	if (*rotated->command && rotated->number <= rotated->count)
		run_command(rotated);
	else
		end(rotated);
}

/* Removes what was not finished. */
static void remove_temporary(const struct rotated *rotated)
{
	char temporary[NAME_MAX + 1];
	struct place place;

	if (place_open(&place, rotated->path) < 0)
		return;
	if (temporary_name(place.name, temporary))
		unlinkat(place.folder_fd, temporary, 0);
	place_close(&place);
}

/* The compressed file takes the place of the original. 0 or -errno. */
static int replace(const struct rotated *rotated)
{
	char temporary[NAME_MAX + 1], from[NAME_MAX + 1], to[NAME_MAX + 1];
	struct place place;
	int error = place_open(&place, rotated->path);

	if (error)
		return error;
	if (!temporary_name(place.name, temporary) ||
	    !rotated_name(place.name, rotated->number, OUTPUT_PLAIN, from) ||
	    !rotated_name(place.name, rotated->number, rotated->compression, to))
		error = -ENAMETOOLONG;
	else if (renameat(place.folder_fd, temporary, place.folder_fd, to) < 0 ||
		 unlinkat(place.folder_fd, from, 0) < 0)
		error = -errno;
	place_close(&place);
	return error;
}

/* "" when it went well. */
static void hear(const struct rotated *rotated, int status, char *reason, size_t size)
{
	struct control_message message;

	*reason = '\0';
	while (control_receive(rotated->process.control, &message) > 0)
		if (message.type == CONTROL_FAILED)
			snprintf(reason, size, "%s", message.text);
	if (status && !*reason)
		snprintf(reason, size, "the process that compresses ended with status %#x",
			 (unsigned int)status);
}

static void on_compressed(void *argument)
{
	struct rotated *rotated = argument;
	char reason[sizeof(((struct control_message *)0)->text)];
	int error, status = wait_for(rotated);

	hear(rotated, status, reason, sizeof(reason));
	process_close(&rotated->process);
	if (!*reason && rotated->number <= rotated->count) {
		error = replace(rotated);
		snprintf(reason, sizeof(reason), "%s", error ? strerror(-error) : "");
	}
	remove_temporary(rotated);
	if (*reason)
		complain(rotated, "is not compressed", reason);
	rotated->is_compressed = !*reason;
	hand_over(rotated);
}

/* The original, or -errno. */
static int open_original(const struct rotated *rotated, const struct place *place,
			 struct stat *status)
{
	char name[NAME_MAX + 1];
	int fd;

	if (!rotated_name(place->name, rotated->number, OUTPUT_PLAIN, name))
		return -ENAMETOOLONG;
	fd = openat(place->folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, status) == 0 && S_ISREG(status->st_mode) && status->st_nlink == 1)
		return fd;
	close(fd);
	return -EBADF;
}

/* A file of the same owner and mode for what is compressed, or -errno. */
static int open_temporary(const struct place *place, const struct stat *status)
{
	char name[NAME_MAX + 1];
	int fd;

	if (!temporary_name(place->name, name))
		return -ENAMETOOLONG;
	unlinkat(place->folder_fd, name, 0);
	fd = openat(place->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    status->st_mode & 0777);
	if (fd < 0)
		return -errno;
	if (geteuid() == 0 && fchown(fd, status->st_uid, status->st_gid) < 0) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int start_process(struct rotated *rotated, int input_fd, int output_fd)
{
	char uid[16], gid[16];
	char *arguments[] = {(char *)words[rotated->compression], uid, gid};
	int fds[CHILD_FD_END];
	const struct process_plan plan = {.executable_fd = rotated->executable_fd,
					  .role = "compress",
					  .fds = fds,
					  .argument_count = 3,
					  .arguments = arguments};

	for (int i = 0; i < CHILD_FD_END; i++)
		fds[i] = -1;
	fds[CHILD_FD_INPUT] = input_fd;
	fds[CHILD_FD_OUTPUT] = output_fd;
	snprintf(uid, sizeof(uid), "%u", rotated->uid);
	snprintf(gid, sizeof(gid), "%u", rotated->gid);
	return process_start(&rotated->process, &plan);
}

/* 0 or -errno. */
static int compress(struct rotated *rotated)
{
	struct place place;
	struct stat status = {0};
	int input_fd = -1, output_fd = -1, error = place_open(&place, rotated->path);

	if (error)
		return error;
	input_fd = open_original(rotated, &place, &status);
	if (input_fd >= 0)
		output_fd = open_temporary(&place, &status);
	if (input_fd >= 0 && output_fd >= 0)
		error = start_process(rotated, input_fd, output_fd);
	else
		error = input_fd < 0 ? input_fd : output_fd;
	if (input_fd >= 0)
		close(input_fd);
	if (output_fd >= 0)
		close(output_fd);
	place_close(&place);
	if (error)
		remove_temporary(rotated);
	return error;
}

static void begin(struct rotated *rotated)
{
	int error;

	rotated->is_compressed = false;
	if (rotated->compression == OUTPUT_PLAIN) {
		hand_over(rotated);
		return;
	}
	rotated->stage = ROTATED_COMPRESS;
	error = compress(rotated);
	if (error) {
		complain(rotated, "is not compressed", strerror(-error));
		hand_over(rotated);
		return;
	}
	rotated->event =
		loop_add_reader(rotated->loop, rotated->process.pidfd, on_compressed, rotated);
}

static void configure(struct rotated *rotated, const struct config *config, uint32_t index)
{
	const struct config_output *output = &config->outputs[index];

	memcpy(rotated->name, output->name, sizeof(rotated->name));
	memcpy(rotated->path, output->path, sizeof(rotated->path));
	memcpy(rotated->command, output->command, sizeof(rotated->command));
	rotated->compression = output->compression;
	rotated->count = output->count;
	rotated->uid = config->uid;
	rotated->gid = config->gid;
}

void rotated_add(struct rotated *rotated, const struct config *config, uint32_t index,
		 bool is_there)
{
	if (rotated->stage == ROTATED_NOTHING && is_there) {
		configure(rotated, config, index);
		rotated->number = 1;
		begin(rotated);
	} else if (rotated->stage != ROTATED_NOTHING &&
		   !strcmp(rotated->path, config->outputs[index].path)) {
		rotated->number++;
		/* More are not kept; without a number 1 those that wait have the next number too.
		 */
		if (rotated->waiting < rotated->count && (is_there || rotated->waiting))
			rotated->waiting++;
	} else if (is_there) {
		log_warn("output %s: %s.1 is left as it is: the one before is still worked on",
			 config->outputs[index].name, config->outputs[index].path);
	}
}

void rotated_fini(struct rotated *rotated)
{
	if (rotated->stage == ROTATED_NOTHING)
		return;
	if (rotated->stage == ROTATED_COMPRESS) {
		process_signal(&rotated->process, SIGKILL);
		wait_for(rotated);
		remove_temporary(rotated);
	}
	loop_event_free(rotated->event);
	loop_event_free(rotated->timer);
	process_close(&rotated->process);
	rotated_init(rotated, rotated->loop, rotated->executable_fd);
}
