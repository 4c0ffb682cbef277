/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/sandbox.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
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

/* Of the proxy: on its own descriptors, which begin at CHILD_FD_LISTEN. */
static const int on_sockets[] = {
	SCMP_SYS(recvmsg),  SCMP_SYS(recvmmsg), SCMP_SYS(sendto),   SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg), SCMP_SYS(connect),	SCMP_SYS(shutdown), SCMP_SYS(getsockname),
};

#define FDS_MAX (1 << 20) /* fs.nr_open */

static const struct {
	int level, option;
} options[] = {
	{SOL_SOCKET, SO_RCVBUF},       {SOL_SOCKET, SO_SNDBUF},
	{IPPROTO_TCP, TCP_NODELAY},    {IPPROTO_TCP, TCP_USER_TIMEOUT},
	{IPPROTO_IP, IP_MTU_DISCOVER}, {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
	{IPPROTO_UDP, UDP_SEGMENT},    {IPPROTO_UDP, UDP_GRO},
};

static const struct {
	int type, protocol;
} sockets[] = {
	{SOCK_DGRAM, 0},
	{SOCK_DGRAM, IPPROTO_UDP},
	{SOCK_STREAM, 0},
	{SOCK_STREAM, IPPROTO_TCP},
};

/*
 * From a descriptor on, in blocks of powers of two: "at least" looks at 64 bits, and lets through
 * those whose upper half, which the kernel drops, is not zero.
 */
static int allow_from(scmp_filter_ctx context, int call, scmp_datum_t fd)
{
	int error = 0;

	for (scmp_datum_t size; !error && fd < FDS_MAX; fd += size) {
		size = fd & -fd;
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 1,
					 SCMP_A0(SCMP_CMP_MASKED_EQ, ~(size - 1), fd));
	}
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

	for (size_t i = 0; !error && i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		error = allow_socket(context, AF_INET, sockets[i].type, sockets[i].protocol);
		if (!error)
			error = allow_socket(context, AF_INET6, sockets[i].type,
					     sockets[i].protocol);
	}
	return error;
}

static int allow_accept(scmp_filter_ctx context)
{
	const scmp_datum_t first = CHILD_FD_LISTEN + CONFIG_LISTEN_MAX;
	int error = 0;

	for (scmp_datum_t fd = first; !error && fd < CHILD_FD_END; fd++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(accept4), 1,
					 SCMP_A0(SCMP_CMP_EQ, fd, 0));
	return error;
}

static int allow_proxy(scmp_filter_ctx context)
{
	int error = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(getrandom), 0);

	for (size_t i = 0; !error && i < sizeof(on_sockets) / sizeof(on_sockets[0]); i++)
		error = allow_from(context, on_sockets[i], CHILD_FD_LISTEN);
	for (size_t i = 0; !error && i < sizeof(options) / sizeof(options[0]); i++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
					 SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)options[i].level, 0),
					 SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)options[i].option, 0));
	if (!error)
		error = allow_sockets(context);
	return error ? error : allow_accept(context);
}

int sandbox_enter(bool has_proxy)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = context ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !error && i < sizeof(outputs) / sizeof(outputs[0]); i++)
		error = seccomp_rule_add(context, SCMP_ACT_ALLOW, outputs[i].call, 1,
					 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)outputs[i].fd, 0));
	if (!error && has_proxy)
		error = allow_proxy(context);
	if (!error)
		error = seccomp_load(context);
	seccomp_release(context);
	return error;
}
