/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop/http_request.h"

#include <ctype.h>
#include <errno.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>

static bool is_token(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
			return false;
	return true; /* RFC 9110 5.6.2 */
}

static bool is_value(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

static bool is_target(const char *text)
{
	if (!text || *text != '/' || strlen(text) >= HTTP_LINE_MAX)
		return false;
	for (; *text; text++)
		if (*text <= 0x20 || *text >= 0x7f || *text == '#')
			return false;
	return true;
}

const char *http_field(const struct http_request *request, const char *name, uint32_t index)
{
	const struct evkeyval *field = evhttp_request_get_input_headers(request->raw)->tqh_first;

	for (; field; field = field->next.tqe_next)
		if (!strcasecmp(field->key, name) && !index--)
			return field->value;
	return NULL;
}

static bool are_fields_valid(const struct http_request *request)
{
	const struct evkeyval *field = evhttp_request_get_input_headers(request->raw)->tqh_first;

	for (; field; field = field->next.tqe_next)
		if (!is_token(field->key) || !is_value(field->value))
			return false;
	return http_field(request, "Host", 0) && !http_field(request, "Host", 1) &&
	       !http_field(request, "Content-Length", 1);
}

enum http_method http_method(const struct http_request *request)
{
	switch (evhttp_request_get_command(request->raw)) {
	case EVHTTP_REQ_GET:
		return HTTP_GET;
	case EVHTTP_REQ_HEAD:
		return HTTP_HEAD;
	case EVHTTP_REQ_DELETE:
		return HTTP_DELETE;
	default:
		return HTTP_OTHER;
	}
}

/* Of no other method evhttp reads the body: it would take it for the next request. */
static bool is_body_read(const struct http_request *request)
{
	enum evhttp_cmd_type command = evhttp_request_get_command(request->raw);

	return command == EVHTTP_REQ_POST || command == EVHTTP_REQ_PUT ||
	       command == EVHTTP_REQ_PATCH;
}

static int check(const struct http_request *request)
{
	const char *length;

	if (!is_target(evhttp_request_get_uri(request->raw)) || !are_fields_valid(request))
		return 400;
	if (http_field(request, "Transfer-Encoding", 0))
		return 501;
	length = http_field(request, "Content-Length", 0);
	if (!length)
		return 0;
	if (!*length || length[strspn(length, "0123456789")])
		return 400;
	if (!is_body_read(request) && length[strspn(length, "0")])
		return 413;
	return 0;
}

static void split_target(struct http_request *request)
{
	char *mark;

	strcpy(request->path, evhttp_request_get_uri(request->raw));
	mark = strchr(request->path, '?');
	if (!mark)
		return;
	*mark = '\0';
	request->query = mark + 1;
}

static void find_peer(struct http_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request->raw);
	char *text;
	uint16_t port;

	evhttp_connection_get_peer(connection, &text, &port);
	address_parse(text, &request->peer);
}

int http_request_take(struct http_request *request, struct evhttp_request *raw)
{
	int status;

	request->raw = raw;
	find_peer(request);
	status = check(request);
	if (!status)
		split_target(request);
	return status;
}

const char *http_path(const struct http_request *request)
{
	return request->path;
}

const struct address *http_peer(const struct http_request *request)
{
	return &request->peer;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Of a value, up to '&' or the end. */
static int decode_value(const char *from, char *value, size_t size)
{
	size_t length = 0;

	for (; *from && *from != '&'; from++) {
		int byte = *from == '+' ? ' ' : *from;

		if (byte == '%') {
			int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);

			if (low < 0 || !(high | low))
				return -EINVAL;
			byte = high << 4 | low;
			from += 2;
		}
		if (length + 1 >= size)
			return -EINVAL;
		value[length++] = (char)byte;
	}
	value[length] = '\0';
	return (int)length;
}

int http_query(const struct http_request *request, const char *name, char *value, size_t size)
{
	size_t length = strlen(name);

	for (const char *at = request->query; at; at = strchr(at, '&')) {
		at += *at == '&';
		if (strncmp(at, name, length))
			continue;
		if (at[length] == '=')
			return decode_value(at + length + 1, value, size);
		if (!at[length] || at[length] == '&')
			return decode_value(at + length, value, size);
	}
	return -ENOENT;
}
