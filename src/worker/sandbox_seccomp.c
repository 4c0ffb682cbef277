/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/sandbox.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/socket.h>
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

/*
 * Of the proxy. The sockets that it is lent outlive it: what would change one for good, as connect
 * and shutdown do, and all options, it may do only to its own, which begin at CHILD_FD_END
 * (child_fill_numbers).
 */
static const int on_lent_sockets[] = {SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg)};
static const int on_own_sockets[] = {
	SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg),	   SCMP_SYS(sendto),
	SCMP_SYS(connect),  SCMP_SYS(getsockname),
};
static const int stream_options[] = {TCP_NODELAY, TCP_USER_TIMEOUT};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LISTEN_TCP   (CHILD_FD_LISTEN + CONFIG_LISTEN_MAX)
#define FDS_MAX	     (1 << 20) /* fs.nr_open */

static const struct {
	int type, protocol;
} sockets[] = {
	{SOCK_DGRAM, 0},
	{SOCK_DGRAM, IPPROTO_UDP},
	{SOCK_STREAM, 0},
	{SOCK_STREAM, IPPROTO_TCP},
};

/* With the condition on its first argument, a call of the proxy's own sockets. */
typedef int (*allow_fn)(scmp_filter_ctx context, int call, struct scmp_arg_cmp is_own);

static int allow_any(scmp_filter_ctx context, int call, struct scmp_arg_cmp is_own)
{
	return seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 1, is_own);
}

static int allow_stream_option(scmp_filter_ctx context, int option, struct scmp_arg_cmp is_own)
{
	return seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 3, is_own,
				SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP, 0),
				SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)option, 0));
}

/*
 * From a descriptor on, in blocks of powers of two: "at least" looks at 64 bits, and lets through
 * those whose upper half, which the kernel drops, is not zero.
 */
static int allow_on_own(scmp_filter_ctx context, allow_fn allow, const int *what, size_t count)
{
	int error = 0;

	for (scmp_datum_t fd = CHILD_FD_END, size; fd < FDS_MAX; fd += size) {
		size = fd & -fd;
		for (size_t i = 0; !error && i < count; i++)
			error = allow(context, what[i],
				      SCMP_A0(SCMP_CMP_MASKED_EQ, ~(size - 1), fd));
	}
	return error;
}

/* On the descriptors from first on, below end. */
static int allow_on_lent(scmp_filter_ctx context, int call, scmp_datum_t first, scmp_datum_t end)
{
	int error = 0;

	for (scmp_datum_t fd = first; !error && fd < end; fd++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 1,
					 SCMP_A0(SCMP_CMP_EQ, fd, 0));
	return error;
}

static int allow_socket(scmp_filter_ctx context, int family, int type, int protocol)
{
	return seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family, 0),
				SCMP_A1(SCMP_CMP_MASKED_EQ,
					~(scmp_datum_t)(SOCK_NONBLOCK | SOCK_CLOEXEC),
					(scmp_datum_t)type),
				SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)protocol, 0));
}

static int allow_sockets(scmp_filter_ctx context)
{
	int error = 0;

	for (size_t i = 0; !error && i < COUNT(sockets); i++) {
		error = allow_socket(context, AF_INET, sockets[i].type, sockets[i].protocol);
		if (!error)
			error = allow_socket(context, AF_INET6, sockets[i].type,
					     sockets[i].protocol);
	}
	return error;
}

static int allow_proxy(scmp_filter_ctx context)
{
	int error = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(getrandom), 0);

	for (size_t i = 0; !error && i < COUNT(on_lent_sockets); i++)
		error = allow_on_lent(context, on_lent_sockets[i], CHILD_FD_LISTEN, LISTEN_TCP);
	if (!error)
		error = allow_on_lent(context, SCMP_SYS(accept4), LISTEN_TCP, CHILD_FD_END);
	if (!error)
		error = allow_sockets(context);
	if (!error)
		error = allow_on_own(context, allow_any, on_own_sockets, COUNT(on_own_sockets));
	return error ? error
		     : allow_on_own(context, allow_stream_option, stream_options,
				    COUNT(stream_options));
}

int sandbox_enter(bool has_proxy)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = context ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < COUNT(allowed); i++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !error && i < COUNT(outputs); i++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, outputs[i].call, 1,
					 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)outputs[i].fd, 0));
	if (!error && has_proxy)
		error = allow_proxy(context);
	if (!error)
		error = seccomp_load(context);
	seccomp_release(context);
	return error;
}
