/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/arguments.h"

#include <getopt.h>
#include <string.h>

#include "config/schema.h"

#define OPTIONS_MAX (SETTINGS_MAX + 5) /* check, print-config, help, version, the end */
#define LONG_ONLY   256 /* values of options without a letter, above every character */

enum { OPTION_CHECK = LONG_ONLY + SETTINGS_MAX, OPTION_PRINT };

static const char *option_name(const struct setting *setting)
{
	return setting->option ? setting->option : setting->name;
}

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
	for (size_t i = 0; i < schema_config.count; i++) {
		const struct setting *setting = &schema_config.settings[i];

		if (!setting->help)
			continue;
		if (setting->letter) {
			*letters++ = setting->letter;
			if (takes_argument(setting))
				*letters++ = ':';
		}
		options[count++] = (struct option){
			.name = option_name(setting),
			.has_arg = takes_argument(setting) ? required_argument : no_argument,
			.val = setting->letter ? setting->letter : LONG_ONLY + (int)i,
		};
	}
	options[count++] = (struct option){.name = "check", .val = OPTION_CHECK};
	options[count++] = (struct option){.name = "print-config", .val = OPTION_PRINT};
	options[count++] = (struct option){.name = "help", .val = 'h'};
	options[count++] = (struct option){.name = "version", .val = 'V'};
	options[count] = (struct option){0};
	strcpy(letters, "hV");
}

static const struct setting *find_option(int value)
{
	if (value >= LONG_ONLY)
		return &schema_config.settings[value - LONG_ONLY];
	for (size_t i = 0; i < schema_config.count; i++)
		if (schema_config.settings[i].letter == value)
			return &schema_config.settings[i];
	return NULL;
}

static bool refuse_value(const struct setting *setting, const char *problem, char *error)
{
	if (setting->refusal)
		snprintf(error, CONFIG_ERROR_MAX, "%s%s", setting->refusal, problem);
	else
		snprintf(error, CONFIG_ERROR_MAX, "invalid %s: %s", option_name(setting), problem);
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
		snprintf(error, CONFIG_ERROR_MAX, "%s is empty", option_name(setting));
		return false;
	}
	if (!is_given[setting - schema_config.settings])
		setting_clear(config, setting);
	is_given[setting - schema_config.settings] = true;
	if (setting->check && !setting->check(value, problem))
		return refuse_value(setting, problem, error);
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
	enum config_result result = CONFIG_OK;
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
		if (value == OPTION_CHECK)
			result = CONFIG_CHECK;
		else if (value == OPTION_PRINT)
			result = CONFIG_PRINT;
		else if (!take_option(config, find_option(value), optarg, is_given, error))
			return CONFIG_ERROR;
	}
	if (optind < argc) {
		snprintf(error, CONFIG_ERROR_MAX,
			 "unexpected argument: %s; dnsflow -h lists the options", argv[optind]);
		return CONFIG_ERROR;
	}
	return result;
}

#define HELP_COLUMN 32

static void print_option(FILE *out, const struct setting *setting)
{
	const char *help = setting->help, *argument = setting->argument;
	int column;

	column = fprintf(out, setting->letter ? "  -%c, " : "      ", setting->letter);
	column += fprintf(out, "--%s%s%s", option_name(setting), argument ? " " : "",
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
	"       dnsflow -i INTERFACE --output stdout --web.listen 8080 [options]\n"
	"       dnsflow --proxy.listen 53 --rules FILE [options]\n"
	"\n"
	"Captures DNS responses, keeps those that give addresses for a name, and sends them\n"
	"as compact dnsflow records over UDP. dnsflow-read prints what arrives.\n"
	"Counts what it sees, and writes queries and responses where outputs say.\n"
	"Answers and forwards DNS by rules.\n";

static const char usage_tail[] =
	"\nOther\n"
	"      --check                   only check configuration and options: status 0 or 1\n"
	"      --print-config            print the configuration that is in force, as a file, and "
	"exit\n"
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
	"  dnsflow-read --listen 5300               see the records\n"
	"  dnsflow -i eth0 --output stdout,format=json,filter.rcode=NXDOMAIN\n"
	"                                           what does not exist, as lines of JSON\n";

void config_print_usage(FILE *out)
{
	fputs(usage_head, out);
	for (size_t i = 0; i < schema_config.count; i++) {
		const struct setting *setting = &schema_config.settings[i];

		if (setting->heading)
			fprintf(out, "\n%s\n", setting->heading);
		if (setting->help)
			print_option(out, setting);
	}
	fputs(usage_tail, out);
}
