/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A quick upstream server, and a forger beside it: `responder ADDRESS:PORT [LOG]`. Every name has
 * the address 192.0.2.1, over UDP and TCP. A first label "wrongid-N" brings N answers over UDP
 * before, with the address 192.0.2.66 and each id but the right one, before anything else is
 * answered. LOG gets source port and id of every query over UDP, two octets each. At the end (TERM)
 * it tells how many there were.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "dns/message.h"
#include "dns/question.h"
#include "tests/lib/reply_writer.h"
#include "tests/lib/sockets.h"

#define STREAMS_MAX   16
#define STREAM_BYTES  65536
#define QUERIES_BATCH 64
#define LIES_BATCH    64
#define FORGER	      "wrongid-"
#define ADDRESS_TRUE  1 /* last octets of 192.0.2.0/24 */
#define ADDRESS_LIE   66

struct stream {
	int fd; /* -1: free */
	size_t length;
	uint8_t bytes[STREAM_BYTES];
};

static struct {
	uint64_t udp, tcp, lies;
} counts;
static struct stream streams[STREAMS_MAX];
static volatile sig_atomic_t is_over;
static FILE *log_file;

static void on_term(int number)
{
	(void)number;
	is_over = 1;
}

/* False: it is no query. */
static bool build(struct reply_writer *reply, struct slice query, uint8_t last_octet)
{
	const uint8_t address[] = {192, 0, 2, last_octet};
	struct dns_question question;
	struct wire_name name;

	if (!dns_question_parse(query, &question) || !question.name_length)
		return false;
	name.length = question.name_length;
	memcpy(name.bytes, query.data + REPLY_WRITER_QUESTION, name.length); /* as it was written */
	reply_writer_start(reply, question.id, REPLY_WRITER_FLAGS_RECURSIVE, &name, question.type);
	if (question.type == 1)
		reply_writer_record(reply, REPLY_WRITER_ANSWER, REPLY_WRITER_QUESTION, 1, 300,
				    address, sizeof(address));
	return true;
}

/* How many lies the question calls for. */
static uint32_t lies_of(struct slice query)
{
	const char *label = (const char *)query.data + REPLY_WRITER_QUESTION + 1;

	if (query.length <= REPLY_WRITER_QUESTION + sizeof(FORGER) ||
	    strncasecmp(label, FORGER, strlen(FORGER)) != 0)
		return 0;
	return (uint32_t)strtoul(label + strlen(FORGER), NULL, 10); /* a length octet ends it */
}

static void send_lies(int fd, const struct reply_writer *lie, uint32_t count,
		      struct sockaddr_in *to)
{
	static uint8_t bytes[LIES_BATCH][512];
	struct mmsghdr messages[LIES_BATCH];
	struct iovec parts[LIES_BATCH];
	uint16_t id = be16_load(lie->bytes);

	for (uint32_t i = 0; i < LIES_BATCH; i++) {
		memcpy(bytes[i], lie->bytes, lie->length);
		parts[i] = (struct iovec){bytes[i], lie->length};
		messages[i].msg_hdr = (struct msghdr){.msg_name = to,
						      .msg_namelen = sizeof(*to),
						      .msg_iov = &parts[i],
						      .msg_iovlen = 1};
	}
	counts.lies += count;
	while (count) {
		uint32_t batch = count < LIES_BATCH ? count : LIES_BATCH;

		for (uint32_t i = 0; i < batch; i++)
			be16_store(bytes[i], ++id);
		if (sendmmsg(fd, messages, batch, 0) < 0 && errno != ECONNREFUSED)
			log_fatal("sendmmsg: %s", strerror(errno));
		count -= batch;
	}
}

static void answer_datagram(int fd, struct slice query, struct sockaddr_in *from)
{
	uint32_t lies = lies_of(query);
	struct reply_writer reply;

	if (!build(&reply, query, ADDRESS_LIE))
		return;
	counts.udp++;
	if (log_file) {
		fwrite(&from->sin_port, 2, 1, log_file);
		fwrite(query.data, 2, 1, log_file);
	}
	send_lies(fd, &reply, lies, from);
	build(&reply, query, ADDRESS_TRUE);
	sendto(fd, reply.bytes, reply.length, 0, (struct sockaddr *)from, sizeof(*from));
}

