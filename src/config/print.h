/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include "config/text.h"

/*
 * The inverse of config_parse, as text; a file does not keep which of pcap-port and jmirror-port
 * came last, and has of each output what is not the default. Returns the length without the NUL
 * behind it, or -ENOSPC.
 */
int config_print(const struct config *config, enum config_text kind, char *text, size_t size);
