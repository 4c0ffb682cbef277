/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/config.h"

#include <stdio.h>
#include <string.h>

#include "config/schema.h"
#include "net/decode.h"

static bool refuse(char *error, const char *text)
{
	snprintf(error, CONFIG_ERROR_MAX, "%s", text);
	return false;
}

bool config_complete(struct config *config, uint32_t cpu_count, char *error)
{
	if (!config->destination_count && !*config->write_file)
		return refuse(error, "output dst missing: give -u HOST, or -w FILE");
	if (config->segment_size && *config->write_file)
		return refuse(error, "--segments is for UDP: it does not go with -w");
	if (config->segment_size && config->segment_size > config->payload_max)
		return refuse(error, "--segments is larger than --max-payload");
	if (!config->worker_count)
		config->worker_count = cpu_count / 2;
	if (!config->worker_count || config->share_count > 1)
		config->worker_count = 1; /* with -m the other shares are other daemons */
	if (config->worker_count > CONFIG_WORKERS_MAX)
		config->worker_count = CONFIG_WORKERS_MAX;
	if (config->sample_rate == 1)
		config->sample_rate = 0;
	if (!strcmp(config->write_file, "-") && config->worker_count > 1)
		return refuse(error,
			      "-w - is for one worker: several cannot share standard output");
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

static void join_values(const struct config *config, const struct setting *setting, char *text)
{
	char value[CONFIG_TEXT_MAX];
	size_t length = 0;

	*text = '\0';
	for (uint32_t i = 0; i < setting_count(config, setting); i++) {
		setting_format(config, setting, i, value);
		length += (size_t)snprintf(text + length, CONFIG_TEXT_MAX - length, "%s%s",
					   i ? "," : "", value);
	}
}

_Static_assert(CONFIG_DESTINATIONS_MAX * sizeof(((struct config_destination *)0)->text) <
		       CONFIG_TEXT_MAX,
	       "a list fits");

bool config_compare(const struct config *before, const struct config *after,
		    config_difference_fn fn, void *argument)
{
	char old[CONFIG_TEXT_MAX], new[CONFIG_TEXT_MAX];
	bool differs = false;

	for (const struct setting *setting = settings; setting < settings + settings_count;
	     setting++) {
		const struct config_difference difference = {setting->name, old, new,
							     setting->needs_restart};

		join_values(before, setting, old);
		join_values(after, setting, new);
		if (!strcmp(old, new))
			continue;
		differs = true;
		if (!setting->is_private || setting->needs_restart)
			fn(argument, &difference);
	}
	return differs;
}

bool config_has_events(const struct config *config)
{
	for (uint32_t i = 0; i < config->output_count; i++)
		if (output_kind_takes_events(config->outputs[i].kind))
			return true;
	return false;
}

bool config_has_statistics(const struct config *config)
{
	bool is_needed = config->statistics.is_enabled || *config->web.listen;

	for (uint32_t i = 0; i < config->output_count; i++)
		is_needed |= config->outputs[i].kind == OUTPUT_METRICS;
	return is_needed;
}

bool config_has_aggregator(const struct config *config)
{
	return *config->web.listen || config->output_count;
}
