/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/outputs.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "config/fields.h"
#include "config/schema.h"

/* Until an output is settled. */
#define KIND_OPEN      OUTPUT_KIND_COUNT
#define TRANSPORT_OPEN ((enum output_transport)(OUTPUT_OVER_UNIX + 1))

struct config_output *outputs_add(struct config *config)
{
	struct config_output *output = &config->outputs[config->output_count];

	if (config->output_count == CONFIG_OUTPUTS_MAX)
		return NULL;
	config->output_count++;
	*output = config_output_default;
	output->kind = KIND_OPEN;
	output->transport = TRANSPORT_OPEN;
	return output;
}

/* Is there a key that begins so, with a value that is not its default? */
static bool says_anything_of(const struct config_output *output, const char *section)
{
	for (size_t i = 0; i < schema_output.count; i++) {
		const struct setting *setting = &schema_output.settings[i];

		if (!strncmp(setting->name, section, strlen(section)) &&
		    !setting_is_same(output, &config_output_default, setting))
			return true;
	}
	return false;
}

static bool has_exceptions(const struct config_output *output)
{
	return says_anything_of(output, "except.");
}

bool outputs_settle(struct config_output *output, char *problem)
{
	if (output->kind == KIND_OPEN) {
		strcpy(problem, "an output needs a type");
		return false;
	}
	if (output->transport == TRANSPORT_OPEN)
		output->transport = output->kind == OUTPUT_TCP ? OUTPUT_OVER_TCP : OUTPUT_OVER_UDP;
	output->has_except = has_exceptions(output);
	return true;
}

static bool fail(char *problem, const char *name, const char *text)
{
	snprintf(problem, SETTING_ERROR_MAX, "%.64s: %.300s", name, text);
	return false;
}

/* Copies up to a comma, of which \, is none; returns what is behind it. */
static const char *take_part(const char *at, char *part)
{
	while (*at && *at != ',') {
		at += *at == '\\' && at[1] == ',';
		*part++ = *at++;
	}
	*part = '\0';
	return at + (*at == ',');
}

/* A flag may stand without "=true". */
static bool parse_part(struct config_output *output, char *part, char *problem)
{
	char *value = strchr(part, '='), text[SETTING_ERROR_MAX];
	const struct setting *setting;

	if (value)
		*value++ = '\0';
	setting = schema_find(&schema_output, part);
	if (!setting || setting->is_private) {
		schema_explain(&schema_output, part, text);
		return fail(problem, part, text);
	}
	if (!value && setting->kind == SETTING_FLAG)
		value = "true";
	if (!value || !*value)
		return fail(problem, part, "has no value");
	return setting_parse(output, setting, value, text) || fail(problem, part, text);
}

#define LINE_MAX_LENGTH 16384

void outputs_tell(const struct config *config, uint32_t index, const char *problem, char *error)
{
	const struct config_output *output = &config->outputs[index];
	int length = 0;

	if (output->line)
		length = snprintf(error, CONFIG_ERROR_MAX, "%.160s:%u:%u: ", config->config_file,
				  output->line, output->column);
	snprintf(error + length, CONFIG_ERROR_MAX - (size_t)length, "output %s: %s", output->name,
		 problem);
}

bool outputs_parse(struct config *config, const char *value, char *problem)
{
	struct config_output *output = outputs_add(config);
	char part[LINE_MAX_LENGTH + 8] = "type=";

	if (!output)
		return fail(problem, "output", "there are too many");
	if (strlen(value) > LINE_MAX_LENGTH)
		return fail(problem, "output", "is too long");
	value = take_part(value, part + strlen(part));
	if (!parse_part(output, part, problem))
		return false;
	while (*value) {
		value = take_part(value, part);
		if (!parse_part(output, part, problem))
			return false;
	}
	return outputs_settle(output, problem);
}

static const char *kind_name(enum output_kind kind)
{
	return schema_find(&schema_output, "type")->words[kind];
}

static void name_output(struct config *config, struct config_output *output)
{
	uint32_t number = 0;

	for (const struct config_output *at = config->outputs; at <= output; at++)
		number += at->kind == output->kind;
	if (!*output->name)
		snprintf(output->name, sizeof(output->name), "%s-%u", kind_name(output->kind),
			 number);
}

static bool is_same(const char *a, const char *b)
{
	return *a && !strcmp(a, b);
}

/* NULL when all is well, as of those below. */
static const char *check_others(const struct config *config, const struct config_output *output)
{
	for (const struct config_output *at = config->outputs; at < output; at++) {
		if (is_same(at->name, output->name))
			return "another output has the same name";
		if (is_same(at->path, output->path))
			return "another output has the same path";
		if (is_same(at->spool, output->spool))
			return "another output has the same spool";
		if (is_same(at->path, output->spool) || is_same(at->spool, output->path))
			return "another output has its path or spool there, too";
	}
	return is_same(output->path, output->spool) ? "path and spool are one file" : NULL;
}

