/* SPDX-License-Identifier: BSD-3-Clause */
/* Both directions of the control socket: ipc/request.h and ipc/reply.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/reply.h"
#include "ipc/request.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static int pair[2];
static char with[REQUEST_TEXT_MAX]; /* of a request that was received */

static int open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
}

static int close_pair(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static int count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* Sends any bytes and, unless it is negative, any descriptor. */
static void send_any(const void *bytes, size_t length, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} ancillary = {0};
	struct iovec part = {(void *)bytes, length};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = &ancillary;
		message.msg_controllen = sizeof(ancillary.bytes);
		ancillary.header.cmsg_level = SOL_SOCKET;
		ancillary.header.cmsg_type = SCM_RIGHTS;
		ancillary.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&ancillary.header), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(pair[0], &message, 0), (ssize_t)length);
}

static int make_text(const char *text, int seals)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void test_request_arrives_whole(void **state)
{
	struct request request = {.type = REQUEST_LOG, .argument = 2}, got;

	(void)state;
	assert_int_equal(request_receive(pair[1], &got, with), -EAGAIN);
	assert_int_equal(request_send(pair[0], &request, NULL), 0);
	assert_int_equal(request_receive(pair[1], &got, with), 1);
	assert_memory_equal(&got, &request, sizeof(got));
	assert_string_equal(with, "");
}

static void test_a_flush_may_have_a_name(void **state)
{
	struct request request = {.type = REQUEST_FLUSH}, got;
	char longest[REQUEST_TEXT_MAX];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(request_send(pair[0], &request, "www.example.com"), 0);
	assert_int_equal(request_receive(pair[1], &got, with), 1);
	assert_memory_equal(&got, &request, sizeof(got));
	assert_string_equal(with, "www.example.com");
	assert_int_equal(request_send(pair[0], &request, ""), 0);
	assert_int_equal(request_receive(pair[1], &got, with), 1);
	assert_string_equal(with, "");
	assert_int_equal(request_send(pair[0], &request, longest), 0);
	assert_int_equal(request_receive(pair[1], &got, with), 1);
	assert_string_equal(with, longest);
}

/* A request with so many octets behind it. */
static void send_with(enum request_type type, const char *text, size_t length)
{
	struct request request = {.type = type};
	char bytes[sizeof(request) + 2 * REQUEST_TEXT_MAX];

	memcpy(bytes, &request, sizeof(request));
	memcpy(bytes + sizeof(request), text, length);
	send_any(bytes, sizeof(request) + length, -1);
}

static void test_a_text_that_is_none_ends_the_peer(void **state)
{
	static char long_text[2 * REQUEST_TEXT_MAX];
	struct request request = {.type = REQUEST_FLUSH}, got;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	assert_int_equal(request_send(pair[0], &request, long_text), -EMSGSIZE);
	send_with(REQUEST_FLUSH, long_text, REQUEST_TEXT_MAX);
	assert_int_equal(request_receive(pair[1], &got, with), 0);
	send_with(REQUEST_FLUSH, long_text, sizeof(long_text));
	assert_int_equal(request_receive(pair[1], &got, with), 0);
	send_with(REQUEST_FLUSH, "a\0b", 3);
	assert_int_equal(request_receive(pair[1], &got, with), 0);
	send_with(REQUEST_FLUSH, "a", 2); /* its NUL is not sent */
	assert_int_equal(request_receive(pair[1], &got, with), 0);
	for (uint32_t type = 0; type < 20; type++) {
		send_with((enum request_type)type, "a", 1);
		assert_int_equal(request_receive(pair[1], &got, with), type == REQUEST_FLUSH);
	}
}

static void test_request_of_another_size_ends_the_peer(void **state)
{
	struct request got;

	(void)state;
	for (size_t length = 1; length < 3 * sizeof(got); length++) {
		if (length == sizeof(got))
			continue;
		send_any("garbage, and more of it", length, -1);
		assert_int_equal(request_receive(pair[1], &got, with), 0);
	}
}

static void test_descriptors_that_come_with_a_request_are_dropped(void **state)
{
	struct request request = {.type = REQUEST_STATUS}, got;
	int before = count_fds();

	(void)state;
	send_any(&request, sizeof(request), STDIN_FILENO);
	assert_int_equal(request_receive(pair[1], &got, with), 1);
	assert_int_equal(count_fds(), before);
}

