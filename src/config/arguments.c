/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/arguments.h"

#include <getopt.h>
#include <string.h>

#include "config/schema.h"

#define OPTIONS_MAX (SETTINGS_MAX + 3) /* help, version, the end */
#define LONG_ONLY   256 /* values of options without a letter, above every character */

static bool takes_argument(const struct setting *setting)
{
	return setting->kind != SETTING_FLAG && setting->kind != SETTING_CHECKSUM;
}

/* getopt's two tables out of ours; the value of an option is its letter, or LONG_ONLY + its index.
 */
static void make_options(char *letters, struct option *options)
{
	size_t count = 0;

	*letters++ = ':'; /* tell a missing argument from an unknown option */
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings[i];

		if (!setting->help)
			continue;
		if (setting->letter) {
			*letters++ = setting->letter;
			if (takes_argument(setting))
				*letters++ = ':';
		}
		options[count++] = (struct option){
			.name = setting->name,
			.has_arg = takes_argument(setting) ? required_argument : no_argument,
			.val = setting->letter ? setting->letter : LONG_ONLY + (int)i,
		};
	}
	options[count++] = (struct option){.name = "help", .val = 'h'};
	options[count++] = (struct option){.name = "version", .val = 'V'};
	options[count] = (struct option){0};
	strcpy(letters, "hV");
}

static const struct setting *find_option(int value)
{
	if (value >= LONG_ONLY)
		return &settings[value - LONG_ONLY];
	for (size_t i = 0; i < settings_count; i++)
		if (settings[i].letter == value)
			return &settings[i];
	return NULL;
}

static bool refuse_value(const struct setting *setting, const char *problem, char *error)
{
	if (setting->refusal)
		snprintf(error, CONFIG_ERROR_MAX, "%s%s", setting->refusal, problem);
	else
		snprintf(error, CONFIG_ERROR_MAX, "invalid %s: %s", setting->name, problem);
	return false;
}

/* is_given: by the index of a setting, those that this command line has named already. */
static bool take_option(struct config *config, const struct setting *setting, const char *value,
			bool *is_given, char *error)
{
	char problem[SETTING_ERROR_MAX];

	if (!takes_argument(setting))
		value = "true";
	if (!*value) {
		snprintf(error, CONFIG_ERROR_MAX, "%s is empty", setting->name);
		return false;
	}
	if (!is_given[setting - settings])
		setting_clear(config, setting);
	is_given[setting - settings] = true;
	return setting_parse(config, setting, value, problem) ||
	       refuse_value(setting, problem, error);
}

static enum config_result refuse(char *error, const char *problem, char **argv)
{
	if (optopt > 0 && optopt < LONG_ONLY)
		snprintf(error, CONFIG_ERROR_MAX, "%s: -%c; dnsflow -h lists the options", problem,
			 optopt);
	else
		snprintf(error, CONFIG_ERROR_MAX, "%s: %s; dnsflow -h lists the options", problem,
			 argv[optind - 1]);
	return CONFIG_ERROR;
}

enum config_result config_parse_arguments(struct config *config, int argc, char **argv, char *error)
{
	char letters[2 * OPTIONS_MAX];
	struct option options[OPTIONS_MAX];
	bool is_given[SETTINGS_MAX] = {false};
	int value;

	make_options(letters, options);
	optind = 0; /* a fresh scan, also for the second command line of a test */
	opterr = 0;
	while ((value = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (value == 'h')
			return CONFIG_HELP;
		if (value == 'V')
			return CONFIG_VERSION;
		if (value == ':')
			return refuse(error, "option needs an argument", argv);
		if (value == '?')
			return refuse(error, "unknown option", argv);
		if (!take_option(config, find_option(value), optarg, is_given, error))
			return CONFIG_ERROR;
	}
	if (optind < argc) {
		snprintf(error, CONFIG_ERROR_MAX,
			 "unexpected argument: %s; dnsflow -h lists the options", argv[optind]);
		return CONFIG_ERROR;
	}
	return CONFIG_OK;
}

#define HELP_COLUMN 32

static void print_option(FILE *out, const struct setting *setting)
{
	const char *help = setting->help, *argument = setting->argument;
	int column;

	column = fprintf(out, setting->letter ? "  -%c, " : "      ", setting->letter);
	column += fprintf(out, "--%s%s%s", setting->name, argument ? " " : "",
			  argument ? argument : "");
	if (column >= HELP_COLUMN) {
		fputc('\n', out);
		column = 0;
	}
	while (*help) {
		size_t line = strcspn(help, "\n");

		fprintf(out, "%*s%.*s\n", HELP_COLUMN - column, "", (int)line, help);
		help += line + (help[line] == '\n');
		column = 0;
	}
}

static const char usage_head[] =
	"usage: dnsflow -i INTERFACE -u HOST [options]\n"
	"       dnsflow -r FILE -w FILE [options]\n"
	"\n"
	"Captures DNS responses, keeps those that give addresses for a name, and sends them\n"
	"as compact dnsflow records over UDP. dnsflow-read prints what arrives.\n";

static const char usage_tail[] =
	"\nOther\n"
	"  -h, --help                    print this and exit\n"
	"  -V, --version                 print the version and the libraries in use and exit\n"
	"\n"
	"Signals: SIGTERM and SIGINT read what was captured, send it, report and exit with 0;\n"
	"SIGHUP reloads, SIGUSR1 reports.\n"
	"Exit status: 0, or 1 with a line on standard error that says what to do; 3 when packets\n"
	"of a file were quarantined.\n"
	"\n"
	"Examples\n"
	"  dnsflow -i eth0 -u 192.0.2.1 -M 0 -c     half of the CPUs, even load\n"
	"  dnsflow -r day.pcap.zst -w records.pcap  from file to file, no root needed\n"
	"  dnsflow-read --listen 5300               see the records\n";

void config_print_usage(FILE *out)
{
	fputs(usage_head, out);
	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].heading)
			fprintf(out, "\n%s\n", settings[i].heading);
		if (settings[i].help)
			print_option(out, &settings[i]);
	}
	fputs(usage_tail, out);
}
