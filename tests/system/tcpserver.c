/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers each connection with numbered responses in large writes, so that segments of up to 64 KiB
 * cross a virtual link; and the client that takes them (--fetch). The next connection goes on with
 * the next number.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/memory.h"
#include "tests/lib/numbered.h"
#include "tests/lib/sockets.h"

#define WRITE_BYTES 262144

struct options {
	const char *address;
	bool is_fetch;
	uint32_t run;
	uint32_t first;
	uint32_t messages; /* of one connection */
	uint32_t connections;
};

static void send_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0)
			log_fatal("send: %s", strerror(errno));
		bytes += sent;
		length -= (size_t)sent;
	}
}

static void answer(int fd, const struct options *options, uint32_t first)
{
	struct reply_writer *reply = xmalloc(sizeof(*reply));
	uint8_t *buffer = xmalloc(WRITE_BYTES);
	size_t length = 0;

	for (uint32_t i = 0; i < options->messages; i++) {
		numbered_response(reply, options->run, first + i, 0);
		if (length + 2 + reply->length > WRITE_BYTES) {
			send_all(fd, buffer, length);
			length = 0;
		}
		be16_store(buffer + length, (uint16_t)reply->length);
		memcpy(buffer + length + 2, reply->bytes, reply->length);
		length += 2 + reply->length;
	}
	send_all(fd, buffer, length);
	free(buffer);
	free(reply);
}

static void serve(const struct options *options)
{
	int listener = tcp_listen(options->address), fd;

	if (listener < 0)
		log_fatal("%s: %s", options->address, strerror(-listener));
	log_info("ready");
	for (uint32_t i = 0; i < options->connections; i++) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			log_fatal("accept: %s", strerror(errno));
		answer(fd, options, options->first + i * options->messages);
		close(fd);
	}
	close(listener);
}

static void fetch(const struct options *options)
{
	uint8_t *buffer = xmalloc(WRITE_BYTES);
	uint64_t total = 0;
	ssize_t length;

	for (uint32_t i = 0; i < options->connections; i++) {
		int fd = tcp_connect(options->address);

		if (fd < 0)
			log_fatal("%s: %s", options->address, strerror(-fd));
		while ((length = recv(fd, buffer, WRITE_BYTES, 0)) > 0)
			total += (uint64_t)length;
		if (length < 0)
			log_fatal("recv: %s", strerror(errno));
		close(fd);
	}
	printf("fetched %lu bytes\n", total);
	free(buffer);
}

static void usage(void)
{
	fprintf(stderr, "usage: tcpserver [--run R] [--first N] [--messages N] [--connections N]\n"
			"                 address:port\n"
			"       tcpserver --fetch [--connections N] address:port\n");
	exit(1);
}

static struct options options_parse(int argc, char **argv)
{
	static const struct option longs[] = {{"run", required_argument, NULL, 'r'},
					      {"first", required_argument, NULL, 'f'},
					      {"messages", required_argument, NULL, 'm'},
					      {"connections", required_argument, NULL, 'c'},
					      {"fetch", no_argument, NULL, 'F'},
					      {0}};
	struct options o = {.run = 1, .messages = 1000, .connections = 1};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		uint32_t number = optarg ? (uint32_t)strtoul(optarg, NULL, 0) : 0;

		if (c == 'r')
			o.run = number;
		else if (c == 'f')
			o.first = number;
		else if (c == 'm')
			o.messages = number;
		else if (c == 'c')
			o.connections = number;
		else if (c == 'F')
			o.is_fetch = true;
		else
			usage();
	}
	if (optind != argc - 1)
		usage();
	o.address = argv[optind];
	return o;
}

int main(int argc, char **argv)
{
	struct options options = options_parse(argc, argv);

	log_set_role("tcpserver");
	if (options.is_fetch)
		fetch(&options);
	else
		serve(&options);
	return 0;
}
