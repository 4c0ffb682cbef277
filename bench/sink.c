/* SPDX-License-Identifier: BSD-3-Clause */
/* Holds a UDP port open and reads nothing, so that an exporter's datagrams have somewhere to go. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/lib/sockets.h"

int main(int argc, char **argv)
{
	int fd, number, smallest = 1;
	sigset_t signals;

	log_set_role("sink");
	if (argc != 2)
		log_fatal("usage: sink address:port");
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = udp_bind(argv[1]);
	if (fd < 0)
		log_fatal("%s: %s", argv[1], strerror(-fd));
	/* What is dropped at once costs the sender the same in every run. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest));
	log_info("ready");
	sigwait(&signals, &number);
	close(fd);
	return 0;
}
