/* SPDX-License-Identifier: BSD-3-Clause */
/* dnsflowctl: asks a running dnsflow what it does, and tells it what to do. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "tools/ctl/client.h"
#include "tools/ctl/command.h"
#include "tools/ctl/show.h"
#include "tools/ctl/text.h"

#define REPLY_SECONDS 10
/* Between two answers that are to be the same: two times that a block of the ring stays open. */
#define SETTLE_NS (80 * NANOSECONDS_PER_MILLISECOND)

/* A reply that came. */
struct answer {
	enum reply_status status;
	char *text;
	json_t *json;
};

static void answer_free(struct answer *answer)
{
	free(answer->text);
	json_decref(answer->json);
	*answer = (struct answer){0};
}

/* Exits when there is none. A reload or an upgrade takes as long as it takes. */
static struct answer ask(const struct command *command)
{
	enum request_type type = command->request.type;
	int wait_seconds = type == REQUEST_RELOAD || type == REQUEST_UPGRADE ? 0 : REPLY_SECONDS;
	struct answer answer = {0};
	json_error_t problem;
	int error = client_ask(command->socket, &command->request, command->text, wait_seconds,
			       &answer.status, &answer.text);

	if (error == -EPIPE) {
		log_error("%s: dnsflow gave no reply", command->socket);
		exit(COMMAND_NO_REPLY);
	}
	if (error) {
		log_error("%s: %s (does dnsflow run, with this --control?)", command->socket,
			  error == -EAGAIN ? "no reply in time" : strerror(-error));
		exit(COMMAND_NO_REPLY);
	}
	answer.json = json_loads(answer.text, 0, &problem);
	if (!answer.json) {
		log_error("%s: the reply is no JSON", command->socket);
		exit(COMMAND_NO_REPLY);
	}
	return answer;
}

static bool adds_up(const struct answer *answer)
{
	return answer->status == REPLY_OK && json_is_true(json_object_get(answer->json, "adds_up"));
}

/* Asks until two replies, one after the other, are the same and add up, or it has taken too long.
 */
static struct answer ask_until_it_adds_up(const struct command *command)
{
	const struct timespec pause = {.tv_nsec = SETTLE_NS};
	int64_t end_ns = clock_monotonic_ns() + command->wait_ns;
	struct answer answer = ask(command), next;
	bool is_settled = false;

	while (answer.status == REPLY_OK && !is_settled && clock_monotonic_ns() < end_ns) {
		nanosleep(&pause, NULL);
		next = ask(command);
		is_settled = adds_up(&next) && !strcmp(answer.text, next.text);
		answer_free(&answer);
		answer = next;
	}
	return answer;
}

/* What came from elsewhere goes to the terminal through here alone. */
static bool print_clean(char *text)
{
	text_clean(text);
	fputs(text, stdout);
	return fflush(stdout) == 0;
}

static bool print_answer(const struct command *command, const struct answer *answer)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	bool is_printed;

	if (!out)
		return false;
	if (command->is_json)
		fprintf(out, "%s\n", answer->text);
	else if (answer->status == REPLY_OK)
		show_reply(command->request.type, answer->json, out);
	is_printed = fclose(out) == 0 && print_clean(text);
	free(text);
	return is_printed;
}

static void tell_error(const struct answer *answer)
{
	const char *error = json_string_value(json_object_get(answer->json, "error"));
	char text[1024];

	snprintf(text, sizeof(text), "%s", error ? error : "it failed");
	text_clean(text);
	log_error("%s", text);
}

int main(int argc, char **argv)
{
	enum command_exit result = COMMAND_OK;
	struct command command;
	struct answer answer;

	log_set_role("dnsflowctl");
	command_parse(&command, argc, argv);
	answer = command.is_waiting ? ask_until_it_adds_up(&command) : ask(&command);
	if (answer.status != REPLY_OK) {
		result = COMMAND_FAILED;
		if (!command.is_json)
			tell_error(&answer);
	} else if (command.request.type == REQUEST_LEDGER && !adds_up(&answer)) {
		result = COMMAND_FAILED;
	}
	if (!print_answer(&command, &answer)) {
		log_error("the reply cannot be printed");
		result = COMMAND_FAILED;
	}
	answer_free(&answer);
	return (int)result;
}
