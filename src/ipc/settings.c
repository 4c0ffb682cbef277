/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/settings.h"

_Static_assert(CONFIG_ALL_PORTS_MAX <= SETTINGS_PORTS_MAX, "all ports fit");

void settings_init(struct capture_settings *settings, const struct config *config)
{
	*settings = (struct capture_settings){
		.split = config->split,
		.share_index = config->share_index,
		.share_count = config->share_count,
		.worker_count = config->worker_count,
		.tunnels = config->tunnels,
		.pcap_port = (uint16_t)config->pcap_port,
		.jmirror_port = (uint16_t)config->jmirror_port,
		.queries_wanted = config_has_observer(config),
	};
	settings->port_count = (uint16_t)config_ports(config, settings->ports);
}
