/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

#define BACKLOG 16

static bool refuse(struct control_socket *control, char *error, const char *path,
		   const char *reason)
{
	snprintf(error, CONFIG_ERROR_MAX, "control socket %.300s: %s", path, reason);
	if (control->fd >= 0)
		close(control->fd);
	control->fd = -1;
	return false;
}

static int open_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int bind_path(const struct control_socket *control)
{
	return bind(control->fd, (const struct sockaddr *)&control->address,
		    sizeof(control->address));
}

/* The mode comes with the name, so that it never has another one and no name is followed to set it.
 */
static int bind_with_mode(const struct control_socket *control)
{
	mode_t before = umask(0117);
	int result = bind_path(control), error = errno;

	umask(before);
	errno = error;
	return result;
}

/*
 * Two that start at once could each take the other's fresh socket for one that was left behind, and
 * remove it: only one at a time looks. The lock file stays, since a lock on one that was removed
 * keeps nobody out.
 */
static int lock_path(const char *path)
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof(".lock")];
	int fd, error;

	snprintf(name, sizeof(name), "%s.lock", path);
	fd = open(name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* A socket that its owner left behind: the only thing that may be removed. */
static bool is_left_over(const struct control_socket *control)
{
	struct stat status;
	int fd, result, error;

	if (lstat(control->address.sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return false;
	fd = open_socket();
	result = connect(fd, (const struct sockaddr *)&control->address, sizeof(control->address));
	error = errno;
	if (fd >= 0)
		close(fd);
	return result < 0 && error == ECONNREFUSED;
}

static bool remember_name(struct control_socket *control)
{
	struct stat status;

	if (lstat(control->address.sun_path, &status) < 0)
		return false;
	control->device = status.st_dev;
	control->inode = status.st_ino;
	return true;
}

/* Takes the name, and answers to it. */
static bool take_path(struct control_socket *control, const char *path, gid_t gid, char *error)
{
	control->fd = open_socket();
	if (control->fd < 0)
		return refuse(control, error, path, strerror(errno));
	if (bind_with_mode(control) < 0) {
		if (errno != EADDRINUSE)
			return refuse(control, error, path, strerror(errno));
		if (!is_left_over(control))
			return refuse(control, error, path, "is in use, or is no socket");
		if (unlink(path) < 0 || bind_with_mode(control) < 0)
			return refuse(control, error, path, strerror(errno));
	}
	if (lchown(path, (uid_t)-1, gid) < 0 || !remember_name(control) ||
	    listen(control->fd, BACKLOG) < 0)
		return refuse(control, error, path, strerror(errno));
	return true;
}

bool control_socket_open(struct control_socket *control, const char *path, gid_t gid, char *error)
{
	bool is_open;
	int lock;

	control->fd = -1;
	control->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(control->address.sun_path))
		return refuse(control, error, path, "the path is too long");
	strcpy(control->address.sun_path, path);
	lock = lock_path(path);
	if (lock < 0)
		return refuse(control, error, path,
			      errno == EWOULDBLOCK ? "another daemon is just taking it"
						   : strerror(errno));
	is_open = take_path(control, path, gid, error);
	close(lock);
	return is_open;
}

void control_socket_give(const struct control_socket *control, struct handover *handover)
{
	handover_add_fd(handover, "listener", HANDOVER_ONE, control->fd);
	handover_add_number(handover, "listener-device", HANDOVER_ONE, control->device);
	handover_add_number(handover, "listener-inode", HANDOVER_ONE, control->inode);
}

bool control_socket_take(struct control_socket *control, const char *path,
			 struct handover *handover)
{
	control->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(control->address.sun_path))
		return false;
	strcpy(control->address.sun_path, path);
	control->fd = handover_take_fd(handover, "listener", HANDOVER_ONE);
	control->device = handover_number(handover, "listener-device", HANDOVER_ONE);
	control->inode = handover_number(handover, "listener-inode", HANDOVER_ONE);
	return control->fd >= 0;
}

void control_socket_close(struct control_socket *control)
{
	struct stat status;

	if (lstat(control->address.sun_path, &status) == 0 && status.st_dev == control->device &&
	    status.st_ino == control->inode)
		unlink(control->address.sun_path);
	close(control->fd);
	control->fd = -1;
}
