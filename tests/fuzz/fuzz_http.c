/* SPDX-License-Identifier: BSD-3-Clause */
/* Raw bytes to a server over a connection of its own, in two pieces; what it takes for a request is
 * one. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/http.h"

#define ROUNDS	  8 /* of the loop, until nothing more can happen */
#define VALUE_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct sockaddr_storage address;
static socklen_t address_length;

static void check_text(const char *text, size_t length_max)
{
	assert(strlen(text) < length_max);
	for (; *text; text++)
		assert((*text >= 0x20 || *text == '\t' || *text < 0) && *text != 0x7f);
}

static void handle(void *argument, struct http_request *request)
{
	char value[VALUE_MAX];
	const char *host = http_field(request, "Host", 0);
	int length = http_query(request, "n", value, sizeof(value));

	(void)argument;
	assert(*http_path(request) == '/');
	check_text(http_path(request), HTTP_LINE_MAX);
	assert(host && !http_field(request, "Host", 1));
	check_text(host, HTTP_HEAD_MAX);
	assert(!http_field(request, "Transfer-Encoding", 0));
	assert(length == -EINVAL || length == -ENOENT || (size_t)length == strlen(value));
	http_reply(request, &(struct http_reply){
				    .status = 200, .type = "text/plain", .body = "x", .length = 1});
}

static void start(void)
{
	struct http_options options = http_options_default;
	struct endpoint endpoint = {.port = 0};

	loop = loop_new();
	address_parse("127.0.0.1", &endpoint.address);
	address_length = endpoint_to_sockaddr(&endpoint, &address);
	options.fd = socket(AF_INET, SOCK_STREAM, 0);
	options.connections_max = 4;
	assert(bind(options.fd, (void *)&address, address_length) == 0);
	assert(listen(options.fd, 4) == 0);
	getsockname(options.fd, (void *)&address, &address_length);
	assert(http_server_new(loop, &options, handle, NULL));
}

static void turn(void)
{
	for (int i = 0; i < ROUNDS; i++)
		loop_poll(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct linger none = {.l_onoff = 1}; /* no port stays taken */
	size_t first = size ? data[0] % size : 0;
	int fd;

	if (!loop)
		start();
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	if (connect(fd, (void *)&address, address_length) < 0 || !size) {
		close(fd);
		return 0;
	}
	if (send(fd, data + 1, first, MSG_NOSIGNAL) >= 0)
		turn();
	if (send(fd, data + 1 + first, size - 1 - first, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		turn();
	close(fd);
	turn();
	return 0;
}
