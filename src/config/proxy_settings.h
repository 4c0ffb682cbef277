/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"

/* Fills in where the proxy listens, and checks of it and of rules what no single setting knows;
 * false with one line in error[CONFIG_ERROR_MAX]. */
bool proxy_settings_complete(struct config *config, char *error);
