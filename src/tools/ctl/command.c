/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/command.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"

#define WAIT_SECONDS	 10
#define WAIT_SECONDS_MAX 86400

enum { OPTION_SOCKET = 256, OPTION_JSON, OPTION_WAIT, OPTION_VERSION };

static const struct option long_options[] = {
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"json", no_argument, NULL, OPTION_JSON},
	{"wait", no_argument, NULL, OPTION_WAIT},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

static const char usage[] =
	"usage: dnsflowctl [options] command\n"
	"  status                     the run, its workers and its proxy\n"
	"  stats                      counters that are not zero, of each worker and in total\n"
	"  ledger [--wait [seconds]]  what became of everything, and whether it adds up\n"
	"                             (--wait: ask until it does and stays so; 10 seconds)\n"
	"  rules                      each rule of the proxy and how often it matched\n"
	"  quarantine                 what was skipped because it ended a worker\n"
	"  reload                     read the configuration again, and wait until it is in force\n"
	"  upgrade                    go on with the program that is installed now\n"
	"  flush [name]               forget all answers in the cache, or those of this name and\n"
	"                             all below it, within a second\n"
	"  log level                  log from this level on: debug, info, warn, error\n"
	"\n"
	"  --socket path   of the daemon (default " CONFIG_CONTROL_SOCKET ")\n"
	"  --json          print the reply as it came\n"
	"  -h, --help      print this\n"
	"  --version       print the version\n"
	"\n"
	"Exit status: 0; 1 refused, failed, or does not add up; 2 wrong usage; 3 no reply.\n";

static const struct {
	const char *name;
	enum request_type type;
} names[] = {
	{"status", REQUEST_STATUS}, {"stats", REQUEST_STATS},
	{"ledger", REQUEST_LEDGER}, {"quarantine", REQUEST_QUARANTINE},
	{"reload", REQUEST_RELOAD}, {"upgrade", REQUEST_UPGRADE},
	{"log", REQUEST_LOG},	    {"flush", REQUEST_FLUSH},
	{"rules", REQUEST_RULES},
};

static void __attribute__((noreturn)) refuse(const char *problem, const char *what)
{
	log_error("%s%s; dnsflowctl -h lists the commands", problem, what);
	exit(COMMAND_USAGE);
}

static void __attribute__((noreturn)) print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED);
}

static void __attribute__((noreturn)) print_version(void)
{
	printf("dnsflowctl %s\njansson %s\n", DNSFLOW_VERSION, jansson_version_str());
	print_and_exit("");
}

static void option_take(struct command *command, int option, const char *argument)
{
	switch (option) {
	case OPTION_SOCKET:
		command->socket = argument;
		break;
	case OPTION_JSON:
		command->is_json = true;
		break;
	case OPTION_WAIT:
		command->is_waiting = true;
		break;
	case OPTION_VERSION:
		print_version();
	case 'h':
		print_and_exit(usage);
	default:
		exit(COMMAND_USAGE); /* getopt said why */
	}
}

static uint32_t name_parse(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, name))
			return names[i].type;
	refuse("unknown command: ", name);
}

static uint32_t level_parse(const char *level)
{
	static const char *const levels[] = {
		[LOG_LEVEL_DEBUG] = "debug",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_WARN] = "warn",
		[LOG_LEVEL_ERROR] = "error",
	};

	for (uint32_t i = 0; level && i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(levels[i], level))
			return i;
	refuse("log needs a level: debug, info, warn or error", "");
}

static int64_t seconds_parse(const char *text)
{
	char *end;
	unsigned long seconds;

	errno = 0;
	seconds = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || seconds > WAIT_SECONDS_MAX)
		refuse("not a number of seconds: ", text);
	return (int64_t)seconds * NANOSECONDS_PER_SECOND;
}

/* Of a name the supervisor says whether it is one. */
static const char *text_check(const char *text)
{
	if (!*text || strlen(text) >= REQUEST_TEXT_MAX)
		refuse("this is no name: ", text);
	return text;
}

static void words_take(struct command *command, char **words)
{
	const char *name = *words++;

	if (!name)
		refuse("no command", "");
	command->request.type = name_parse(name);
	if (command->request.type == REQUEST_LOG) {
		command->request.argument = level_parse(*words);
		words++;
	}
	if (command->request.type == REQUEST_FLUSH && *words)
		command->text = text_check(*words++);
	if (command->is_waiting && command->request.type != REQUEST_LEDGER)
		refuse("--wait goes with ledger", "");
	if (command->is_waiting && *words)
		command->wait_ns = seconds_parse(*words++);
	if (*words)
		refuse("unexpected argument: ", *words);
}

void command_parse(struct command *command, int argc, char **argv)
{
	int option;

	*command = (struct command){
		.socket = CONFIG_CONTROL_SOCKET,
		.wait_ns = WAIT_SECONDS * NANOSECONDS_PER_SECOND,
	};
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
		option_take(command, option, optarg);
	words_take(command, argv + optind);
}