/* Records in binary would stand between lines of text. */
static const char *check_stdout(const struct config *config, const struct config_output *output)
{
	const bool is_stdout =
		output->kind == OUTPUT_STDOUT || (output->kind == OUTPUT_METRICS && !*output->path);

	return is_stdout && !strcmp(config->write_file, "-") ? "standard output is taken by -w -"
							     : NULL;
}

static bool takes_transport(enum output_kind kind, enum output_transport transport)
{
	switch (kind) {
	case OUTPUT_SYSLOG:
		return true;
	case OUTPUT_TCP:
		return transport != OUTPUT_OVER_UDP;
	default:
		return transport == OUTPUT_OVER_UDP;
	}
}

static const char *complete_address(struct config_output *output)
{
	static const size_t unix_path_max = sizeof(((struct sockaddr_un *)0)->sun_path);

	if (!*output->address)
		return "address is missing";
	if (output->transport == OUTPUT_OVER_UNIX)
		return *output->address == '/' && strlen(output->address) < unix_path_max
			       ? NULL
			       : "address is not the absolute path of a unix socket";
	if (!config_parse_endpoint(output->address, &output->endpoint))
		return "address is neither an address nor a host name with its port";
	return output->endpoint.port ? NULL : "address has no port: write HOST:PORT";
}

static const char *complete_way(struct config_output *output)
{
	const bool has_address = output->kind == OUTPUT_TCP || output->kind == OUTPUT_SYSLOG ||
				 output->kind == OUTPUT_RECORDS;

	if (!takes_transport(output->kind, output->transport))
		return "its type does not go over this transport";
	if (output->kind == OUTPUT_FILE && !*output->path)
		return "path is missing";
	if (!*output->certificate != !*output->key)
		return "tls.certificate and tls.key need each other";
	if (output->transport != OUTPUT_OVER_TLS && says_anything_of(output, "tls."))
		return "tls needs transport: tls";
	return has_address ? complete_address(output) : NULL;
}

/* What RFC 5424 allows in a field of a header; in RFC 3164 it would end the field, too. */
static bool is_header_text(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static bool is_rotated(const struct config_output *output)
{
	return output->count && (output->max_size_mib || output->max_age_s);
}

static const char *check_content(const struct config_output *output)
{
	const struct config_privacy *privacy = &output->privacy;

	if (privacy->clients != OUTPUT_CLIENTS_AS_THEY_ARE && !*privacy->key_file)
		return "privacy.clients needs privacy.key-file";
	if (privacy->clients == OUTPUT_CLIENTS_AS_THEY_ARE && *privacy->key_file)
		return "privacy.key-file needs privacy.clients: hash or cryptopan";
	if (!*output->spool && output->spool_mib != config_output_default.spool_mib)
		return "spool-size needs spool";
	if ((output->compression || *output->command) && !is_rotated(output))
		return "compress and command need max-size or max-age, and a count above 0";
	if (*output->command && !output->command[strspn(output->command, " \t")])
		return "command is blank";
	if (!is_header_text(output->app_name) || !is_header_text(output->host_name))
		return "syslog.app-name and syslog.hostname are printable ASCII without blanks";
	return NULL;
}

static const char *complete_output(struct config *config, struct config_output *output)
{
	const char *problem;

	name_output(config, output);
	problem = check_others(config, output);
	if (!problem)
		problem = check_stdout(config, output);
	if (!problem)
		problem = complete_way(output);
	return problem ? problem : check_content(output);
}

/* What would have no effect is a mistake: the types that have a use for it are told. */
static bool check_use(const struct config_output *output, char *problem)
{
	const struct setting *setting = schema_output.settings;
	const struct setting *const end = setting + schema_output.count;
	size_t length;

	while (setting < end && (!setting->kinds || setting->kinds & 1u << output->kind ||
				 setting_is_same(output, &config_output_default, setting)))
		setting++;
	if (setting == end)
		return true;
	length = (size_t)sprintf(problem, "%s is a key of other types:", setting->name);
	for (uint32_t kind = 0; kind < OUTPUT_KIND_COUNT; kind++)
		if (setting->kinds & 1u << kind)
			length += (size_t)sprintf(problem + length, " %s", kind_name(kind));
	return false;
}

bool outputs_complete(struct config *config, char *error)
{
	char wrong[SETTING_ERROR_MAX];

	for (uint32_t i = 0; i < config->output_count; i++) {
		const char *problem = complete_output(config, &config->outputs[i]);

		if (!problem && (!check_use(&config->outputs[i], wrong) ||
				 !fields_check(config->outputs[i].fields, wrong)))
			problem = wrong;
		if (problem) {
			outputs_tell(config, i, problem, error);
			return false;
		}
	}
	return true;
}
