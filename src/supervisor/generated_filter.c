/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/generated_filter.h"

void generated_filter(const struct config *config, uint32_t share_index, uint32_t share_count,
		      bool is_untagged, char text[FILTER_TEXT_MAX])
{
	struct filter_options options = {
		.share_index = share_index,
		.share_count = share_count,
		.is_untagged = is_untagged,
		.is_checksum_split = config->split == SPLIT_CHECKSUM,
		.is_pcap_encapsulated =
			config->pcap_port && !(config->jmirror_port && config->is_jmirror_last),
		.is_jmirror_encapsulated =
			config->jmirror_port && !(config->pcap_port && !config->is_jmirror_last),
	};

	_Static_assert(CONFIG_ALL_PORTS_MAX == FILTER_PORTS_MAX, "all ports fit");
	options.port_count = config_ports(config, options.ports);
	if (filter_text(&options, text, FILTER_TEXT_MAX) < 0)
		text[0] = '\0';
}
