/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FLAGS	  (O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define FILE_MODE 0640

static bool is_owner_trusted(const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == geteuid();
}

/* Nobody else can put anything there, or (sticky) replace what he does not own. */
static bool is_folder_trusted(const struct stat *status)
{
	return is_owner_trusted(status) &&
	       (!(status->st_mode & (S_IWGRP | S_IWOTH)) || status->st_mode & S_ISVTX);
}

/* Every folder on the way, and every link. */
static bool is_way_trusted(const char *folder)
{
	char prefix[PATH_MAX];
	struct stat link, status;

	for (size_t length = 1; length <= strlen(folder); length++) {
		if (length > 1 && folder[length] != '/' && folder[length] != '\0')
			continue;
		memcpy(prefix, folder, length);
		prefix[length] = '\0';
		if (lstat(prefix, &link) < 0 || stat(prefix, &status) < 0 ||
		    !is_owner_trusted(&link) || !is_folder_trusted(&status))
			return false;
	}
	return true;
}

static int open_folder(struct place *place, const char *folder)
{
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				     .resolve = RESOLVE_NO_SYMLINKS};

	place->is_trusted = is_way_trusted(folder);
	place->folder_fd = place->is_trusted
				   ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC)
				   : (int)syscall(SYS_openat2, AT_FDCWD, folder, &how, sizeof(how));
	return place->folder_fd < 0 ? -errno : 0;
}

int place_open(struct place *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	char folder[PATH_MAX];

	if (length >= sizeof(folder) || strlen(slash ? slash + 1 : path) > NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(place->name, slash ? slash + 1 : path);
	memcpy(folder, path, length);
	folder[length] = '\0';
	return open_folder(place, !slash ? "." : length ? folder : "/");
}

void place_close(struct place *place)
{
	close(place->folder_fd);
	place->folder_fd = -1;
}

/* -EEXIST when there is something of that name. */
static int make_file(const struct place *place, uid_t uid, gid_t gid)
{
	int fd =
		openat(place->folder_fd, place->name, FLAGS | O_RDWR | O_CREAT | O_EXCL, FILE_MODE);

	if (fd < 0)
		return -errno;
	if (fchmod(fd, FILE_MODE) < 0 || (geteuid() == 0 && fchown(fd, uid, gid) < 0)) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static bool is_null(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

static bool is_acceptable(const struct stat *status)
{
	return (S_ISREG(status->st_mode) && status->st_nlink == 1) || S_ISFIFO(status->st_mode) ||
	       is_null(status);
}

/* May a link of this name be followed? */
static bool is_link_trusted(const struct place *place)
{
	struct stat status;

	return place->is_trusted &&
	       fstatat(place->folder_fd, place->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       is_owner_trusted(&status);
}

/* What is there is looked at before it is opened, for a pipe is opened in another way, and
 * afterwards, for it may have been replaced. */
static int open_existing(const struct place *place)
{
	bool follows = is_link_trusted(place);
	struct stat before, after;
	int fd;

	if (fstatat(place->folder_fd, place->name, &before, follows ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(before.st_mode))
		return -ELOOP;
	if (!is_acceptable(&before))
		return -EBADF;
	fd = openat(place->folder_fd, place->name,
		    FLAGS | (S_ISFIFO(before.st_mode) ? O_WRONLY : O_RDWR) |
			    (follows ? 0 : O_NOFOLLOW));
	if (fd < 0)
		return -errno;
	if (fstat(fd, &after) == 0 && is_acceptable(&after) &&
	    S_ISFIFO(after.st_mode) == S_ISFIFO(before.st_mode))
		return fd;
	close(fd);
	return -EBADF;
}

int place_open_file(const struct place *place, uid_t uid, gid_t gid)
{
	int fd = make_file(place, uid, gid);

	return fd == -EEXIST ? open_existing(place) : fd;
}

/* Without waiting for the other side of a pipe. */
int place_open_to_read(const struct place *place)
{
	int fd = openat(place->folder_fd, place->name,
			O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
				(is_link_trusted(place) ? 0 : O_NOFOLLOW));
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    (place->is_trusted || status.st_nlink == 1))
		return fd;
	close(fd);
	return -EBADF;
}
