/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>

static const int allowed[] = {
	/* capture, export, the loop */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),
	SCMP_SYS(getsockopt),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(pwrite64),
	SCMP_SYS(ftruncate),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	/* memory of libraries that read streams */
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	/* signals and the end */
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(alarm),
	SCMP_SYS(getppid),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(futex),
	SCMP_SYS(exit_group),
};

int sandbox_enter(void)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = context ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!error)
		error = seccomp_load(context);
	seccomp_release(context);
	return error;
}
