/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config/text.h"

bool child_identify(int argc, char **argv, struct child_identity *identity, int *rest)
{
	if (argc < 7 || strcmp(argv[1], "--role") || strcmp(argv[3], "--index") ||
	    strcmp(argv[5], "--parent"))
		return false;
	identity->role = argv[2];
	identity->index = (unsigned int)strtoul(argv[4], NULL, 10);
	identity->parent = (pid_t)strtol(argv[6], NULL, 10);
	*rest = 7;
	return true;
}

bool child_read_config(int fd, struct config *config, char *error)
{
	static uint8_t text[CONFIG_PRINTED_MAX];
	ssize_t length = pread(fd, text, sizeof(text), 0);

	if (length <= 0) {
		snprintf(error, CONFIG_ERROR_MAX, "the configuration cannot be read");
		return false;
	}
	return config_parse(config, CONFIG_TEXT_HANDED_OVER, "configuration",
			    (struct slice){text, (size_t)length}, error);
}

static int clear_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int become(uid_t uid, gid_t gid)
{
	/* While still root: the bounding set. Numbers that this kernel does not know end the list.
	 */
	for (int capability = 0; prctl(PR_CAPBSET_DROP, capability) == 0; capability++)
		;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

int child_drop_privileges(uid_t uid, gid_t gid)
{
	int error = geteuid() == 0 ? become(uid, gid) : 0;

	if (!error)
		error = clear_capabilities();
	if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		error = -errno;
	return error;
}

int child_raise_files(uint64_t count)
{
	struct rlimit limit, wanted = {count, count};

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur >= count)
		return 0;
	if (limit.rlim_max > count)
		wanted.rlim_max = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return -EPERM;
}

void child_fill_numbers(void)
{
	int fd;

	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd < CHILD_FD_END);
	close(fd);
}

bool child_follow(pid_t parent, int death_signal)
{
	return prctl(PR_SET_PDEATHSIG, death_signal) == 0 && getppid() == parent;
}
