/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/compress_sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <unistd.h>

#include "ipc/child.h"

static const int allowed[] = {
	SCMP_SYS(brk),	   SCMP_SYS(mmap),	 SCMP_SYS(munmap),	 SCMP_SYS(mremap),
	SCMP_SYS(madvise), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
};

static const struct {
	int call;
	int fd;
} descriptors[] = {
	{SCMP_SYS(read), CHILD_FD_INPUT},   {SCMP_SYS(write), CHILD_FD_OUTPUT},
	{SCMP_SYS(fsync), CHILD_FD_OUTPUT}, {SCMP_SYS(sendto), CHILD_FD_CONTROL},
	{SCMP_SYS(write), STDERR_FILENO},
};

int compress_sandbox_enter(void)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = context ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !error && i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, descriptors[i].call, 1,
					 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)descriptors[i].fd, 0));
	if (!error)
		error = seccomp_load(context);
	seccomp_release(context);
	return error;
}
