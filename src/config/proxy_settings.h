/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"

/* Is a value of proxy.listen, of proxy.allow good? False with what is wrong in
 * problem[SETTING_ERROR_MAX]. */
bool proxy_settings_check_listen(const char *text, char *problem);
bool proxy_settings_check_allow(const char *text, char *problem);

/* Fills in where the proxy listens, and checks of it and of rules what no single setting knows;
 * false with one line in error[CONFIG_ERROR_MAX]. */
bool proxy_settings_complete(struct config *config, const struct origins *origins, char *error);
