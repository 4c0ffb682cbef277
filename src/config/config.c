/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/fields.h"
#include "config/outputs.h"
#include "config/proxy_settings.h"
#include "config/schema.h"
#include "net/decode.h"
#include "stats/shard.h"

static bool complete_capture(struct config *config, uint32_t cpu_count, char *error)
{
	if (config->segment_size && *config->write_file)
		return setting_refuse(error, "--segments is for UDP: it does not go with -w");
	if (config->segment_size && config->segment_size > config->payload_max)
		return setting_refuse(error, "--segments is larger than --max-payload");
	if (!config->worker_count)
		config->worker_count = cpu_count / 2;
	if (!config->worker_count || config->share_count > 1)
		config->worker_count = 1; /* with -m the other shares are other daemons */
	if (config->worker_count > CONFIG_WORKERS_MAX)
		config->worker_count = CONFIG_WORKERS_MAX;
	if (config->sample_rate == 1)
		config->sample_rate = 0;
	if (!strcmp(config->write_file, "-") && config->worker_count > 1)
		return setting_refuse(
			error, "-w - is for one worker: several cannot share standard output");
	if (!config->are_tunnels_set)
		config->tunnels = *config->read_file ? TUNNEL_ALL : 0;
	config->are_tunnels_set = true;
	if (!*config->control)
		strcpy(config->control,
		       *config->read_file ? CONFIG_CONTROL_NONE : CONFIG_CONTROL_SOCKET);
	/* Padded sets keep a datagram within its maximum only when that is a multiple of four. */
	config->payload_max -= config->payload_max % 4;
	config->segment_size -= config->segment_size % 4;
	return true;
}

/* What is counted for each name, by its place in the list; false behind the last. */
static bool find_table(const struct config *config, uint32_t index, struct stats_table *table)
{
	const struct setting *setting = schema_find(&schema_config, "statistics.tables");
	char text[CONFIG_TEXT_MAX];

	if (index >= setting_count(config, setting))
		return false;
	setting_format(config, setting, index, text);
	return stats_table_parse(text, table);
}

static bool is_counted(const struct config *config, const char *text)
{
	struct stats_table wanted, table;

	if (!strcmp(text, "registered/query") || !strcmp(text, "registered/response"))
		return true;
	if (!stats_table_parse(text, &wanted))
		return false;
	for (uint32_t i = 0; find_table(config, i, &table); i++)
		if (table.what == wanted.what && table.is_query == wanted.is_query &&
		    table.code == wanted.code)
			return true;
	return false;
}

/* The first element of a list that is not good is told with what it is not. */
static bool check_list(const struct config *config, const char *name,
		       bool (*is_good)(const struct config *config, const char *text),
		       const char *problem, char *error)
{
	const struct setting *setting = schema_find(&schema_config, name);
	struct setting_place place = {0};
	char text[CONFIG_TEXT_MAX];

	while (setting_next(config, setting, &place, text)) {
		if (is_good(config, text))
			continue;
		snprintf(error, CONFIG_ERROR_MAX, "%s: %.99s is %s", name, text, problem);
		return false;
	}
	return true;
}

static bool is_address(const struct config *config, const char *text)
{
	struct address address;

	(void)config;
	return address_parse(text, &address);
}

static bool is_table(const struct config *config, const char *text)
{
	struct stats_table table;

	(void)config;
	return stats_table_parse(text, &table);
}

static bool check_lists(const struct config *config, char *error)
{
	const struct setting *tables = schema_find(&schema_config, "statistics.tables");
	const struct setting *own = schema_find(&schema_config, "own-address");

	if (setting_count(config, own) > CONFIG_OWN_ADDRESSES_MAX)
		return setting_refuse(error, "own-address: more than 16");
	if (setting_count(config, tables) > STATS_TABLES_MAX)
		return setting_refuse(error, "statistics.tables: more than 16");
	return check_list(config, "own-address", is_address, "no address", error) &&
	       check_list(config, "statistics.tables", is_table, "not WHAT/query or WHAT/response",
			  error) &&
	       check_list(config, "statistics.default-tables", is_counted,
			  "not in statistics.tables", error);
}

_Static_assert(STATS_TABLES_MAX == 16 && CONFIG_OWN_ADDRESSES_MAX == 16, "as the texts above say");

