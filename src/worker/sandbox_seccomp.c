/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <unistd.h>

#include "ipc/child.h"

static const int allowed[] = {
	/* the loop, files */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(recvfrom),
	SCMP_SYS(getsockopt),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(read),
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
	SCMP_SYS(setitimer), /* what alarm() is where there is no such call */
	SCMP_SYS(getppid),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(futex),
	SCMP_SYS(exit_group),
};

/* What leaves goes where it should: above all not out of the packet socket, onto the wire. */
static const struct {
	int call;
	int fd;
} outputs[] = {
	{SCMP_SYS(sendmmsg), CHILD_FD_EXPORT4},	 {SCMP_SYS(sendmmsg), CHILD_FD_EXPORT6},
	{SCMP_SYS(sendmsg), CHILD_FD_EXPORT4},	 {SCMP_SYS(sendmsg), CHILD_FD_EXPORT6},
	{SCMP_SYS(sendto), CHILD_FD_CONTROL},	 {SCMP_SYS(write), STDERR_FILENO},
	{SCMP_SYS(writev), STDERR_FILENO},	 {SCMP_SYS(write), CHILD_FD_OUTPUT},
	{SCMP_SYS(pwrite64), CHILD_FD_OUTPUT},	 {SCMP_SYS(ftruncate), CHILD_FD_OUTPUT},
	{SCMP_SYS(writev), CHILD_FD_QUARANTINE}, {SCMP_SYS(ftruncate), CHILD_FD_QUARANTINE},
	{SCMP_SYS(write), CHILD_FD_EVENTS_BELL},
};

int sandbox_enter(void)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = context ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !error && i < sizeof(outputs) / sizeof(outputs[0]); i++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, outputs[i].call, 1,
					 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)outputs[i].fd, 0));
	if (!error)
		error = seccomp_load(context);
	seccomp_release(context);
	return error;
}
