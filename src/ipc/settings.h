/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "bpf/settings.h"
#include "config/config.h"

/* What a configuration means to the eBPF programs, and to classify_network() where no kernel runs
 * them. */
void settings_init(struct capture_settings *settings, const struct config *config);
