/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "config/schema.h"

/* Bytes that are no characters: text.c. */
static void print_quoted(FILE *out, const char *text)
{
	size_t length;

	fputc('"', out);
	for (const uint8_t *at = (const uint8_t *)text; *at; at += length ? length : 1) {
		length = utf8_plain_length(at);
		if (length)
			fwrite(at, 1, length, out);
		else
			fprintf(out, *at < 0x80 ? "\\x%02x" : "\\uef%02x", *at);
	}
	fputc('"', out);
}

static void print_value(FILE *out, const struct setting *setting, const char *value)
{
	if (setting_is_text(setting))
		print_quoted(out, value);
	else
		fputs(value, out);
}

/* One line, and one more for each element of a list. */
static void print_setting(FILE *out, int indent, const void *base, const struct setting *setting)
{
	const size_t section = schema_section_length(setting->name);
	const bool is_list = setting_is_list(setting), is_empty = !setting_count(base, setting);
	struct setting_place place = {0};
	char value[CONFIG_TEXT_MAX];

	fprintf(out, "%s:%s", setting->name + (section ? section + 1 : 0), is_empty ? " []" : "");
	while (setting_next(base, setting, &place, value)) {
		if (is_list)
			fprintf(out, "\n%*s- ", indent + 2, "");
		else
			fputc(' ', out);
		print_value(out, setting, value);
	}
	fputc('\n', out);
}

struct printer {
	FILE *out;
	enum config_text kind;
	const struct config *config;
};

static bool is_printed(const struct printer *printer, const void *base,
		       const struct setting *setting)
{
	if (setting->is_private && printer->kind == CONFIG_TEXT_FILE)
		return false;
	return setting_count(base, setting) || setting_is_list(setting);
}

static void print_outputs(const struct printer *printer);

/* usual: what is the same as there is left out; NULL: nothing. */
static void print_settings(const struct printer *printer, int indent, const struct schema *schema,
			   const void *base, const void *usual)
{
	const struct setting *const end = schema->settings + schema->count;
	const char *section = NULL; /* that was begun: a name that begins with it */

	for (const struct setting *setting = schema->settings; setting < end; setting++) {
		const size_t length = schema_section_length(setting->name);

		if (!is_printed(printer, base, setting) ||
		    (usual && setting_is_same(base, usual, setting)))
			continue;
		if (setting->kind == SETTING_OUTPUTS) {
			print_outputs(printer);
			continue;
		}
		if (length && (!section || strncmp(section, setting->name, length + 1) != 0)) {
			section = setting->name;
			fprintf(printer->out, "%*s%.*s:\n", indent, "", (int)length, section);
		}
		fprintf(printer->out, "%*s", length ? indent + 2 : indent, "");
		print_setting(printer->out, length ? indent + 2 : indent, base, setting);
	}
}

static void print_outputs(const struct printer *printer)
{
	const struct config *config = printer->config;
	/* The type goes first, behind the mark of the list. */
	const struct schema rest = {schema_output.settings + 1, schema_output.count - 1};

	fprintf(printer->out, "outputs:%s\n", config->output_count ? "" : " []");
	for (uint32_t i = 0; i < config->output_count; i++) {
		fputs("  - ", printer->out);
		print_setting(printer->out, 4, &config->outputs[i], schema_output.settings);
		print_settings(printer, 4, &rest, &config->outputs[i],
			       printer->kind == CONFIG_TEXT_FILE ? &config_output_default : NULL);
	}
}

int config_print(const struct config *config, enum config_text kind, char *text, size_t size)
{
	const struct printer printer = {fmemopen(text, size, "w"), kind, config};
	long length;

	if (!printer.out)
		return -errno;
	print_settings(&printer, 0, &schema_config, config, NULL);
	fflush(printer.out);
	length = ferror(printer.out) ? -ENOSPC : ftell(printer.out);
	fclose(printer.out);
	return length >= (long)size ? -ENOSPC : (int)length;
}