static void test_end_of_the_peer_is_the_end(void **state)
{
	struct request got;
	struct reply reply;
	char *text;

	(void)state;
	close(pair[0]);
	pair[0] = -1;
	assert_int_equal(request_receive(pair[1], &got, with), 0);
	assert_int_equal(reply_send(pair[1], REPLY_OK, "{}", 2), -EPIPE);
	assert_int_equal(reply_receive(pair[1], &reply, &text), -EPIPE);
	assert_null(text);
}

static void test_reply_arrives_whole_with_its_text(void **state)
{
	int before = count_fds();
	struct reply reply;
	char *text;

	(void)state;
	assert_int_equal(reply_send(pair[0], REPLY_FAILED, "{\"error\":\"why\"}", 15), 0);
	assert_int_equal(reply_receive(pair[1], &reply, &text), 0);
	assert_int_equal(reply.status, REPLY_FAILED);
	assert_int_equal(reply.length, 15);
	assert_string_equal(text, "{\"error\":\"why\"}");
	free(text);
	assert_int_equal(count_fds(), before);
}

static void test_reply_may_be_large_and_empty(void **state)
{
	char *large = malloc(REPLY_BYTES_MAX), *text;
	struct reply reply;

	(void)state;
	memset(large, 'x', REPLY_BYTES_MAX);
	assert_int_equal(reply_send(pair[0], REPLY_OK, large, REPLY_BYTES_MAX), 0);
	assert_int_equal(reply_send(pair[0], REPLY_OK, "", 0), 0);
	assert_int_equal(reply_receive(pair[1], &reply, &text), 0);
	assert_int_equal(strlen(text), REPLY_BYTES_MAX);
	free(text);
	assert_int_equal(reply_receive(pair[1], &reply, &text), 0);
	assert_string_equal(text, "");
	free(text);
	free(large);
}

static void test_reader_that_never_reads_holds_nobody_up(void **state)
{
	int error = 0, before = count_fds();

	(void)state;
	for (int i = 0; i < 10000 && !error; i++)
		error = reply_send(pair[0], REPLY_OK, "{}", 2);
	assert_int_equal(error, -EAGAIN);
	assert_int_equal(count_fds(), before);
}

static void test_what_is_no_reply_is_refused(void **state)
{
	struct reply reply = {.length = 2}, long_reply = {.length = 3}, got;
	int sealed = make_text("{}", SEALS), open = make_text("{}", F_SEAL_SHRINK), before;
	int folder = openat(AT_FDCWD, "/", O_PATH);
	char *text;

	(void)state;
	before = count_fds();
	send_any(&reply, sizeof(reply), -1);
	assert_int_equal(reply_receive(pair[1], &got, &text), -EPROTO);
	send_any(&reply, sizeof(reply) - 1, sealed);
	assert_int_equal(reply_receive(pair[1], &got, &text), -EPROTO);
	send_any(&long_reply, sizeof(long_reply), sealed);
	assert_int_equal(reply_receive(pair[1], &got, &text), -EPROTO);
	send_any(&reply, sizeof(reply), open);
	assert_int_equal(reply_receive(pair[1], &got, &text), -EPROTO);
	send_any(&reply, sizeof(reply), folder);
	assert_int_equal(reply_receive(pair[1], &got, &text), -EPROTO);
	assert_null(text);
	assert_int_equal(count_fds(), before);
	close(sealed);
	close(open);
	close(folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
	const struct CMUnitTest tests[] = {
		TEST(test_request_arrives_whole),
		TEST(test_a_flush_may_have_a_name),
		TEST(test_a_text_that_is_none_ends_the_peer),
		TEST(test_request_of_another_size_ends_the_peer),
		TEST(test_descriptors_that_come_with_a_request_are_dropped),
		TEST(test_end_of_the_peer_is_the_end),
		TEST(test_reply_arrives_whole_with_its_text),
		TEST(test_reply_may_be_large_and_empty),
		TEST(test_reader_that_never_reads_holds_nobody_up),
		TEST(test_what_is_no_reply_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