/* A port alone and localhost are 127.0.0.1, which no resolver may say otherwise. */
static bool complete_listen(struct config_web *web)
{
	static const char local[] = "localhost:";
	const size_t digits = strspn(web->listen, "0123456789");
	char text[sizeof(web->listen) + sizeof("127.0.0.1:")];

	strcpy(text, web->listen);
	if (!web->listen[digits])
		sprintf(text, "127.0.0.1:%s", web->listen);
	else if (!strncmp(web->listen, local, strlen(local)))
		sprintf(text, "127.0.0.1:%s", web->listen + strlen(local));
	return config_parse_endpoint(text, &web->endpoint) && web->endpoint.address.version &&
	       web->endpoint.port;
}

static bool is_loopback(const struct address *address)
{
	static const struct address loopback6 = {.bytes[15] = 1, .version = 6};

	return address->version == 4 ? address->bytes[0] == 127
				     : address_equal(address, &loopback6);
}

static bool complete_web(struct config_web *web, char *error)
{
	if (!*web->certificate != !*web->key)
		return setting_refuse(error, "web.certificate and web.key need each other");
	if (!*web->login != !*web->password_file)
		return setting_refuse(error, "web.login and web.password-file need each other");
	if (strchr(web->login, ':'))
		return setting_refuse(error, "web.login: a login has no colon (RFC 7617)");
	if (!*web->listen)
		return true;
	if (!complete_listen(web))
		return setting_refuse(error, "web.listen is neither ADDRESS:PORT nor a port");
	if (!*web->login && !*web->api_key_file && !is_loopback(&web->endpoint.address))
		return setting_refuse(error,
				      "web.listen: only 127.0.0.1 and ::1 do without credentials; "
				      "give web.login with web.password-file, or web.api-key-file");
	return true;
}

/* Is there anything to do with what is captured? */
static bool has_output(const struct config *config)
{
	return config->destination_count || *config->write_file || config->is_dry_run ||
	       config_has_aggregator(config);
}

static bool is_proxy_alone(const struct config *config)
{
	return config_has_proxy(config) && !*config->interface && !config->destination_count &&
	       !*config->write_file;
}

bool config_complete(struct config *config, uint32_t cpu_count, const struct origins *origins,
		     char *error)
{
	if (!proxy_settings_complete(config, origins, error))
		return false;
	if (is_proxy_alone(config))
		config->input = CONFIG_INPUT_NONE;
	if (config_has_capture(config) && !has_output(config))
		return setting_refuse(error,
				      "%.160s%soutput dst missing: give -u HOST, -w FILE, "
				      "--output TYPE, --web.listen PORT or --proxy.listen PORT",
				      config->config_file, *config->config_file ? ": " : "");
	if (config->split == CONFIG_SPLIT_AUTO)
		config->split = config_has_observer(config) ? SPLIT_FLOW : SPLIT_DESTINATION;
	return complete_capture(config, cpu_count, error) && check_lists(config, error) &&
	       complete_web(&config->web, error) && outputs_complete(config, error);
}

/* Base 0 as strtol knows it. */
static bool parse_port(const char *text, uint16_t *port)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 0);
	if (errno || *end || !value || value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	return true;
}

