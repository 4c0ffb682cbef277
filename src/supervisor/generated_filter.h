/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"
#include "pcap/filter.h"

/*
 * The text of the original's generated filter (spec/dnsflow.md section 2) for one share of this
 * configuration. is_untagged: for frames that have no Ethernet header, and so no VLAN tags.
 */
void generated_filter(const struct config *config, uint32_t share_index, uint32_t share_count,
		      bool is_untagged, char text[FILTER_TEXT_MAX]);