static void on_datagrams(int fd)
{
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	uint8_t query[512];
	ssize_t got;

	for (uint32_t i = 0; i < QUERIES_BATCH; i++) {
		got = recvfrom(fd, query, sizeof(query), MSG_DONTWAIT, (struct sockaddr *)&from,
			       &length);
		if (got < 0)
			return;
		answer_datagram(fd, (struct slice){query, (size_t)got}, &from);
	}
}

static void answer_frame(struct stream *stream, struct slice query)
{
	struct reply_writer reply;
	uint8_t frame[DNS_FRAME_SIZE];

	if (!build(&reply, query, ADDRESS_TRUE))
		return;
	counts.tcp++;
	be16_store(frame, (uint16_t)reply.length);
	send(stream->fd, frame, sizeof(frame), MSG_NOSIGNAL | MSG_MORE);
	send(stream->fd, reply.bytes, reply.length, MSG_NOSIGNAL);
}

static void on_stream(struct stream *stream)
{
	ssize_t got = recv(stream->fd, stream->bytes + stream->length,
			   sizeof(stream->bytes) - stream->length, MSG_DONTWAIT);
	size_t at = 0, length;

	if (got <= 0) {
		close(stream->fd);
		stream->fd = -1;
		return;
	}
	stream->length += (size_t)got;
	while (stream->length - at >= DNS_FRAME_SIZE) {
		length = be16_load(stream->bytes + at);
		if (stream->length - at < DNS_FRAME_SIZE + length)
			break;
		answer_frame(stream, (struct slice){stream->bytes + at + DNS_FRAME_SIZE, length});
		at += DNS_FRAME_SIZE + length;
	}
	memmove(stream->bytes, stream->bytes + at, stream->length - at);
	stream->length -= at;
}

static void on_connection(int fd)
{
	int accepted = accept(fd, NULL, NULL);

	for (uint32_t i = 0; i < STREAMS_MAX; i++) {
		if (streams[i].fd >= 0)
			continue;
		streams[i].fd = accepted;
		streams[i].length = 0;
		return;
	}
	close(accepted);
}

static void serve(int udp, int tcp)
{
	struct pollfd fds[2 + STREAMS_MAX] = {{.fd = udp, .events = POLLIN},
					      {.fd = tcp, .events = POLLIN}};

	for (uint32_t i = 0; i < STREAMS_MAX; i++)
		fds[2 + i] = (struct pollfd){.fd = streams[i].fd, .events = POLLIN};
	if (poll(fds, 2 + STREAMS_MAX, -1) < 0)
		return;
	if (fds[0].revents)
		on_datagrams(udp);
	for (uint32_t i = 0; i < STREAMS_MAX; i++)
		if (fds[2 + i].fd >= 0 && fds[2 + i].revents)
			on_stream(&streams[i]);
	if (fds[1].revents)
		on_connection(tcp);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_term};
	int udp, tcp;

	if (argc < 2)
		log_fatal("usage: responder ADDRESS:PORT [LOG]");
	udp = udp_bind(argv[1]);
	tcp = tcp_listen(argv[1]);
	if (argc > 2)
		log_file = fopen(argv[2], "w");
	if (udp < 0 || tcp < 0 || (argc > 2 && !log_file))
		log_fatal("%s cannot be served", argv[1]);
	sigaction(SIGTERM, &action, NULL);
	for (uint32_t i = 0; i < STREAMS_MAX; i++)
		streams[i].fd = -1;
	log_info("ready");
	while (!is_over)
		serve(udp, tcp);
	printf("queries_udp %lu\nqueries_tcp %lu\nlies %lu\n", (unsigned long)counts.udp,
	       (unsigned long)counts.tcp, (unsigned long)counts.lies);
	if (log_file)
		fclose(log_file);
	return EXIT_SUCCESS;
}