/* "host", "host:port" or "[ip6]:port"; leaves port as it is when there is none. */
static bool split(const char *text, char *host, size_t host_size, uint16_t *port)
{
	const char *end = text + strlen(text), *colon = strrchr(text, ':');
	struct address address;

	if (*text == '[') {
		end = strchr(text++, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		colon = end[1] ? end + 1 : NULL;
	} else if (address_parse(text, &address)) {
		colon = NULL;
	} else if (colon) {
		end = colon;
	}
	if (colon && !parse_port(colon + 1, port))
		return false;
	if (end <= text || (size_t)(end - text) >= host_size)
		return false;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	return true;
}

bool config_split_host_port(const char *text, char *host, size_t host_size, uint16_t *port)
{
	*port = CONFIG_DEFAULT_PORT;
	return split(text, host, host_size, port);
}

/* A name has letters, digits, '-', '.', '_' and at least one letter: "1.2.3" is a mistyped address,
 * not a name. */
static bool is_host_name(const char *host)
{
	bool has_letter = false;

	for (; *host; host++) {
		bool is_letter = (*host | 0x20) >= 'a' && (*host | 0x20) <= 'z';

		if (!is_letter && !(*host >= '0' && *host <= '9') && !strchr("-._", *host))
			return false;
		has_letter |= is_letter;
	}
	return has_letter;
}

bool config_parse_endpoint(const char *text, struct endpoint *endpoint)
{
	char host[256];

	*endpoint = (struct endpoint){0};
	if (!split(text, host, sizeof(host), &endpoint->port))
		return false;
	return address_parse(host, &endpoint->address) || is_host_name(host);
}

uint32_t config_ports(const struct config *config, uint16_t *ports)
{
	uint32_t count = 0;
	bool is_mdns_listed = false;

	for (; count < config->port_count; count++) {
		ports[count] = config->ports[count];
		is_mdns_listed |= ports[count] == CONFIG_PORT_MDNS;
	}
	if (!count)
		ports[count++] = CONFIG_PORT_DNS;
	if (config->is_mdns && !is_mdns_listed)
		ports[count++] = CONFIG_PORT_MDNS;
	return count;
}

#define DIFFERENCE_MAX 512 /* of what is told of a value */

struct comparison {
	config_difference_fn fn;
	void *argument;
	bool differs;
};

static void compare_setting(struct comparison *comparison, const char *prefix,
			    const struct setting *setting, const void *before, const void *after)
{
	char name[2 * SETTING_NAME_MAX], old[DIFFERENCE_MAX], new[DIFFERENCE_MAX];
	const struct config_difference difference = {name, old, new, setting->needs_restart};

	if (setting_is_same(before, after, setting))
		return;
	comparison->differs = true;
	setting_join_from(before, after, setting, old, sizeof(old));
	setting_join_from(after, before, setting, new, sizeof(new));
	snprintf(name, sizeof(name), "%s%s", prefix, setting->name);
	if (!setting->is_private || setting->needs_restart)
		comparison->fn(comparison->argument, &difference);
}

/* One that is there only before or only after is one difference: its type. */
static void compare_outputs(struct comparison *comparison, const struct config *before,
			    const struct config *after)
{
	const struct setting *type = schema_output.settings;
	char prefix[32], kind[SETTING_NAME_MAX];
	struct config_difference difference = {.name = prefix, .before = "", .after = ""};

	for (uint32_t i = 0; i < before->output_count || i < after->output_count; i++) {
		if (i < before->output_count && i < after->output_count) {
			snprintf(prefix, sizeof(prefix), "outputs[%u].", i);
			for (size_t j = 0; j < schema_output.count; j++)
				compare_setting(comparison, prefix, &schema_output.settings[j],
						&before->outputs[i], &after->outputs[i]);
			continue;
		}
		snprintf(prefix, sizeof(prefix), "outputs[%u]", i);
		setting_join(i < before->output_count ? &before->outputs[i] : &after->outputs[i],
			     type, kind, sizeof(kind));
		*(i < before->output_count ? &difference.before : &difference.after) = kind;
		comparison->differs = true;
		comparison->fn(comparison->argument, &difference);
	}
}

bool config_compare(const struct config *before, const struct config *after,
		    config_difference_fn fn, void *argument)
{
	struct comparison comparison = {fn, argument, false};

	for (size_t i = 0; i < schema_config.count; i++)
		if (schema_config.settings[i].kind == SETTING_OUTPUTS)
			compare_outputs(&comparison, before, after);
		else
			compare_setting(&comparison, "", &schema_config.settings[i], before, after);
	return comparison.differs;
}

bool config_has_events(const struct config *config)
{
	for (uint32_t i = 0; i < config->output_count; i++)
		if (output_kind_takes_events(config->outputs[i].kind))
			return true;
	return false;
}

/* Fields that are found in the message itself only. */
bool config_has_messages(const struct config *config)
{
	for (uint32_t i = 0; i < config->output_count; i++)
		if (config->outputs[i].kind == OUTPUT_RECORDS ||
		    fields_has(config->outputs[i].fields, CONFIG_FIELD_ECS))
			return true;
	return false;
}

bool config_has_aggregator(const struct config *config)
{
	return *config->web.listen || config->output_count;
}

bool config_has_proxy(const struct config *config)
{
	return *config->proxy.listen;
}

bool config_has_rules(const struct config *config)
{
	return *config->rules || *config->rules_file;
}

bool config_has_capture(const struct config *config)
{
	return config->input != CONFIG_INPUT_NONE;
}

bool config_reads_file(const struct config *config)
{
	return config->input == CONFIG_INPUT_MAPPED || config->input == CONFIG_INPUT_STREAM;
}

bool config_has_observer(const struct config *config)
{
	return config->statistics.is_enabled || config->is_dry_run || config_has_aggregator(config);
}
