/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a configuration file, as what is handed over, as --output and as rules; what is read
 * is printed and read again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/outputs.h"
#include "config/print.h"
#include "config/rules.h"
#include "config/setting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char error[CONFIG_ERROR_MAX];

static void on_difference(void *argument, const struct config_difference *difference)
{
	(void)argument;
	(void)difference;
	abort(); /* what was printed is read as something else */
}

static void check_again(const struct config *config)
{
	static char text[CONFIG_PRINTED_MAX];
	const int length = config_print(config, CONFIG_TEXT_HANDED_OVER, text, sizeof(text));
	static struct config again;
	char problem[CONFIG_ERROR_MAX];

	assert(length > 0);
	assert(config_parse(&again, CONFIG_TEXT_HANDED_OVER, "text",
			    (struct slice){(const uint8_t *)text, (size_t)length}, problem));
	assert(!config_compare(config, &again, on_difference, NULL));
}

static void check_error(void)
{
	assert(!strncmp(error, "text:", 5));
	assert(strlen(error) < sizeof(error));
	assert(!strpbrk(error, "\n\r\t\x1b"));
}

/* A warning of a configuration of Sentry, then one of rules, or either. */
static void check_warnings(void)
{
	char *end = strchr(error, '\n');

	if (end) {
		assert(!strncmp(end + 1, "text:", 5));
		*end = ' ';
	}
	check_error();
}

/* What is read may come with warnings. */
static bool read_as(enum config_text kind, struct slice text)
{
	static struct config config;
	char problem[CONFIG_ERROR_MAX];

	memset(error, 0, sizeof(error));
	if (!config_parse(&config, kind, "text", text, error)) {
		check_error();
		return false;
	}
	if (*error)
		check_warnings();
	check_again(&config);
	if (config_complete(&config, 2, NULL, problem))
		check_again(&config);
	return true;
}

static void read_as_output(struct slice text)
{
	static struct config config;
	char problem[SETTING_ERROR_MAX] = "", *line = strndup((const char *)text.data, text.length);

	config = config_default;
	if (outputs_parse(&config, line, problem)) {
		assert(!*problem);
		check_again(&config);
	} else {
		assert(*problem);
	}
	free(line);
}

static void read_as_rules(struct slice text)
{
	static struct config config;
	char problem[CONFIG_ERROR_MAX] = "";

	config = config_default;
	if (rules_read(&config, "text", text, problem)) {
		assert(*config.rules);
		check_again(&config);
	} else {
		assert(*problem);
	}
	assert(!*problem || !strncmp(problem, "text", 4));
	assert(!strpbrk(problem, "\n\r\t\x1b"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice text = {data, size};

	if (read_as(CONFIG_TEXT_FILE, text) && !*error)
		assert(read_as(CONFIG_TEXT_HANDED_OVER, text));
	else
		read_as(CONFIG_TEXT_HANDED_OVER, text);
	read_as_output(text);
	read_as_rules(text);
	return 0;
}
